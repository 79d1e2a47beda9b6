"""Flat arrays of lists, against awkward."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.conventions import jagged

LISTS = [ak.Array([[3, 1], [], [4, 1, 5], [9]]), ak.Array([[]]), ak.Array([[], [2, 6, 5], []])]


@pytest.mark.parametrize("lists", LISTS, ids=["some", "one empty", "empty at both ends"])
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_terms_are_those_of_awkward(lists: ak.Array, dtype: type[np.integer]) -> None:
    counts = ak.to_numpy(ak.num(lists)).astype(dtype)
    content = ak.to_numpy(ak.flatten(lists))
    offsets = jagged.offsets_of(counts)
    assert offsets.dtype == np.int64
    assert ak.unflatten(content, np.diff(offsets)).to_list() == lists.to_list()
    assert jagged.starts_of(counts).tolist() == offsets[:-1].tolist()
    assert jagged.local_index(counts).tolist() == ak.flatten(ak.local_index(lists)).to_list()
    event = ak.broadcast_arrays(ak.local_index(lists, axis=0), lists)[0]
    assert jagged.parents_of(counts).tolist() == ak.flatten(event).to_list()


def test_no_lists() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert jagged.offsets_of(none).tolist() == [0]
    assert [len(part(none)) for part in (jagged.starts_of, jagged.parents_of, jagged.local_index)] == [0, 0, 0]


def test_ranges_by_hand() -> None:
    assert jagged.ranges(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]


def test_first_not_finite_is_the_first_in_memory() -> None:
    values = np.ones((3, 2))
    assert jagged.first_not_finite(values) is None
    values[2, 0], values[1, 1] = np.nan, -np.inf
    assert jagged.first_not_finite(values) == (1, 1)
    assert jagged.first_not_finite(np.zeros((0, 2))) is None


@pytest.mark.parametrize("values", [[], [3], [3, 3], [0, 0, 1, 4, 4, 4, 9]])
def test_runs_are_different_numbers(values: list[int]) -> None:
    assert jagged.count_runs(np.array(values, dtype=np.int64)) == len(set(values))
