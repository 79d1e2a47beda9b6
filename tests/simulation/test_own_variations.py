"""Variations from YAML through the whole room: what a user writes, simulated, paired, and looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
import yaml

from rs3l_gnn.conventions import ConfigError, load_config
from rs3l_gnn.data.pairing import PairConfig, pair
from rs3l_gnn.data.views_file import read_views
from rs3l_gnn.simulation import SimulationConfig, simulate

TEXT = """
samples: {qcd: {process: qcd, events: 10, pt_hat_min: 560}}
variations:
  seed:
  alphaS140: {settings: ["TimeShower:alphaSvalue=0.140"], source: alphaS, direction: Up, partner: alphaS100}
  alphaS100: {settings: ["TimeShower:alphaSvalue=0.100"], source: alphaS, direction: Down, partner: alphaS140}
  noLoss: {detector: {tracker: {regions: {0: {efficiency: 1.0}}}}, one_sided: true}
jets: {pt_min: 300}
seed: 7
chunk_size: 10
workers: 1
shower_weights: pythia
"""


def _run(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(text)
    simulate(load_config(SimulationConfig, folder / "own.yaml"), folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten hard events in five views."""
    return _run(tmp_path_factory.mktemp("own") / "first", TEXT)


def _content(output: Path, variation: str) -> list[dict[str, Any]]:
    files = sorted((output / "qcd").glob(f"{variation}_*.root"))
    return [entry for path in files for entry in uproot.open(path)["Events"].arrays().to_list()]


def test_files_and_pairing_know_them(output: Path, tmp_path: Path) -> None:
    with uproot.open(output / "qcd" / "noLoss_0000.root") as file:
        metadata = json.loads(str(file["rs3l_metadata"]))
    assert metadata["variation"]["detector"] == ["tracker.regions[0].efficiency=1.0"]
    assert metadata["detector"]["tracker"]["regions"][0]["efficiency"] == 1.0
    entry = json.loads((output / "qcd" / "fileset.json").read_text())["qcd_alphaS100"]["metadata"]
    assert entry["variation_record"]["axis_name"] == "alphaSDown"
    pair(PairConfig(directories=(output,), variations=("alphaS140", "noLoss")), tmp_path / "v.h5")
    views = read_views(tmp_path / "v.h5")
    assert {variation.name for variation in views.variations} == {"nominal", "alphaS140", "noLoss"}
    assert (views.vartype == views.vartype_of("noLoss")).sum() > 5


def test_another_cut_into_chunks_and_processes_gives_the_same(output: Path, tmp_path: Path) -> None:
    text = TEXT.replace("chunk_size: 10", "chunk_size: 4").replace("workers: 1", "workers: 2")
    other = _run(tmp_path / "other", text)
    assert len(list((other / "qcd").glob("alphaS140_*.root"))) == 3
    for variation in ("nominal", "alphaS140", "noLoss"):
        assert _content(other, variation) == _content(output, variation)


def test_added_later_they_are_the_same_and_change_nothing(output: Path, tmp_path: Path) -> None:
    """In another order, with another one among them, without the nominal view; the first output is only read."""
    document = yaml.safe_load(TEXT)
    before = {path: path.read_bytes() for path in (output / "qcd").iterdir()}
    own = document["variations"]
    document |= {
        "samples": {"qcd": {"process": "qcd", "lhe": str(output / "qcd" / "hard.lhe.gz")}},
        "nominal": False,
        "variations": {"noLoss": own["noLoss"], "mpiOff": {"settings": ["PartonLevel:MPI=off"], "one_sided": True}},
    }
    added = _run(tmp_path / "added", yaml.safe_dump(document))
    assert _content(added, "noLoss") == _content(output, "noLoss")
    assert {path: path.read_bytes() for path in (output / "qcd").iterdir()} == before
    pair(PairConfig(directories=(output, added), variations=("seed", "mpiOff")), tmp_path / "v.h5")
    assert read_views(tmp_path / "v.h5").vartype_of("mpiOff") >= 1000


def test_all_tracks_of_the_barrel_are_found(output: Path) -> None:
    nominal, other = (
        sum(int(np.count_nonzero(entry["PFCands_charge"])) for entry in _content(output, view))
        for view in ("nominal", "noLoss")
    )
    assert nominal < other < 1.15 * nominal  # 95 % of them before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "TimeShower:alphaSvalu=0.14",
            "variations.alphaS140.settings: Pythia refuses the setting '.*'; got input string not found",
        ),
        ("TimeShower:alphaSvalue=0.118", "'TimeShower:alphaSvalue=0.118' has no effect: it is so in the nominal view"),
        ("SigmaProcess:alphaSvalue=0.14", "cannot act: the hard events are made before"),
        ("24:onMode=off", r"cannot act: particles 24 \(W\+\) are decayed in the hard events, or are in none"),
        ("Random:seed=4", "cannot act: every event has a random stream of its own"),
    ],
)
def test_settings_without_effect_are_refused(change: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        _run(tmp_path / "x", TEXT.replace("TimeShower:alphaSvalue=0.140", change).replace("events: 10", "events: 1"))
    assert not (tmp_path / "x" / "out").exists()
