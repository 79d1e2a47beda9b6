"""Stated errors are the spread of toys that were made with so many events and trainings."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import write_json
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.responses.config import PlanConfig
from rs3l_gnn.evaluation.responses.measure import measure_responses
from rs3l_gnn.evaluation.responses.pilot import Pilot
from rs3l_gnn.evaluation.responses.plan import (
    PilotPair,
    PilotResponse,
    error_of_pair,
    events_needed,
    response_error,
    significance_of_pair,
)
from rs3l_gnn.evaluation.responses.planning import make_plan
from rs3l_gnn.evaluation.responses.results import PairStatistics, ResponseResults

from .conftest import Toy


def measured(meter: Meter) -> ResponseResults:
    return measure_responses(meter, meter.task(None, None))


def weights_of(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Weights of the views of n events, as an enriched sample has them: many light jets, and another in each view."""
    light = np.repeat(np.where(rng.random(n) < 0.5, 0.1, 1.0), 3)
    return np.asarray(light * rng.uniform(0.8, 1.2, 3 * n))


def test_planned_errors_are_the_spread_of_toys(toy: Toy, tmp_path: Path) -> None:
    """Pilots of 4,000 weighted events and eight trainings; toys of 1,500 events and three trainings."""
    rng = np.random.default_rng(1)
    spread, n = 0.012, 1_500

    def slopes(trainings: int) -> dict[str, tuple[float, ...]]:
        return {name: tuple(rng.normal(mean, spread, trainings)) for name, mean in (("one", 0.05), ("two", 0.02))}

    def made(trainings: int, events: int, bootstrap: int, own: dict[str, tuple[float, ...]]) -> ResponseResults:
        weights = weights_of(events + 20, rng)
        return measured(
            toy(
                own,
                rng,
                n_signal=events,
                n_background=20,
                bootstrap=bootstrap,
                efficiencies=[0.5],
                weights=weights,
            )
        )

    pilots = []
    for number in range(5):  # a spread of few trainings says little: the mean of several pilots is asked
        pilot = made(8, 4_000, 100, slopes(8))
        write_json(tmp_path / f"{number}.json", {"format": "rs3l-metrics", "version": 3, **pilot.document()})
        config = PlanConfig(pilot=tmp_path / f"{number}.json", events=(n,), trainings=(3,))
        plan = make_plan(config, Pilot(tmp_path / f"{number}.json"), "one")
        row = next(row for row in plan.rows if (row.which, row.response) == ("higgs", "fsr x2"))
        pilots.append([row.points[0].error, row.points[0].error_difference])
    single, difference = np.sqrt(np.mean(np.square(pilots), axis=0))
    found = []
    for _ in range(180):
        toys = made(3, n, 2, slopes(3))
        one, two = (toys.responses[name]["higgs"]["fsr x2"]["50"].response for name in ("one", "two"))
        assert one is not None
        assert two is not None
        found.append([one.value, two.value - one.value])
    widths = np.std(found, axis=0)  # known to 5 %
    assert single == pytest.approx(widths[0], rel=0.15)
    assert difference == pytest.approx(widths[1], rel=0.15)
    # A study of so many events is as sure as its replicas say.
    study = made(3, n, 300, slopes(3)).response_comparisons["two - one"]["higgs"]["fsr x2"]["50"].change
    assert study.error_events is not None
    assert study.error_events < difference


def test_binomial_pairs(toy: Toy) -> None:
    """With one training and equal weights the formula is that of a ten-line loop over toys of two coins."""
    rng = np.random.default_rng(2)
    rate, correlation, events = 0.3, 0.4, 500
    both = rate**2 + correlation * rate * (1 - rate)
    counts = rng.multinomial(events, [both, rate - both, rate - both, 1 - 2 * rate + both], size=20_000)
    up, down = counts[:, 0] + counts[:, 1], counts[:, 0] + counts[:, 2]
    spread = np.std(np.log(up / down) / math.log(16))
    pairs = PairStatistics(1_000, rate, rate, 1_000, 1_000, correlation)
    assert response_error(pairs, math.log(16), events) == pytest.approx(spread, rel=0.03)
    assert response_error(PairStatistics(1_000, 1.0, 1.0, None, None, 0.0), 1.0) is None
    cell = measured(toy({"one": (0.0,)}, rng, bootstrap=300)).responses["one"]["qcd"]["fsr x2"]["80"]
    assert cell.pairs is not None
    assert cell.response is not None
    assert response_error(cell.pairs, math.log(16)) == pytest.approx(cell.response.error_events, rel=0.12)


def pilot_pair(spread: float) -> PilotPair:
    one = PilotResponse(value=0.05, events=1_000, single=0.01, mean=0.008, spread=spread, trainings=3)
    return PilotPair(one, one, correlation=0.5)


def test_a_spread_is_what_the_events_do_not_explain() -> None:
    one = pilot_pair(0.02).reference
    assert one.shared == pytest.approx((0.64 - 1 / 3) / (2 / 3))
    assert one.true_spread == pytest.approx(math.sqrt(4e-4 - 1e-4 * (1 - 0.46)))
    assert one.error(1_000, 3) == pytest.approx(math.sqrt(0.64e-4 + one.true_spread**2 / 3))
    assert pilot_pair(0.005).reference.true_spread == 0
    single = PilotResponse(value=0.05, events=1_000, single=0.01, mean=0.01, spread=None, trainings=1)
    assert single.error(4_000, 1) == single.error(4_000, 5) == pytest.approx(0.005)


def test_events_that_are_needed() -> None:
    quiet = pilot_pair(0.0)
    needed = events_needed(quiet, 0.025, 3.0, 3)
    assert needed is not None
    assert error_of_pair(quiet, needed, 3) == pytest.approx(0.025 / 3, rel=1e-3)
    assert needed == pytest.approx(1_000 * 0.64e-4 * (3 / 0.025) ** 2, rel=2e-3)
    loud = pilot_pair(0.02)
    assert events_needed(loud, 0.025, 3.0, 3) is None  # three trainings never suffice
    more = events_needed(loud, 0.025, 3.0, 30)
    assert more is not None
    assert significance_of_pair(loud, 0.025, more, 30) == pytest.approx(3, rel=1e-3)
    assert events_needed(quiet, 10.0, 3.0, 3) == 2


def test_few_trainings_cost_more_than_their_error_says() -> None:
    loud = pilot_pair(0.02)
    naive = 0.05 / error_of_pair(loud, 1e9, 2)
    assert significance_of_pair(loud, 0.05, 1e9, 2) < 0.75 * naive
    assert significance_of_pair(loud, 0.01, 1e9, 50) == pytest.approx(0.01 / error_of_pair(loud, 1e9, 50), rel=0.05)
