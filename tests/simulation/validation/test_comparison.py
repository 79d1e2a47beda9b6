"""Paired errors against toys in which the same hard events fall again and again."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.simulation.validation import AnchorJets, Variable, mean_shift, yield_ratio

MASS = Variable("msoftdrop", "mass", "GeV", 0, 4, 4)


def _jets(event: NDArray[np.int64], values: NDArray[np.float64], weight: NDArray[np.float64]) -> AnchorJets:
    zero = np.zeros(len(event))
    return AnchorJets(event, weight, zero, values, zero, zero, zero, zero, {})


def _pair(rng: np.random.Generator, n: int) -> tuple[AnchorJets, AnchorJets]:
    """Jets of which most keep their value, some move up by one bin, and a tenth is lost in either view."""
    event, weight = np.arange(n), rng.uniform(0.5, 2.0, n)
    value = rng.uniform(-0.5, 3.5, n)
    varied = value + (rng.random(n) < 0.2)
    sides = [rng.random(n) < 0.9 for _ in range(2)]
    return tuple(_jets(event[s], v[s], weight[s]) for s, v in zip(sides, (value, varied), strict=True))  # type: ignore[return-value]  # two of them


def test_ratio_of_a_loop() -> None:
    nominal, varied = _pair(np.random.default_rng(1), 200)
    found = yield_ratio(nominal, varied, MASS)
    for k in range(4):
        sums, squares = [0.0, 0.0], 0.0
        contents: dict[int, list[float]] = {}
        for side, jets in enumerate((nominal, varied)):
            for event, value, weight in zip(jets.event, jets.msoftdrop, jets.weight, strict=True):
                if min(max(int(np.floor(value)), 0), 3) == k:
                    sums[side] += weight
                    contents.setdefault(event, [0.0, 0.0])[side] = weight
        ratio = sums[1] / sums[0]
        for before, after in contents.values():
            squares += (after - ratio * before) ** 2
        assert found.nominal[k] == pytest.approx(sums[0])
        assert found.varied[k] == pytest.approx(sums[1])
        assert found.ratio[k] == pytest.approx(ratio)
        assert found.error[k] == pytest.approx(np.sqrt(squares) / sums[0])


def test_error_is_the_spread_of_toys_and_smaller_than_that_of_independent_views() -> None:
    rng = np.random.default_rng(2)
    toys = [yield_ratio(*_pair(rng, 800), MASS) for _ in range(400)]
    spread = np.std([toy.ratio for toy in toys], axis=0)
    stated = np.mean([toy.error for toy in toys], axis=0)
    assert stated == pytest.approx(spread, rel=0.15)
    independent = np.sqrt(2 / (800 * 0.9 / 4))
    assert (stated[:3] < 0.8 * independent).all()  # the last bin gains what the others lose


def test_a_view_against_itself() -> None:
    nominal, _ = _pair(np.random.default_rng(3), 50)
    found = yield_ratio(nominal, nominal, MASS)
    assert (found.ratio == 1).all()
    assert not found.error.any()
    assert mean_shift(nominal, nominal, "msoftdrop").significance is None


def test_weights_on_the_same_jets() -> None:
    nominal, _ = _pair(np.random.default_rng(4), 60)
    factor = np.random.default_rng(5).uniform(0.5, 1.5, len(nominal.event))
    found = yield_ratio(nominal, nominal, MASS, factor=factor)
    expected = np.histogram(np.clip(nominal.msoftdrop, 0, 3.9), MASS.edges, weights=nominal.weight * factor)[0]
    assert found.varied == pytest.approx(expected)


def test_empty_bins_have_no_ratio() -> None:
    one = _jets(np.arange(2), np.array([0.5, 0.6]), np.ones(2))
    other = _jets(np.arange(2), np.array([0.5, 2.5]), np.ones(2))
    found = yield_ratio(one, other, MASS)
    assert found.ratio[0] == 0.5
    assert np.isnan(found.ratio[1:]).all()
    assert np.isnan(found.error[1:]).all()


def test_shift_of_common_events() -> None:
    nominal = _jets(np.array([1, 2, 3]), np.array([10.0, 20.0, 30.0]), np.array([1.0, 2.0, 5.0]))
    varied = _jets(np.array([1, 2, 4]), np.array([11.0, 24.0, 99.0]), np.array([1.0, 2.0, 5.0]))
    shift = mean_shift(nominal, varied, "msoftdrop")
    assert shift.events == 2
    assert shift.nominal == pytest.approx((10 + 2 * 20) / 3)
    assert shift.shift == pytest.approx((1 + 2 * 4) / 3)
    assert shift.error == pytest.approx(np.sqrt((1 - 3) ** 2 + 4 * (4 - 3) ** 2) / 3)
    assert np.isnan(mean_shift(nominal, _jets(np.array([9]), np.ones(1), np.ones(1)), "msoftdrop").shift)
