"""Lists of rows against slices."""

from __future__ import annotations

import numpy as np

from rs3l_gnn.data.list_copies import put_lists


def test_each_list_comes_to_its_place() -> None:
    rng = np.random.default_rng(2)
    counts = np.array([3, 0, 5, 1])
    offsets = np.concatenate([[0], np.cumsum(counts)])
    rows = rng.normal(size=(9, 4)).astype(np.float32)
    start = np.array([7, 7, 0, 6])
    expected = np.full((12, 4), -1, np.float32)
    for one, place in enumerate(start):
        expected[place : place + counts[one]] = rows[offsets[one] : offsets[one + 1]]
    target = np.full((12, 4), -1, np.float32)
    put_lists(target, start, rows, offsets)
    np.testing.assert_array_equal(target, expected)
