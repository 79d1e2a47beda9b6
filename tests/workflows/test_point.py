"""One small point of the study, made again from nothing, gives the numbers that the documentation states."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from rs3l_gnn.conventions import load_config
from rs3l_gnn.workflows.study import StudyConfig, default_config, run_study

RECORDED = Path(__file__).parents[2] / "docs" / "study" / "point.json"


@pytest.mark.slow
def test_the_point_reproduces_its_numbers(tmp_path: Path) -> None:
    """Simulation, pairing, pre-training, fine-tuning of the shipped encoder and evaluation.

    The tolerances are for other processors, whose libraries round differently; on the same one nothing differs.
    """
    recorded = json.loads(RECORDED.read_text())
    run_study(load_config(StudyConfig, default_config().parent / "study" / "point.yaml"), tmp_path)

    report = json.loads((tmp_path / "pair/main.report.json").read_text())
    assert {name: sample["matched"] for name, sample in report["samples"].items()} == recorded["matched"]
    with (tmp_path / "pretrain/short-1/history.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses == pytest.approx(recorded["pretraining_loss"], rel=1e-3)
    tagging = json.loads((tmp_path / "evaluate/hbb/metrics.json").read_text())["tagging"]
    assert {name: tagging[name]["auc"] for name in recorded["auc"]} == pytest.approx(recorded["auc"], abs=2e-3)
