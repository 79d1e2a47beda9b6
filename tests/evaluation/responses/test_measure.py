"""Responses of toys whose answer is known, and against loops over jets."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.responses.measure import measure_responses
from rs3l_gnn.evaluation.responses.results import ResponseResults

from .conftest import Toy


def measured(meter: Meter) -> ResponseResults:
    return measure_responses(meter, meter.task(None, None))


def test_a_known_response_at_every_working_point(toy: Toy) -> None:
    meter = toy({"one": (0.04,), "two": (-0.02,)}, np.random.default_rng(1), n_signal=60_000, n_background=60_000)
    found = measured(meter)
    assert found.response_estimators["fsr x2"].logarithm == pytest.approx(math.log(16))
    for tagger, slope in (("one", 0.04), ("two", -0.02)):
        for which in ("higgs", "qcd"):
            for efficiency, rate in (("50", 0.5), ("80", 0.8)):
                cell = found.responses[tagger][which]["fsr x2"][efficiency]
                assert cell.response is not None
                assert cell.response.error is not None
                assert cell.response.value == pytest.approx(slope, abs=4 * cell.response.error)
                # The binomial error of two samples.
                expected = math.sqrt(2 * (1 - rate) / rate / 60_000) / math.log(16)
                assert cell.response.error == pytest.approx(expected, rel=0.3)
                assert cell.pairs is not None
                assert cell.pairs.rate_up / cell.pairs.rate_down == pytest.approx(
                    math.exp(cell.response.value * math.log(16))
                )
    change = found.response_comparisons["two - one"]["higgs"]["fsr x2"]["80"]
    assert change.change.difference == pytest.approx(-0.06, abs=0.006)
    assert change.ratio.ratio == pytest.approx(-0.5, abs=0.1)


def test_against_a_loop_with_weights_that_differ_between_the_views(toy: Toy) -> None:
    rng = np.random.default_rng(2)
    n, views = 300, 3
    weights = rng.lognormal(0, 0.6, (n, views)).astype(np.float32).astype(np.float64)
    meter = toy({"one": (0.1,)}, rng, n_signal=150, n_background=150, weights=weights.ravel(), bootstrap=400)
    scores = meter.scored.scores["one0"].views
    assert scores is not None
    score = scores.reshape(n, views)
    signal = [(s, w) for s, w in zip(score[:150, 0], weights[:150, 0], strict=True)]
    cut = loop_cut(signal, 0.8)
    for which, rows in (("higgs", range(150)), ("qcd", range(150, 300))):
        up = loop_rate([(score[i, 1] >= cut, weights[i, 1]) for i in rows])
        down = loop_rate([(score[i, 2] >= cut, weights[i, 2]) for i in rows])
        variance = 0.0
        sums = [sum(weights[i, view] for i in rows) for view in (1, 2)]
        for i in rows:
            pull_up = weights[i, 1] * ((score[i, 1] >= cut) / up - 1) / sums[0]
            pull_down = weights[i, 2] * ((score[i, 2] >= cut) / down - 1) / sums[1]
            variance += (pull_up - pull_down) ** 2
        cell = measured(meter).responses["one"][which]["fsr x2"]["80"]
        assert cell.response is not None
        assert cell.response.value == pytest.approx(math.log(up / down) / math.log(16), abs=1e-12)
        assert cell.response.error_events == pytest.approx(math.sqrt(variance) / math.log(16), rel=0.12)
        # The plan's formula is the same error.
        pairs = cell.pairs
        assert pairs is not None
        assert pairs.effective_up is not None
        assert pairs.effective_down is not None
        assert pairs.effective_up < pairs.events
        ends = [
            math.sqrt((1 - rate) / rate / effective)
            for rate, effective in ((pairs.rate_up, pairs.effective_up), (pairs.rate_down, pairs.effective_down))
        ]
        planned = ends[0] ** 2 + ends[1] ** 2 - 2 * pairs.correlation * ends[0] * ends[1]
        assert planned == pytest.approx(variance, rel=1e-9)


def loop_cut(jets: list[tuple[float, float]], efficiency: float) -> float:
    total, passed = sum(weight for _, weight in jets), 0.0
    for score, weight in sorted(jets, reverse=True):
        passed += weight
        if passed >= efficiency * total:
            return score
    raise AssertionError


def loop_rate(jets: list[tuple[bool, float]]) -> float:
    above = total = 0.0
    for passed, weight in jets:
        total += weight
        if passed:
            above += weight
    return above / total


def test_paired_differences_have_pulls_of_unit_width(toy: Toy) -> None:
    rng = np.random.default_rng(3)
    pulls: dict[str, list[float]] = {"higgs": [], "qcd": []}
    gains = []
    for _ in range(120):
        found = measured(toy({"one": (0.05,), "two": (0.02,)}, rng, bootstrap=60, efficiencies=[0.5]))
        for which, values in pulls.items():
            change = found.response_comparisons["two - one"][which]["fsr x2"]["50"].change
            single = [found.responses[tagger][which]["fsr x2"]["50"].response for tagger in ("one", "two")]
            assert change.difference is not None
            assert change.error
            values.append((change.difference + 0.03) / change.error)
            gains.append(math.hypot(*(one.error or 0.0 for one in single if one is not None)) / change.error)
    for values in pulls.values():
        assert np.mean(values) == pytest.approx(0, abs=0.3)
        assert np.std(values) == pytest.approx(1, abs=0.2)  # 0.065 of 120 toys, and 9 % of 60 replicas
    assert np.mean(gains) > 1.2  # what pairing is for


def test_few_trainings_are_not_taken_for_many(toy: Toy) -> None:
    """Three trainings whose slopes differ: a normal distribution would make 2 sigma of one in ten."""
    rng = np.random.default_rng(4)
    significances = []
    for _ in range(150):
        slopes = {name: tuple(rng.normal(0.02, 0.05, 3)) for name in ("one", "two")}
        found = measured(toy(slopes, rng, n_signal=2_000, n_background=10, bootstrap=30, efficiencies=[0.5]))
        change = found.response_comparisons["two - one"]["higgs"]["fsr x2"]["50"].change
        assert change.error_trainings is not None
        assert change.significance is not None
        significances.append(change.significance)
    assert np.std(significances) == pytest.approx(1, abs=0.2)
    assert np.mean(np.abs(significances) > 2) < 0.1


def test_trainings_that_differ_by_events_alone(toy: Toy) -> None:
    """What the events do to each of three trainings is not counted twice, and never too little."""
    rng = np.random.default_rng(8)
    pulls = []
    for _ in range(100):
        slopes = {"one": (0.05,) * 3, "two": (0.02,) * 3}
        found = measured(toy(slopes, rng, n_background=10, bootstrap=60, efficiencies=[0.5], taggers_share=0.4))
        change = found.response_comparisons["two - one"]["higgs"]["fsr x2"]["50"].change
        assert change.difference is not None
        assert change.error
        pulls.append((change.difference + 0.03) / change.error)
    assert 0.75 < np.std(pulls) < 1.1


def test_another_generator_and_one_side_alone(toy: Toy) -> None:
    rng = np.random.default_rng(5)
    meter = toy({"one": (0.05,)}, rng, variations=("fsrConUp", "vincia"))
    scores = meter.scored.scores["one0"].views
    assert scores is not None
    score = scores.reshape(-1, 3)[:600]
    cut = np.sort(score[:, 0])[::-1][math.ceil(0.5 * 600) - 1]
    rates = (score >= cut).mean(axis=0)
    found = measured(meter)
    cells = found.responses["one"]["higgs"]
    assert set(cells) == {"fsr x4 alone", "vincia"}
    for name, place, logarithm in (("fsr x4 alone", 1, math.log(16)), ("vincia", 2, 1.0)):
        response = cells[name]["50"].response
        assert response is not None
        assert response.value == pytest.approx(math.log(rates[place] / rates[0]) / logarithm, abs=1e-12)


def test_what_cannot_be_measured(toy: Toy) -> None:
    rng = np.random.default_rng(6)
    assert measured(toy({"one": (0.0,)}, rng, responses=None)) == ResponseResults()
    assert measured(toy({"one": (0.0,)}, rng, variations=("seed",))) == ResponseResults()
    meter = toy({"one": (0.0,)}, rng, n_background=4, efficiencies=[0.01])
    cell = measured(meter).responses["one"]["qcd"]["fsr x2"]["1"]
    assert cell.response is None  # nothing passes
    change = measured(meter).response_comparisons["n2 - one"]["qcd"]["fsr x2"]["1"]
    assert (change.change.difference, change.ratio.ratio, change.below_aim) == (None, None, None)


def test_the_aim(toy: Toy) -> None:
    """Below half of the other's size, of whatever sign, only if both ends say so."""
    document = {"n_signal": 20_000, "n_background": 10, "bootstrap": 50, "efficiencies": [0.5]}
    rng = np.random.default_rng(7)

    def below(first: float, second: float) -> float:
        found = measured(toy({"one": (first,), "two": (second,)}, rng, responses={"aim": 0.5}, **document))
        significance = found.response_comparisons["two - one"]["higgs"]["fsr x2"]["50"].below_aim
        assert significance is not None
        return significance

    assert below(0.1, 0.0) > 5
    assert below(-0.1, 0.01) > 5
    assert below(0.1, -0.09) < -5
    assert below(-0.1, -0.09) < -5
    assert below(0.0, 0.0) < 1
