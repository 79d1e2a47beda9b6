"""What stands for a tree says the same as the tree of uproot, and makes that one only where it must."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.data import tree_layouts
from rs3l_gnn.data.described_tree import DescribedTree, describe_tree
from rs3l_gnn.data.plain_columns import read_column
from rs3l_gnn.data.tree_layouts import read_tree

_NAMES = ["event", "nx", "x", "pair"]


def _write(path: Path, sizes: tuple[int, ...], title: str = "") -> Path:
    types = {"event": "uint64", "x": "var * float32", "pair": np.dtype("2f8")}
    with uproot.recreate(path) as file:
        tree = file.mktree("Events", types, title=title)
        for n in sizes:
            counts = np.arange(n) % 4
            lists = ak.unflatten(np.arange(counts.sum(), dtype=np.float32) + n, counts)
            tree.extend({"event": np.arange(n, dtype=np.uint64), "x": lists, "pair": np.ones((n, 2))})
    return path


@pytest.fixture(autouse=True)
def _one_layout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tree_layouts, "_known", tree_layouts._Layouts())
    with uproot.open(_write(tmp_path / "first.root", (2,))) as file:
        read_tree(file, "Events")


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uproot's objects are not to be made."""

    def refuse(*arguments: Any) -> None:
        raise AssertionError(arguments)

    monkeypatch.setattr("rs3l_gnn.data.described_tree.read_tree", refuse)


@pytest.mark.parametrize("sizes", [(), (5,), (7, 1, 30), (1,) * 8])
def test_it_says_what_uproot_says(tmp_path: Path, sizes: tuple[int, ...], unread: None) -> None:
    path = _write(tmp_path / "a.root", sizes)
    with uproot.open(path) as theirs, uproot.open(path) as ours:
        expected, found = theirs["Events"], describe_tree(ours, "Events")
        assert isinstance(found, DescribedTree)
        assert found.keys() == expected.keys() == _NAMES
        assert found.num_entries == expected.num_entries == sum(sizes)
        assert (found.object_path, str(found.file.uuid)) == (expected.object_path, str(expected.file.uuid))
        assert "x" in found
        for name in _NAMES:
            one, other = found[name], expected[name]
            assert one.name == other.name
            assert one.title == other.title
            assert one.num_entries == other.num_entries == sum(sizes)
            assert one.interpretation == other.interpretation
            assert one.entry_offsets == other.entry_offsets
            assert one.compressed_bytes == other.compressed_bytes
            assert one.uncompressed_bytes == other.uncompressed_bytes
            for member in ("fBasketSeek", "fBasketBytes", "fBasketEntry"):
                assert one.member(member).tolist() == other.member(member).tolist()
        if sizes:
            column = read_column(found["x"], 0, sum(sizes))
            assert column is not None
            assert column[1].tolist() == ak.flatten(expected["x"].array()).to_list()


def test_everything_else_is_asked_of_uproot(tmp_path: Path) -> None:
    with uproot.open(_write(tmp_path / "a.root", (5,))) as file:
        tree = describe_tree(file, "Events")
        assert tree.keys(filter_name="*n*") == ["event", "nx"]
        assert "y" not in tree
        assert tree.typenames()["x"] == "float[]"
        assert tree["event"].array(library="np").tolist() == [0, 1, 2, 3, 4]
        assert tree["x"].member("fName") == "x"
        assert tree["x"].num_entries == 5
        assert tree.whole is file["Events"]
        with pytest.raises(uproot.KeyInFileError):
            tree["y"]
        for one in (tree, tree["x"]):
            assert not hasattr(one, "_no_such_thing")
            assert not hasattr(one, "no_such_thing")


def test_baskets_that_are_not_as_usual_are_asked_of_uproot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with uproot.open(_write(tmp_path / "a.root", (5, 6))) as file:
        for member, wrong in (
            ("fBasketSeek", np.array([900, 0])),
            ("fEntries", 12),
            ("fBasketEntry", np.array([0, 5])),
        ):
            tree = describe_tree(file, "Events")
            number = tree.layout.number

            def changed(raw: Any, name: str, branch: int | None = None) -> Any:
                return wrong if name == member else number(raw, name, branch)  # noqa: B023 - called in this turn

            with monkeypatch.context() as patch:
                patch.setattr(tree.layout, "number", changed)
                branch = tree["event"]
                branch.__dict__["whole"] = file["Events"]["nx"]
                monkeypatch.setattr(type(branch.whole), "entry_offsets", property(lambda self: ["asked", self.name]))
                assert branch.entry_offsets == ["asked", "nx"]


def test_other_trees_are_those_of_uproot(tmp_path: Path) -> None:
    with uproot.open(_write(tmp_path / "a.root", (5,), title="another")) as file:
        assert not isinstance(describe_tree(file, "Events"), DescribedTree)
        with pytest.raises(uproot.KeyInFileError):
            describe_tree(file, "none")
    with uproot.recreate(tmp_path / "b.root") as file:
        file.mkrntuple("Events", {"x": np.arange(3)})
    with uproot.open(tmp_path / "b.root") as file:
        assert describe_tree(file, "Events")["x"].array().to_list() == [0, 1, 2]
