"""Columns of plain numbers are those that uproot reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.data.plain_columns import joined, part_of, read_column, size_of

_TYPES: dict[str, Any] = {
    "flag": np.bool_,
    "small": np.int8,
    "number": np.uint64,
    "x": np.float32,
    "pair": np.dtype("2f8"),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plain") / "a.root"
    rng = np.random.default_rng(1)
    with uproot.recreate(path) as file:
        file.mktree("Events", {**_TYPES, "y": "var * float64", "good": "var * bool"})
        for n in (30, 1, 44):
            lists = ak.unflatten(rng.normal(size=2 * n), np.bincount(rng.integers(0, n, 2 * n), minlength=n))
            flat = {
                name: rng.integers(0, 2, (n, *np.dtype(kind).shape)).astype(np.dtype(kind).base)
                for name, kind in _TYPES.items()
            }
            file["Events"].extend({**flat, "y": lists, "good": lists > 0})
    return path


@pytest.fixture
def tree(path: Path) -> Iterator[Any]:
    with uproot.open({str(path): None}) as file:
        yield file["Events"]


@pytest.mark.parametrize("entries", [(0, 75), (0, 30), (3, 11), (29, 31), (30, 31), (12, 60), (74, 75)])
def test_numbers_are_those_of_the_file(tree: Any, entries: tuple[int, int]) -> None:
    for name in ("flag", "small", "number", "x"):
        column = read_column(tree[name], *entries)
        expected = tree[name].array(entry_start=entries[0], entry_stop=entries[1], library="np")
        assert column is not None
        assert column[0] is None
        assert column[1].dtype == expected.dtype
        assert column[1].tolist() == expected.tolist()
    for name in ("y", "good"):
        column = read_column(tree[name], *entries)
        expected = tree[name].array(entry_start=entries[0], entry_stop=entries[1])
        assert column is not None
        assert column[0] is not None
        assert np.diff(column[0]).tolist() == ak.num(expected).to_list()
        assert column[0][0] == 0
        assert column[1].tolist() == ak.flatten(expected).to_list()
        assert column[1].dtype == ak.to_numpy(ak.flatten(expected)).dtype


def test_others_are_left_to_uproot(tree: Any) -> None:
    assert read_column(tree["pair"], 0, 75) is None  # two numbers in each entry
    for entries in ((5, 5), (0, 76), (-1, 4)):
        assert read_column(tree["x"], *entries) is None


def test_a_basket_of_another_length_is_left_to_uproot(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    branch = tree["x"]
    assert read_column(branch, 0, 40) is not None
    wrong = branch.member("fBasketEntry").copy()
    wrong[1] = 29
    monkeypatch.setitem(branch._members, "fBasketEntry", wrong)
    assert read_column(branch, 0, 20) is None


@pytest.mark.parametrize(("row", "place"), [(1, 400), (2, -8), (1, 2**31 - 500)])
def test_lists_that_do_not_lie_in_their_basket_are_no_lists(
    misplaced: Callable[..., Path], row: int, place: int
) -> None:
    """awkward would read beyond its memory."""
    path = misplaced("y", row, place)
    with uproot.open({str(path): None}) as file, pytest.raises(ValueError, match=r"y, basket 0, in file "):
        read_column(file["Events"]["y"], 0, 4)


def test_parts_are_put_together_again() -> None:
    column = np.array([0, 2, 2, 5]), np.arange(5.0)
    parts = [part_of(column, 0, 1), part_of(column, 1, 3)]
    assert [part[0].tolist() for part in parts if part[0] is not None] == [[0, 2], [0, 0, 3]]
    offsets, numbers = joined(parts)
    assert offsets is not None
    assert (offsets.tolist(), numbers.tolist()) == (column[0].tolist(), column[1].tolist())
    assert joined([(None, np.array([1])), (None, np.array([2, 3]))])[1].tolist() == [1, 2, 3]
    assert size_of(column) == 8 * (4 + 5)
