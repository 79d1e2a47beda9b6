"""Trees of a known layout are what uproot reads, number by number, also of damaged files."""

from __future__ import annotations

import json
import operator
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.data import tree_layouts
from rs3l_gnn.data.tree_layouts import read_tree, shared_by_layout


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_layouts, "_known", tree_layouts._Layouts())


def _write(path: Path, sizes: tuple[int, ...], *, more: bool = False, compression: Any = None) -> Path:
    """A file with a basket of each of some sizes."""
    rng = np.random.default_rng(sum(sizes))
    types = {
        "event": np.uint64,
        "good": np.bool_,
        "Jet": ak.types.from_datashape("var * {pt: float32, id: int32}", highlevel=False),
    }
    with uproot.recreate(path, compression=compression) as file:
        file.mktree("Events", {**types, **({"more": np.float64} if more else {})})
        for n in sizes:
            counts = rng.integers(0, 5, n)
            jets = {
                "pt": rng.normal(size=counts.sum()).astype(np.float32),
                "id": np.arange(counts.sum(), dtype=np.int32),
            }
            columns = {
                "event": np.arange(n, dtype=np.uint64),
                "good": rng.random(n) < 0.5,
                "Jet": ak.zip({name: ak.unflatten(values, counts) for name, values in jets.items()}),
            }
            file["Events"].extend({**columns, **({"more": rng.normal(size=n)} if more else {})})
    return path


def _both(path: Path) -> tuple[Any, Any]:
    """Everything that a tree holds, and its arrays, by uproot and by us."""
    with uproot.open({path: None}, object_cache=None) as ours, uproot.open({path: None}, object_cache=None) as theirs:
        trees = theirs["Events"], read_tree(ours, "Events")
        return tuple((tree.tojson(), tree.arrays().to_list(), tree.typenames()) for tree in trees)  # type: ignore[return-value]


def _layouts() -> int:
    return len(tree_layouts._known._layouts)


def test_trees_of_one_layout_are_read_as_by_uproot(tmp_path: Path) -> None:
    for number, sizes in enumerate([(100,), (7, 30, 1), (1,), (250, 250)]):
        expected, found = _both(_write(tmp_path / f"{number}.root", sizes))
        assert found == expected
        assert _layouts() == 1  # also for other numbers of baskets


def test_another_layout_is_not_taken_for_it(tmp_path: Path) -> None:
    for number in range(4):
        expected, found = _both(_write(tmp_path / f"{number}.root", (20,), more=number % 2 == 1))
        assert found == expected
    assert _layouts() == 2


def _numbers_of_leaves(tree: Any) -> Iterator[Any]:
    for branch in tree.branches:
        leaf = branch.member("fLeaves")[0]
        count = leaf.member("fLeafCount")
        yield leaf.parent is branch, None if count is None else (count.parent.name, count.parent.tree is tree)


def test_parts_of_a_tree_belong_to_its_own_file(tmp_path: Path) -> None:
    paths = [_write(tmp_path / f"{n}.root", (n,)) for n in (3, 9)]
    for path in paths:
        with uproot.open({path: None}) as file:
            tree = read_tree(file, "Events")
            assert file["Events"] is tree  # uproot remembers it as one that it read
            assert [branch.file for branch in tree.branches] == [tree.file] * len(tree.branches)
            assert list(_numbers_of_leaves(tree)) == [
                (True, None),
                (True, None),
                (True, None),
                (True, ("nJet", True)),
                (True, ("nJet", True)),
            ]
            assert tree["Jet_pt"].count_branch is tree["nJet"]


# Uproot reads them or not, depending on what it met in other files of the process.
_NOT_ALWAYS = {"fBaskets", "fFileName", "fIndexValues", "fIndex", "fTreeIndex", "fFriends", "fUserInfo", "fBranchRef"}


def _always(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _always(one) for key, one in value.items() if key not in _NOT_ALWAYS}
    return [_always(one) for one in value] if isinstance(value, list) else value


@pytest.fixture
def _own_classes() -> Iterator[None]:
    """Uproot takes the classes of a damaged file for the better ones, in all later files of the process."""
    versions = {
        model: dict(model.known_versions) for model in uproot.classes.values() if hasattr(model, "known_versions")
    }
    classes = dict(uproot.classes)
    yield
    uproot.classes.clear()
    uproot.classes.update(classes)
    for model, known in versions.items():
        model.known_versions = known


@pytest.mark.usefixtures("_own_classes")
@pytest.mark.parametrize("seed", range(2))
def test_damaged_descriptions_are_met_as_by_uproot(tmp_path: Path, seed: int) -> None:
    """Thirty files with one other byte each, where the first whole one has made the layout known."""
    path = _write(tmp_path / "a.root", (40,))
    _both(path)
    with uproot.open({path: None}) as file:
        key = file.key("Events")
        start, length = key.data_cursor.index, key.data_uncompressed_bytes
    whole = path.read_bytes()
    rng = np.random.default_rng(seed)
    outcomes = set()
    for place in start + rng.choice(length, 30, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        found = []
        for read in (operator.getitem, read_tree):
            with uproot.open({path: None}, object_cache=None) as file:
                try:
                    found.append(_always(read(file, "Events").tojson()))
                except Exception as error:  # noqa: BLE001 - whatever uproot raises
                    found.append(type(error))
        np.testing.assert_equal(found[1], found[0])
        outcomes.add(type(found[0]))
    assert outcomes == {dict, type}  # some were read, some refused
    assert tree_layouts._known.usable


def _classes() -> dict[tuple[str, int | None], Any]:
    found: dict[tuple[str, int | None], Any] = {}
    for name, model in uproot.classes.items():
        found |= {(name, None): model, **{(name, n): one for n, one in getattr(model, "known_versions", {}).items()}}
    return found


def test_damaged_files_leave_no_classes_behind(tmp_path: Path, shared_data: Path) -> None:
    """Uproot reads what it cannot read by its classes by those of the file, and keeps them for all files."""
    before = _classes()
    path = _write(tmp_path / "a.root", (40,))
    with uproot.open({path: None}) as file:
        key = file.key("Events")
        start, length = key.data_cursor.index, key.data_uncompressed_bytes
    whole = path.read_bytes()
    refused = 0
    for place in start + np.random.default_rng(0).choice(length, 60, replace=False):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        with uproot.open({path: None}, object_cache=None) as file:
            try:
                read_tree(file, "Events")
            except Exception:  # noqa: BLE001 - whatever uproot raises
                refused += 1
    assert refused > 5
    assert tree_layouts._known.usable
    after = _classes()
    assert {key: after[key] for key in before} == before
    with uproot.open({shared_data / "delphes/delphes342.root": None}) as file:
        assert read_tree(file, "Delphes").num_entries > 0


def test_objects_are_left_to_uproot(shared_data: Path) -> None:
    with uproot.open({shared_data / "delphes/delphes342.root": None}) as file:
        tree = read_tree(file, "Delphes")
        assert tree is file["Delphes"]
    assert _layouts() == 0


def test_files_of_an_experiment(shared_data: Path) -> None:
    for _ in range(2):
        with uproot.open({shared_data / "cms/pfnano.root": None}, object_cache=None) as file:
            tree, expected = read_tree(file, "Events"), file["Events"]
            names = expected.keys(filter_name="/(FatJet|PFCands)_(pt|eta|pdgId|btag.*)/")
            assert tree.arrays(names).to_list() == expected.arrays(names).to_list()
            assert tree.typenames() == expected.typenames()
    assert _layouts() == 1


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_layouts, "_MOST_BRANCHES", 11)
    for number in range(3):
        _both(_write(tmp_path / f"{number}.root", (5,), more=number == 1))
    assert [layout.n_branches for layout in tree_layouts._known._layouts] == [5, 6]
    monkeypatch.setattr(tree_layouts, "_MOST_BRANCHES", 4)
    tree_layouts._known._layouts.clear()
    _both(tmp_path / "0.root")
    assert _layouts() == 0


def test_trees_of_one_layout_share_a_place(tmp_path: Path) -> None:
    def place(path: Path) -> dict[str, Any]:
        with uproot.open({path: None}) as file:
            return shared_by_layout(read_tree(file, "Events"))

    first = place(_write(tmp_path / "0.root", (5,)))
    assert place(_write(tmp_path / "1.root", (8, 2))) is first
    assert place(_write(tmp_path / "2.root", (5,), more=True)) is not first
    with uproot.recreate(tmp_path / "3.root") as file:
        file.mkrntuple("Events", {"x": np.arange(3)})
    ntuple = place(tmp_path / "3.root")
    assert ntuple == {}
    assert place(tmp_path / "3.root") is not ntuple


def test_ntuples_are_left_to_uproot(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("Events", {"x": np.arange(3)})
    with uproot.open(tmp_path / "a.root") as file:
        assert read_tree(file, "Events")["x"].array().to_list() == [0, 1, 2]


PROGRAM = """
import json, sys, uproot
from rs3l_gnn.data.tree_layouts import read_tree, shared_by_layout
for path in sys.argv[1:]:
    with uproot.open({path: None}) as file:
        print(json.dumps(read_tree(file, "Events").arrays(["event", "Jet_id"]).to_list()))
"""
NAMES = ["Cursor", "_file", "_interpretation", "_index", "_members", "_parent", "_bases", "_data", "_embedded_baskets"]
NAMES += ["get_uncompressed_chunk_cursor", "data_uncompressed_bytes", "class_named", "postprocess", "_refs", "_origin"]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if number < 3 else [pytest.mark.slow]) for number, name in enumerate(NAMES)]
)
def test_trees_are_read_by_an_uproot_with_other_names(
    tmp_path: Path, renamed: Callable[[str, str], str], name: str
) -> None:
    paths = [str(_write(tmp_path / f"{n}.root", (n,))) for n in (3, 9, 4)]
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", renamed("uproot", name) + PROGRAM, *paths], check=True, capture_output=True, text=True
    )
    for n, line in zip((3, 9, 4), done.stdout.splitlines(), strict=True):
        events = json.loads(line)
        assert [event["event"] for event in events] == list(range(n))
        ids = [one for event in events for one in event["Jet_id"]]
        assert ids == list(range(len(ids)))
        assert len(ids) == sum(np.random.default_rng(n).integers(0, 5, n))
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"WARNING rs3l_gnn.data.tree_layouts uproot {uproot.__version__} has other names")
    assert name in said
