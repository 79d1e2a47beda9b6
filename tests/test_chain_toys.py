"""The chain in seconds and without an event generator: toy files to views, a short training, an analysis and a fit.

The first test to run after a change: ``pytest tests/test_chain_toys.py``. ``tests/test_chain.py`` has the real parts.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import load_config
from rs3l_gnn.workflows.study import StudyConfig, run_study

CHAIN = """
seeds: [1]
pair:
  main: {directories: [simulate]}
pretrain:
  encoder:
    views: pair/main.h5
    encoder: {k: 4, width: 8, layers: 1, hidden: [8], dim: 4}
    batch_events: 20
    trainer: {epochs: 1}
finetune:
  tagger:
    views: pair/main.h5
    encoder: "pretrain/encoder-{seed}/encoder.safetensors"
    batch_events: 20
    trainer: {epochs: 1}
analyze:
  main:
    filesets: [simulate/qcd/fileset.json, simulate/hbb/fileset.json]
    taggers: {tagger: finetune/tagger-1/tagger.safetensors}
    allow_training_events: true  # there are too few for a split
    score: {bins: 40, start: 0.0, stop: 1.0}
    run: {executor: iterative}
fit:
  main:
    inputs: analyze/main/histograms.json
    histogram: score_tagger
    samples: {hbb: {signal: true}, qcd: {}}
    rebin: {signal_efficiency: [0.5], efficiency_tolerance: 0.5}
    exclude: ["ps*"]
    luminosity: {value: 100.0}
    problems: {negative_bins: clip, empty_bins: merge, empty_samples: drop}
    inference: {ranking: false, scan: false, limit: false, significance: false}
    plots: false
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, toy_directory: Path) -> Path:
    folder = tmp_path_factory.mktemp("toys")
    shutil.copytree(toy_directory, folder / "study" / "simulate")
    (folder / "chain.yaml").write_text(CHAIN)
    run_study(load_config(StudyConfig, folder / "chain.yaml"), folder / "study")
    return folder / "study"


def _jets(study: Path, sample: str) -> int:
    """Events of the nominal view whose jet is above 450 GeV, counted in the ROOT file."""
    pt = uproot.open(f"{study / 'simulate' / sample / 'nominal_0000.root'}:Events")["FatJet_pt"].array().to_list()
    return sum(jet[0] > 450 for jet in pt if jet)


def test_every_view_that_can_be_matched_is(study: Path) -> None:
    samples = json.loads((study / "pair/main.report.json").read_text())["samples"]
    for sample in ("qcd", "hbb"):
        pt = uproot.open(f"{study / 'simulate' / sample / 'nominal_0000.root'}:Events")["FatJet_pt"].array().to_list()
        assert samples[sample]["matched"] == sum(len(jets) for jets in pt)


def test_templates_hold_the_jets_of_the_files(study: Path) -> None:
    """Cross-sections of 1 pb over 60 events, at 100 / fb."""
    workspace = json.loads((study / "fit/main/workspace.json").read_text())
    for sample in ("qcd", "hbb"):
        data = [
            entry["data"]
            for channel in workspace["channels"]
            for entry in channel["samples"]
            if entry["name"] == sample
        ]
        assert np.sum(data) == pytest.approx(_jets(study, sample) / 60 * 1000 * 100, rel=1e-5)


def test_asimov_data_give_the_nominal_strength(study: Path) -> None:
    fit = json.loads((study / "fit/main/fit.json").read_text())
    workspace = json.loads((study / "fit/main/workspace.json").read_text())
    assert fit["mu"] == pytest.approx(1.0, abs=1e-3)
    expected = {c["name"]: np.sum([s["data"] for s in c["samples"]], axis=0) for c in workspace["channels"]}
    for observation in workspace["observations"]:
        assert observation["data"] == pytest.approx(expected[observation["name"]], rel=1e-6)
