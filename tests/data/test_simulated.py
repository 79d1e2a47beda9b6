"""Reading of simulated ROOT files, whole and damaged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from rs3l_gnn.benchmarks.toys import write_toys
from rs3l_gnn.conventions import InputFileError, MissingBranchError
from rs3l_gnn.data import SimulatedFile, find_simulated


@pytest.fixture
def simulated(toy_sample: Callable[..., Any], tmp_path: Path) -> Path:
    path: Path = toy_sample("hbb", n_events=40).write(tmp_path / "hbb" / "fsrRenHi_0000.root", "fsrRenHi")
    return path


def test_light_columns(simulated: Path, toy_sample: Callable[..., Any]) -> None:
    file = SimulatedFile.open(simulated)
    assert file.sample == "hbb"
    assert file.variation.name == "fsrRenHi"
    assert file.event.tolist() == list(range(40))
    expected = [toy_sample("hbb").jet(event, "fsrRenHi") is not None for event in range(40)]
    assert file.has_anchor.tolist() == expected
    assert 0 < sum(expected) < 40


def test_anchor_jets_hold_the_candidates_that_were_written(simulated: Path, toy_sample: Callable[..., Any]) -> None:
    file = SimulatedFile.open(simulated)
    events = np.array([3, 11, 12, 30, 99])
    jets = file.read(events)
    rows = {event: toy_sample("hbb").jet(event, "fsrRenHi") for event in (3, 11, 12, 30)}
    present = [event for event, row in rows.items() if row is not None]
    assert jets.columns["event"].tolist() == present
    for jet, event in enumerate(present):
        got = np.exp(jets.features[jets.offsets[jet] : jets.offsets[jet + 1], 0])
        np.testing.assert_allclose(got, np.sort(rows[event]["pt"])[::-1], rtol=1e-5)
    assert set(jets.columns["jettype"]) == {4}


def test_no_wanted_event_gives_nothing(simulated: Path) -> None:
    jets = SimulatedFile.open(simulated).read(np.array([1000]))
    assert jets.offsets.tolist() == [0]
    assert jets.columns["pt"].dtype == np.float32


def test_missing_branches_are_named(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", {"event": np.uint64})
        file["Events"].extend({"event": np.arange(3, dtype=np.uint64)})
        file["rs3l_metadata"] = json.dumps({"format": "rs3l-simulation", "version": 1})
    with pytest.raises(MissingBranchError, match="lacks hardHash, FatJet_anchor; got event"):
        SimulatedFile.open(tmp_path / "a.root")


def test_damaged_and_foreign_files_are_named(simulated: Path, shared_data: Path, tmp_path: Path) -> None:
    content = simulated.read_bytes()
    (tmp_path / "cut.root").write_bytes(content[: len(content) // 3])
    with pytest.raises(InputFileError, match=r"cut\.root cannot be read"):
        SimulatedFile.open(tmp_path / "cut.root")
    (tmp_path / "text.root").write_text("hello")
    with pytest.raises(InputFileError, match=r"text\.root cannot be read"):
        SimulatedFile.open(tmp_path / "text.root")
    with pytest.raises(InputFileError, match="not a file of rs3l simulate; got tag, Events"):
        SimulatedFile.open(shared_data / "cms" / "pfnano.root")


def test_unfinished_files_are_passed_over(simulated: Path) -> None:
    (simulated.parent / ".fsrRenLo_0000.partial-1.root").write_bytes(b"root, but not yet")
    assert [file.path for file in find_simulated([simulated.parent])] == [simulated]


def test_directories_without_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="no ROOT files"):
        find_simulated([tmp_path])
    with pytest.raises(InputFileError, match="is not a directory"):
        find_simulated([tmp_path / "nowhere"])


def test_files_of_the_list_beside_them_must_be_there(tmp_path: Path) -> None:
    """Without this, what is left after a copy that broke off is paired as if it were all."""
    write_toys(tmp_path, samples=("qcd", "hbb"), variations=("nominal", "seed"), n_events=3)
    assert len(find_simulated([tmp_path])) == 4
    other = {"others": {"files": ["../away/nominal_0000.root", "root://host//a.root", "part_*.root"]}, "note": 1}
    (tmp_path / "fileset.json").write_text(json.dumps(other))
    assert len(find_simulated([tmp_path])) == 4
    (tmp_path / "hbb" / "seed_0000.root").unlink()
    with pytest.raises(InputFileError, match=r"hbb/fileset\.json names seed_0000\.root, .* got 1 of 2 files"):
        find_simulated([tmp_path])
    (tmp_path / "hbb" / "fileset.json").unlink()
    assert len(find_simulated([tmp_path])) == 3
