"""Keys of events, compared with dictionaries."""

from __future__ import annotations

import numpy as np

from rs3l_gnn.data.event_pairing.keys import first_repeated, rows_of_same_key


def test_rows_are_those_of_a_dictionary() -> None:
    rng = np.random.default_rng(1)
    keys = np.unique(rng.integers(0, 12, (300, 3)), axis=0).astype(np.uint64)
    keys[0] = (1, 2**40, 2**63 + 5)
    rng.shuffle(keys)
    others = np.concatenate([keys[::2], rng.integers(20, 30, (7, 3)).astype(np.uint64)])
    rng.shuffle(others)
    known = {tuple(key): row for row, key in enumerate(keys.tolist())}
    expected = [known.get(tuple(key), -1) for key in others.tolist()]
    assert rows_of_same_key(keys, others).tolist() == expected
    assert rows_of_same_key(keys[:0], others).tolist() == [-1] * len(others)
    assert rows_of_same_key(keys, keys[:0]).tolist() == []


def test_the_same_key_twice_is_found() -> None:
    keys = np.array([[1, 5], [1, 6], [2, 5], [1, 6]], np.uint64)
    assert first_repeated(keys) == (1, 3)
    assert first_repeated(keys[:3]) is None
    assert first_repeated(keys[:0]) is None
