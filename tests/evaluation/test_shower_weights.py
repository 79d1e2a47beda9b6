"""Pass rates under shower weights, against loops over the jets."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import uproot
from numpy.typing import NDArray

from rs3l_gnn.data import PairConfig, pair
from rs3l_gnn.evaluation import EvaluateConfig, evaluate
from rs3l_gnn.evaluation.metrics import measure

from .conftest import Maker
from .test_weights import CLASSES, N_BACKGROUND, N_SIGNAL, correlated, event_weights, scores

NAMES = ("isr:muRfac=2.0", "fsr:muRfac=2.0", "isr:muRfac=0.5", "fsr:muRfac=0.5")


def by_loop(w: NDArray[np.float64], r: NDArray[np.float64], p: NDArray[np.bool_]) -> tuple[float, float]:
    """Change of the pass rate and its error from the covariance of the jets' sums."""
    a, b, c, d = (w * r * p).sum(), (w * r).sum(), (w * p).sum(), w.sum()
    ratio = (a / b) / (c / d)
    variance = 0.0
    for weight, factor, passed in zip(w, r, p, strict=True):
        change = weight * factor * passed / a - weight * factor / b - weight * passed / c + weight / d
        variance += (ratio * change) ** 2
    return ratio - 1, math.sqrt(variance)


def test_changes_against_a_loop(make_meter: Maker) -> None:
    rng, one, weights = np.random.default_rng(7), scores(1), event_weights(3)
    nominal = np.arange(len(one)) % 2 == 0
    relative = {
        name: np.where(nominal, np.exp(sign * (0.1 * (one - 0.5) + rng.normal(0, 0.05, len(one)))), np.nan)
        for name, sign in zip(NAMES, (1, 2, -1, -2), strict=True)
    }
    document = {**CLASSES, "bootstrap": 400}
    numbers = measure(
        make_meter(
            document,
            {"one": one, "two": correlated(2, one)},
            n_signal=N_SIGNAL,
            n_background=N_BACKGROUND,
            variations=("seed",),
            weights=weights,
            shower_weights=relative,
        )
    ).document()
    w, score = weights[::2], one[::2]
    signal = np.arange(len(w)) < N_SIGNAL
    cut = next(c for c in sorted(score[signal])[::-1] if w[signal & (score >= c)].sum() >= 0.8 * w[signal].sum())
    expected = {}
    for name in NAMES:
        r = relative[name][::2].astype(np.float32).astype(np.float64)
        expected[name] = by_loop(w[~signal], r[~signal], score[~signal] >= cut)
        found = numbers["shower_weights"]["one"]["qcd"][name]
        assert found["rates"]["80"]["change"] == pytest.approx(expected[name][0], abs=1e-9)
        assert found["rates"]["80"]["change_error"] == pytest.approx(expected[name][1], rel=0.15)  # of 400 replicas
        assert found["largest"] == pytest.approx(r[~signal].max())
        weighted = w[~signal] * r[~signal]
        assert found["effective_events"] == pytest.approx(weighted.sum() ** 2 / (weighted**2).sum())
        # Far below what two samples of these jets would give.
        assert found["rates"]["80"]["change_error"] < 0.3 / math.sqrt(N_BACKGROUND)
    slope = (math.log1p(expected[NAMES[1]][0]) - math.log1p(expected[NAMES[3]][0])) / (2 * math.log(4))
    assert numbers["responses"]["one"]["qcd"]["fsr x2 by weights"]["80"]["response"] == pytest.approx(slope, abs=1e-9)
    pairs = numbers["shower_weight_comparisons"]["two - one"]["qcd"]
    two = numbers["responses"]["two"]["qcd"]["fsr x2 by weights"]["80"]["response"]
    change = numbers["response_comparisons"]["two - one"]["qcd"]["fsr x2 by weights"]["80"]
    assert change["difference"] == pytest.approx(two - slope)
    assert change["ratio"] == pytest.approx(two / slope)
    assert pairs["changes"][NAMES[0]]["80"]["correlation"] > 0.2


def test_files_without_shower_weights_give_none(make_meter: Maker) -> None:
    one = scores(1)
    numbers = measure(
        make_meter(
            {**CLASSES, "taggers": {"one": "one"}},
            {"one": one},
            n_signal=N_SIGNAL,
            n_background=N_BACKGROUND,
            variations=("seed",),
        )
    ).document()
    assert numbers["shower_weights"] == numbers["responses"] == numbers["shower_weight_comparisons"] == {}


@pytest.mark.slow
def test_weights_of_pythia_come_through_the_chain(tmp_path: Path) -> None:
    """From rs3l simulate to metrics.json with N2, against a loop over the ROOT file."""
    pytest.importorskip("pythia8mc")
    from rs3l_gnn.simulation import SimulationConfig, simulate

    # So close to the jet cut most events have their jet: with one passing jet a third of the replicas has none, and no
    # error is given.
    samples = {name: {"process": name, "events": 100, "pt_hat_min": 430.0} for name in ("qcd", "hbb")}
    settings = {"samples": samples, "variations": ["nominal", "seed"], "seed": 5, "workers": 1}
    simulate(SimulationConfig.model_validate(settings), tmp_path / "simulation")
    pair(PairConfig(directories=(tmp_path / "simulation",)), tmp_path / "views.h5")
    splits = {"train": 0, "validation": 0, "test": 1}
    document = {"views": [tmp_path / "views.h5"], "splits": splits, "efficiencies": [0.8], "bootstrap": 300}
    evaluate(EvaluateConfig.model_validate(document), tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())

    jets = {name: _anchors(tmp_path / "simulation", name) for name in ("qcd", "hbb")}
    signal = np.sort([score for score, kind, _ in jets["hbb"] if kind == 4])[::-1]
    cut = signal[math.ceil(0.8 * len(signal)) - 1]
    light = [(score, table) for score, kind, table in jets["qcd"] if kind not in (0, 4)]
    for name, found in metrics["shower_weights"]["n2"]["qcd"].items():
        assert found["events"] == len(light)
        relative = np.array([table[name] for _, table in light])
        passed = np.array([score >= cut for score, _ in light])
        change, error = by_loop(np.ones(len(light)), relative, passed)
        assert found["rates"]["80"]["change"] == pytest.approx(change, abs=1e-6)
        assert found["rates"]["80"]["change_error"] == pytest.approx(error, rel=0.4)
    assert set(metrics["shower_weights"]["n2"]["qcd"]) >= set(NAMES)


def _anchors(folder: Path, sample: str) -> list[tuple[float, int, dict[str, float]]]:
    """N2 score, label and shower weights of each nominal anchor jet of an event with both views."""
    has: dict[str, set[int]] = {}
    rows = {}
    for variation in ("nominal", "seed"):
        for path in sorted((folder / sample).glob(f"**/*{variation}*.root")):
            file = uproot.open(path)
            names = json.loads(str(file["rs3l_metadata"]))["psweight_names"]
            tree = file["Events"]
            branches = ["event", "FatJet_anchor", "FatJet_n2b1", "FatJet_jettype", *(["PSWeight"] if names else [])]
            for event in tree.arrays(branches).to_list():
                for anchor, n2, kind in zip(
                    event["FatJet_anchor"], event["FatJet_n2b1"], event["FatJet_jettype"], strict=True
                ):
                    if anchor:
                        has.setdefault(variation, set()).add(event["event"])
                        if names:
                            table = dict(zip(names, event["PSWeight"], strict=True))
                            score = (
                                min(max(1 - n2 / 0.5, 0.0), 1.0) if n2 > 0 else 0.0
                            )  # without N2 a jet is not tagged
                            rows[event["event"]] = (score, kind, table)
    return [rows[event] for event in sorted(has["nominal"] & has["seed"])]
