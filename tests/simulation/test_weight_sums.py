from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import uproot

from rs3l_gnn.simulation.weight_sums import WeightSums, weight_spread


def test_parts_give_what_the_whole_gives() -> None:
    weights = np.random.default_rng(2).lognormal(sigma=1.5, size=1000)
    whole = WeightSums.joined(WeightSums.of(part) for part in np.split(weights, [10, 10, 700]))
    assert (whole.n, whole.largest) == (1000, weights.max())
    assert whole.mean == pytest.approx(np.mean(weights))
    total = squares = 0.0
    for weight in weights:
        total, squares = total + weight, squares + weight * weight
    assert whole.effective == pytest.approx(total * total / squares)
    assert WeightSums.of(np.full(7, -2.0)).effective == pytest.approx(7)
    nothing = WeightSums.joined([])
    assert (nothing.n, nothing.mean, nothing.effective, nothing.largest) == (0, 0.0, 0.0, 0.0)


def test_a_tail_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """99 weights of 1 and one of 100: 199^2 / 10099 = 3.9 events are left."""

    def chunk(weights: list[float]) -> dict[str, WeightSums]:
        return {"fsr:muRfac=0.25": WeightSums.of(np.array(weights))}

    with caplog.at_level(logging.WARNING, logger="rs3l_gnn"):
        spread = weight_spread("qcd", [chunk([1.0] * 99), chunk([100.0])])
    assert spread["fsr:muRfac=0.25"]["n_eff"] == pytest.approx(3.92, abs=0.01)
    message = "qcd: few effective events under the shower weights fsr:muRfac=0.25 (4 of 100, largest weight 100)"
    assert message in caplog.text
    caplog.clear()
    weight_spread("qcd", [chunk([1.0, 1.1, 0.9])])
    assert not caplog.records


def test_the_summary_tells_of_the_files(small_output: Path) -> None:
    spread = json.loads((small_output / "hbb" / "simulation.json").read_text())["shower_weights"]
    files = sorted((small_output / "hbb").glob("nominal_*.root"))
    weights = np.concatenate([uproot.open(f"{path}:Events")["PSWeight"].array().to_numpy() for path in files])
    assert len(spread) == weights.shape[1] == 4
    for row, column in zip(spread.values(), weights.T.astype(np.float64), strict=True):
        assert row["n"] == 24
        assert row["largest"] == pytest.approx(max(column), rel=1e-6)
        assert row["n_eff"] == pytest.approx(sum(column) ** 2 / sum(weight**2 for weight in column), rel=1e-5)
