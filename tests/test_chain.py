"""The whole chain, small, with every real part: from generated hard events to three fits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rs3l_gnn.cli import app
from rs3l_gnn.cli import demo as _demo  # noqa: F401 - registers the verb
from rs3l_gnn.conventions import SplitFractions, load_config, split_of
from rs3l_gnn.data import read_views
from rs3l_gnn.workflows.demo import DemoConfig, default_config

SMALL = [
    "simulate.samples.qcd.events=160",
    "simulate.samples.hbb.events=200",
    "simulate.samples.wqq.events=60",
    "simulate.chunk_size=70",
    "pretrain.batch_events=50",
    "pretrain.trainer.epochs=4",
    "finetune.rs3l.trainer.epochs=4",
    "finetune.supervised.trainer.epochs=2",
    "evaluate.bootstrap=20",
    "analyze.run.executor=futures",
    "analyze.bootstrap.replicas=20",
    "fit.rebin.signal_efficiency=[0.5]",
    "fit.rebin.efficiency_tolerance=0.3",
    "fit.inference={ranking: false, scan: false, limit: false, significance: false}",
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("chain") / "demo"
    overrides = [part for override in SMALL for part in ("--set", override)]
    result = CliRunner().invoke(app, ["demo", "--output", str(output), "--debug", *overrides])
    assert result.exit_code == 0, result.output
    return output


@pytest.fixture(scope="module")
def summary(demo: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((demo / "summary.json").read_text())
    return document


def test_summary_holds_what_users_rely_on(summary: dict[str, Any]) -> None:
    variations = {"seed", "fsrRenHi", "fsrRenLo", "altHad"}
    assert {"hard_events", "matched_jets", "match_efficiency", "showers_per_second"} <= set(summary["simulation"])
    assert {"epochs", "loss_first_epoch", "loss_last_epoch", "jets_per_second"} <= set(summary["pretraining"])
    for tagger in ("n2", "supervised", "rs3l"):
        assert set(summary["tagging"][tagger]) == {"auc", "rejection_at_50"}
        assert {"mu", "mu_error", "mu_error_shower"} <= set(summary["fit"][tagger])
    for tagger in ("supervised", "rs3l"):
        assert {name: set(shifts) for name, shifts in summary["robustness"][tagger].items()} == {
            "qcd": variations,
            "higgs": variations,
        }
    assert {"executor", "workers", "chunks", "jets", "jets_per_second"} == set(summary["analysis"])
    assert summary["seconds_total"] > 0


def test_numbers_fit_together(summary: dict[str, Any]) -> None:
    simulation = summary["simulation"]
    assert simulation["hard_events"] == 160 + 200 + 60
    assert simulation["matched_jets"] == pytest.approx(simulation["match_efficiency"] * 420)
    assert 0.4 < simulation["match_efficiency"] < 0.9
    assert summary["pretraining"]["loss_last_epoch"] < summary["pretraining"]["loss_first_epoch"]
    for tagger in summary["fit"].values():
        assert tagger["mu"] == pytest.approx(1.0, abs=1e-3)  # Asimov data hold the nominal signal
        assert 0 <= tagger["mu_error_shower"] < tagger["mu_error"]
    # Loud and quiet showers lie on both sides of nominal once there are events enough; here only the order must hold.
    shift = {name: values["shift"] for name, values in simulation["multiplicity"].items()}
    assert shift["nominal"] == 0


def test_every_step_left_its_output(demo: Path) -> None:
    for name in (
        "simulation/qcd/hard.lhe.gz",
        "simulation/hbb/fileset.json",
        "views.h5",
        "pretraining/encoder.safetensors",
        "taggers/rs3l/tagger.safetensors",
        "taggers/supervised/tagger.safetensors",
        "evaluation/metrics.json",
        "evaluation/plots/roc.png",
        "analysis/histograms.json",
        "fit/rs3l/asimov/fit.json",
        "fit/rs3l/asimov/workspace.json",
        "fit/rs3l/asimov/shapes.root",
        "fit/rs3l/asimov/card.txt",
        "config.yaml",
    ):
        assert (demo / name).is_file(), name


def test_no_event_is_trained_on_and_analysed(demo: Path) -> None:
    views = read_views(demo / "views.h5")
    sides = views.split(SplitFractions())
    # All views of an event are on one side, and the analysis cuts by the same rule.
    for index, name in enumerate(views.samples):
        mine = views.sample == index
        assert (sides[mine] == split_of(name, views.event[mine], SplitFractions())).all()
    assert load_config(DemoConfig, default_config()).analyze.split == "test"
    report = json.loads((demo / "analysis" / "report.json").read_text())
    assert report["complete"]


def test_a_second_run_needs_force(demo: Path) -> None:
    before = (demo / "summary.json").read_bytes()
    result = CliRunner().invoke(app, ["demo", "--output", str(demo)])
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert (demo / "summary.json").read_bytes() == before
