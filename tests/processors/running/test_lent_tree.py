"""Entries of kept baskets are those of the file, and each basket is read once for all chunks inside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.processors.running.lent_tree import LentTree, lent_tree

_BASKETS = (60, 60, 7, 33)
_FLAT = np.arange(sum(_BASKETS), dtype=np.float32) * 0.5
_LISTS = [[number + 0.25 * place for place in range(number % 4)] for number in range(sum(_BASKETS))]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lent") / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("Events", {"x": np.float32, "y": "var * float64"})
        start = 0
        for size in _BASKETS:
            stop = start + size
            file["Events"].extend({"x": _FLAT[start:stop], "y": ak.Array(_LISTS[start:stop])})
            start = stop
    return path


@pytest.fixture
def tree(path: Path) -> Iterator[Any]:
    with uproot.open({str(path): None}, array_cache=None) as file:
        yield file["Events"]


def _entries(lent: LentTree, start: int, stop: int) -> tuple[list[float], list[list[float]]]:
    columns = [lent[name].array(lent[name].interpretation, entry_start=start, entry_stop=stop) for name in "xy"]
    return columns[0].to_list(), columns[1].to_list()


@pytest.mark.parametrize("size", [1, 9, 20, 33, 59, 60, 61, 160])
def test_entries_are_those_of_the_file(tree: Any, size: int) -> None:
    lent = LentTree(tree)
    for start in range(0, len(_FLAT), size):
        stop = min(start + size, len(_FLAT))
        assert _entries(lent, start, stop) == (_FLAT[start:stop].tolist(), _LISTS[start:stop])
    assert _entries(lent, 5, 5) == ([], [])


def test_a_basket_is_read_once_for_the_chunks_inside_it(tree: Any) -> None:
    lent = LentTree(tree)
    _entries(lent, 0, 20)
    source = tree.file.source
    before = source.num_requested_chunks
    _entries(lent, 20, 40)
    _entries(lent, 40, 60)
    assert source.num_requested_chunks == before
    _entries(lent, 60, 80)
    assert source.num_requested_chunks == before + 2  # of two branches


def test_chunks_of_whole_baskets_are_not_kept(tree: Any) -> None:
    lent = LentTree(tree)
    source = tree.file.source
    counts = []
    for _ in range(2):
        before = source.num_requested_chunks
        _entries(lent, 0, 50)
        counts.append(source.num_requested_chunks - before)
    assert counts == [2, 2]


def test_the_oldest_baskets_go_where_memory_is_short(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        f"{lent_tree.__module__}._MAX_BYTES", 1300
    )  # more than either column of 60 entries, less than both
    lent = LentTree(tree)
    source = tree.file.source
    _entries(lent, 0, 20)
    before = source.num_requested_chunks
    assert _entries(lent, 20, 40) == (_FLAT[20:40].tolist(), _LISTS[20:40])
    assert source.num_requested_chunks > before


def test_names_and_types_are_those_of_the_tree(tree: Any) -> None:
    lent = LentTree(tree)
    assert lent.typenames() == tree.typenames() == {"x": "float", "ny": "int32_t", "y": "double[]"}
    assert [name for name, _ in lent.iteritems()] == ["x", "ny", "y"]
    assert "x" in lent
    assert "z" not in lent
    assert lent.num_entries == len(_FLAT)


def test_other_objects_are_lent_as_they_are(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("Events", {"x": _FLAT})
    with uproot.open(tmp_path / "a.root") as file:
        ntuple = file["Events"]
        assert lent_tree(ntuple) is ntuple
