"""The whole chain, small, with every real part: from generated hard events to three fits."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import cabinetry
import numpy as np
import pyhf
import pytest
import uproot
from numpy.typing import NDArray
from typer.testing import CliRunner

from rs3l_gnn.cli import app
from rs3l_gnn.cli import demo as _demo  # noqa: F401 - registers the verb
from rs3l_gnn.conventions import SplitFractions, load_config, split_of
from rs3l_gnn.data import read_views
from rs3l_gnn.workflows.demo import default_config
from rs3l_gnn.workflows.study import StudyConfig

VARIATIONS = ("nominal", "seed", "fsrRenHi", "fsrRenLo", "altHad")
SMALL = [
    "simulate.main.samples.qcd.events=120",
    "simulate.main.samples.hbb.events=150",
    "simulate.main.samples.wqq.events=50",
    "simulate.main.chunk_size=75",
    "pretrain.rs3l.batch_events=50",
    "pretrain.rs3l.trainer.epochs=4",
    "finetune.rs3l.trainer.epochs=4",
    "finetune.supervised.trainer.epochs=2",
    "evaluate.main.bootstrap=20",
    "analyze.main.run.executor=futures",
    "analyze.main.bootstrap.replicas=20",
    "fit.main.rebin.signal_efficiency=[0.5]",
    "fit.main.rebin.efficiency_tolerance=0.3",
    "fit.main.plots=false",
    "fit.main.inference={ranking: false, scan: false, limit: false, significance: false}",
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
    variations = set(VARIATIONS) - {"nominal"}
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


def test_numbers_fit_together(summary: dict[str, Any]) -> None:
    simulation = summary["simulation"]
    assert simulation["hard_events"] == 120 + 150 + 50
    assert simulation["matched_jets"] == pytest.approx(simulation["match_efficiency"] * 320)
    assert 0.4 < simulation["match_efficiency"] < 0.9
    assert summary["pretraining"]["loss_last_epoch"] < summary["pretraining"]["loss_first_epoch"]
    for tagger in summary["fit"].values():
        assert tagger["mu"] == pytest.approx(1.0, abs=1e-3)  # Asimov data hold the nominal signal
        assert 0 <= tagger["mu_error_shower"] < tagger["mu_error"]


def test_matched_jets_and_their_candidates_are_those_in_the_files(demo: Path, summary: dict[str, Any]) -> None:
    """By a loop over the ROOT files: an event counts if nominal and another view have its jet."""
    matched, shifts = 0, []
    for sample in ("qcd", "hbb", "wqq"):
        counts = {name: _candidates(demo / "simulate/main" / sample, name) for name in VARIATIONS}
        for event, n in counts["nominal"].items():
            matched += any(event in counts[name] for name in VARIATIONS if name != "nominal")
            shifts += [counts["seed"][event] - n] if event in counts["seed"] else []
    assert summary["simulation"]["matched_jets"] == matched
    found = summary["simulation"]["multiplicity"]["seed"]
    assert found["shift"] == pytest.approx(statistics.mean(shifts))
    assert found["shift_error"] == pytest.approx(statistics.pstdev(shifts) / len(shifts) ** 0.5)


def _candidates(folder: Path, variation: str) -> dict[int, int]:
    """Candidates, at most 100, of the anchor jet of each event that has one."""
    found = {}
    for path in sorted(folder.glob(f"{variation}_*.root")):
        tree = uproot.open(f"{path}:Events").arrays(["event", "FatJet_anchor", "FatJetPFCands_jetIdx"])
        for event, anchors, jets in zip(*(tree[name].to_list() for name in tree.fields), strict=True):
            if any(anchors):
                found[event] = min(jets.count(anchors.index(True)), 100)
    return found


# pyhf 0.7.6 validates its schema through a class that jsonschema calls deprecated.
@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
@pytest.mark.parametrize("tagger", ["n2", "supervised", "rs3l"])
def test_the_workspace_gives_the_fitted_error(demo: Path, summary: dict[str, Any], tagger: str) -> None:
    """Second differences of pyhf's likelihood at the nominal parameters, where Asimov data have their best fit."""
    workspace = pyhf.Workspace(json.loads((demo / "fit/main" / tagger / "asimov/workspace.json").read_text()))
    model = workspace.model()
    # Not suggested_init: minimisers start beside nominal.
    best = np.array(cabinetry.model_utils.asimov_parameters(model))
    data, steps = workspace.data(model), np.diag(np.full(len(best), 1e-3))

    def nll(point: NDArray[np.float64]) -> float:
        return -float(model.logpdf(point, data)[0])

    curvature = [
        [(nll(best + a + b) - nll(best + a - b) - nll(best - a + b) + nll(best - a - b)) / 4e-6 for b in steps]
        for a in steps
    ]
    variance = np.linalg.inv(curvature)[model.config.poi_index, model.config.poi_index]
    assert summary["fit"][tagger]["mu"] == pytest.approx(best[model.config.poi_index], abs=1e-3)
    assert summary["fit"][tagger]["mu_error"] == pytest.approx(np.sqrt(variance), rel=0.01)


def test_no_event_is_trained_on_and_analysed(demo: Path) -> None:
    views = read_views(demo / "pair" / "main.h5")
    sides = views.split(SplitFractions())
    # All views of an event are on one side, and the analysis cuts by the same rule.
    for index, name in enumerate(views.samples):
        of_sample = views.sample == index
        assert (sides[of_sample] == split_of(name, views.event[of_sample], SplitFractions())).all()
    assert load_config(StudyConfig, default_config()).analyze["main"].split == "test"
    report = json.loads((demo / "analyze" / "main" / "report.json").read_text())
    assert report["complete"]


def test_a_second_run_needs_force(demo: Path) -> None:
    before = (demo / "summary.json").read_bytes()
    result = CliRunner().invoke(app, ["demo", "--output", str(demo)])
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert (demo / "summary.json").read_bytes() == before
