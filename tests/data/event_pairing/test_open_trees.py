"""Which files stay open, and that they are closed in the end."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import uproot

from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.open_trees import OpenTrees, close_last


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """Three files with two branches each."""
    found = [str(tmp_path / f"{number}.root") for number in range(3)]
    for number, path in enumerate(found):
        with uproot.recreate(path) as file:
            tree = file.mktree("Events", {"event": "int64", "run": "float64"})
            tree.extend({"event": np.arange(5) + 10 * number, "run": np.ones(5)})
    return found


def test_the_first_files_stay_open(paths: list[str]) -> None:
    trees = OpenTrees(most_branches=5)
    first = []
    for path in paths:
        with trees.open(path) as opened:
            first.append(opened)
            tree = opened["Events"]
            trees.keep(path, opened, len(tree.keys()))
    assert [opened.closed for opened in first] == [False, False, True]  # 2 + 2 branches, and no room for 2 more
    for number, path in enumerate(paths):
        with trees.open(path) as opened:
            assert (opened is first[number]) == (number < 2)
            assert opened["Events"]["event"].array().tolist() == [10 * number + i for i in range(5)]
    assert not first[0].closed
    trees.close()
    assert all(opened.closed for opened in first)


def test_an_error_closes_the_file(paths: list[str]) -> None:
    trees = OpenTrees(most_branches=10)
    with pytest.raises(ValueError, match="mine"), trees.open(paths[0]) as opened:
        raise ValueError("mine")
    assert opened.closed


def test_a_file_gives_the_same_events_once_more(slim_data: Path) -> None:
    path = str(slim_data / "cms" / "nano_tt_v15.root")
    expected = uproot.open(path)["Events"]["event"].array().tolist()
    with OpenTrees.lasting() as trees:
        file = EventFile.look(path, "Events", None, trees)
        for memory in (10**9, 1_000, 300):
            chunks = list(file.chunks(["event", "FatJet_pt"], memory=memory))
            assert [number for chunk in chunks for number in chunk.events["event"].to_list()] == expected
        with trees.open(path) as opened:
            tree = opened["Events"]
        assert tree is opened["Events"]
    assert opened.closed


def test_on_a_worker_the_last_file_stays_open(paths: list[str]) -> None:
    trees = [pickle.loads(pickle.dumps(OpenTrees(most_branches=10))) for _ in range(2)]  # noqa: S301 - our own bytes
    with trees[0].open(paths[0]) as first:
        pass
    with trees[1].open(paths[0]) as again:
        assert again is first
        assert not first.closed
    with trees[0].open(paths[1]) as second:
        assert first.closed
    with pytest.raises(ValueError, match="mine"), trees[0].open(paths[1]):
        raise ValueError("mine")
    assert second.closed
    with trees[0].open(paths[2]) as third:
        assert third["Events"]["event"].array().tolist() == [20, 21, 22, 23, 24]
    close_last()
    assert third.closed
