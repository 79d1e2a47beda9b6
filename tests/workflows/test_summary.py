"""The summary of a study against numbers written by hand, and its multiplicities against a loop over toy files."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest
import uproot

from rs3l_gnn.conventions import BaseConfig
from rs3l_gnn.data import PairConfig, pair
from rs3l_gnn.workflows.steps import Step
from rs3l_gnn.workflows.summary import multiplicities, summarise


def _write(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def test_sections(tmp_path: Path, toy_directory: Path) -> None:
    pair(PairConfig(directories=[toy_directory]), tmp_path / "pair" / "main.h5")
    for sample, showers in (("qcd", 300), ("hbb", 100)):
        _write(tmp_path / "simulate" / "main" / sample / "simulation.json", {"showers": showers})
    training = tmp_path / "pretrain" / "rs3l-1"
    training.mkdir(parents=True)
    (training / "history.csv").write_text("epoch,loss,val_loss\n1,5.25,\n2,4.5,\n3,3.125,\n")
    (training / "timing.csv").write_text("epoch,jets_per_second\n1,10\n2,30\n3,20\n")
    tagging = {"auc": 0.75, "auc_error": 0.1, "rejection": {"50": {"value": None}, "80": {"value": 2.0}}}
    shifts = {"qcd": {"seed": {"wasserstein": 0.5, "wasserstein_error": 0.1}}}
    _write(
        tmp_path / "evaluate" / "main" / "metrics.json",
        {"tagging": {"n2": tagging}, "robustness": {"n2": {}, "supervised": shifts, "rs3l": shifts}},
    )
    analysis = {"executor": "dask", "workers": 2, "chunks": 3, "jets": 40, "jets_per_second": 5.0}
    _write(tmp_path / "analyze" / "main" / "report.json", {**analysis, "files": 3})
    fitted = {"mu": 1.0, "mu_error": 0.5, "mu_error_shower": 0.25, "bias": {"altHad": 0.125}}
    _write(tmp_path / "fit" / "main" / "comparison.json", {"taggers": {"n2": {**fitted, "edges": []}}})

    names = dict.fromkeys(("simulate", "pair", "evaluate", "analyze", "fit"), "main") | {"pretrain": "rs3l-1"}
    summary = summarise(tmp_path, [(Step(verb, name, BaseConfig()), 8.0) for verb, name in names.items()])
    assert summary["simulation"]["hard_events"] == 120  # two toy samples of 60 events
    assert summary["simulation"]["showers_per_second"] == 400 / 8
    assert set(summary["simulation"]["samples"]) == {"qcd", "hbb"}
    assert summary["pretraining"] == {
        "epochs": 3,
        "loss_first_epoch": 5.25,
        "loss_last_epoch": 3.125,
        "jets_per_second": 20,
    }
    assert summary["tagging"] == {"n2": {"auc": 0.75, "rejection_at_50": None}}
    assert summary["robustness"] == dict.fromkeys(("supervised", "rs3l"), {"qcd": {"seed": 0.5}})  # noqa: RUF024  # compared only
    assert summary["analysis"] == analysis
    assert summary["fit"] == {"n2": fitted}


def test_multiplicities_against_a_loop(tmp_path: Path, toy_directory: Path) -> None:
    pair(PairConfig(directories=[toy_directory]), tmp_path / "views.h5")
    found = multiplicities(tmp_path / "views.h5")
    shifts = []
    for sample in ("qcd", "hbb"):
        counts = {}
        for variation in ("nominal", "fsrRenHi"):
            tree = uproot.open(f"{toy_directory / sample / variation}_0000.root:Events")
            counts[variation] = [len(jets) for jets in tree["FatJetPFCands_jetIdx"].array().to_list()]
        shifts += [b - a for a, b in zip(counts["nominal"], counts["fsrRenHi"], strict=True) if a and b]
    assert found["fsrRenHi"]["shift"] == pytest.approx(statistics.mean(shifts))
    assert found["fsrRenHi"]["shift_error"] == pytest.approx(statistics.pstdev(shifts) / len(shifts) ** 0.5)
