"""Numbers in lists as plain Python flattens them, whatever layout awkward has chosen."""

from __future__ import annotations

from itertools import chain

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.data.list_fields import counts_of, entry_field, flat, flat_field, plain_field, renamed

_LISTS = [[{"x": 1.5, "i": 1}, {"x": 2.5, "i": 2}], [], [{"x": -1.0, "i": 3}]]


def _variants() -> dict[str, ak.Array]:
    records = ak.values_astype(ak.Array(_LISTS), np.float32)
    longer = ak.concatenate([records, records, records])
    form, length, buffers = ak.to_buffers(records)
    variants = {
        "plain": records,
        "sliced": longer[3:6],
        "masked": longer[np.arange(9) % 3 >= 0][np.arange(9) < 3],
        "picked": longer[[0, 4, 8]],
        "cut": records[records["x"] > -2],
        "regular": ak.to_regular(records[[0, 0]], axis=1),
        "with None": ak.mask(records, np.array([True, True, True])),
    }
    if hasattr(ak, "materialize"):
        lazy = {name: (lambda held=held: held) for name, held in buffers.items()}
        variants["virtual"] = ak.from_buffers(form, length, lazy)
    return variants


@pytest.mark.parametrize("name", sorted(_variants()))
def test_as_plain_loops_give_them(name: str) -> None:
    records = _variants()[name]
    lists = records.to_list()
    expected = [record["x"] for record in chain.from_iterable(lists)]
    assert flat_field(records, "x").tolist() == flat(records["x"]).tolist() == expected
    assert flat_field(records, "x").dtype == np.float32
    assert counts_of(records).tolist() == [len(one) for one in lists]
    assert counts_of(records).dtype == np.int64
    plain = plain_field(records, "x")
    assert plain is None or plain.tolist() == expected
    other = renamed(records, {"place": "i", "value": "x"})
    assert other.to_list() == [[{"place": one["i"], "value": one["x"]} for one in jets] for jets in lists]


def test_only_the_layout_of_files_is_plain() -> None:
    plain = {name for name, records in _variants().items() if plain_field(records, "x") is not None}
    assert {"plain", "sliced"} <= plain
    assert not plain & {"regular", "with None"}


def test_only_the_columns_that_are_asked_for_are_read() -> None:
    if not hasattr(ak, "materialize"):
        pytest.skip("no virtual arrays in this version of awkward")
    form, length, buffers = ak.to_buffers(ak.Array(_LISTS))
    read: list[str] = []

    def column(name: str) -> np.ndarray:
        read.append(name)
        return np.asarray(buffers[name])

    records = ak.from_buffers(form, length, {name: (lambda name=name: column(name)) for name in buffers})
    other = renamed(records, {"place": "i"})
    assert all(name.endswith("offsets") for name in read)
    assert flat_field(other, "place").tolist() == [1, 2, 3]
    assert len(read) == 2  # offsets and one column


def test_a_number_of_each_record() -> None:
    events = ak.Array([{"event": 7, "jets": [1]}, {"event": 5, "jets": []}])
    assert entry_field(events, "event").tolist() == [7, 5]
    assert entry_field(events[1:], "event").tolist() == [5]
    assert entry_field(events[[1, 0]], "event").tolist() == [5, 7]
