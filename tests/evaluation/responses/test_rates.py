"""Weighted pass rates and what each event does to them, against loops."""

import math

import numpy as np
import pytest

from rs3l_gnn.evaluation.responses.rates import log_rates, pull_of_events, weighted_sums


def test_rates_against_a_loop_over_jets() -> None:
    rng = np.random.default_rng(1)
    passed, weights = rng.random((50, 3)) < 0.4, rng.lognormal(0, 1, 50)
    draws = rng.integers(0, 4, (20, 50))
    found = log_rates(passed, weights, draws)
    for replica, row in enumerate([np.ones(50, int), *draws]):
        for way in range(3):
            above = total = 0.0
            for jet in range(50):
                total += row[jet] * weights[jet]
                if passed[jet, way]:
                    above += row[jet] * weights[jet]
            assert found[replica, way] == pytest.approx(math.log(above / total), abs=1e-12)


def test_no_rate_is_not_a_number() -> None:
    passed = np.array([[True, False], [False, False]])
    draws = np.array([[0, 2], [2, 0]])
    found = log_rates(passed, np.array([1.0, 3.0]), draws)
    assert found[0, 0] == pytest.approx(math.log(0.25))
    assert np.isnan(found[:, 1]).all()
    assert np.isnan(found[1, 0])
    assert found[2, 0] == 0
    assert np.isnan(log_rates(passed, np.array([1.0, -3.0]), draws)[0, 0])  # the weights have no positive sum


def test_sums_of_many_replicas_are_those_of_each() -> None:
    rng = np.random.default_rng(2)
    draws, columns = rng.integers(0, 5, (37, 11)).astype(np.uint8), rng.normal(size=(11, 4))
    expected = [sum(int(k) * row for k, row in zip(draw, columns, strict=True)) for draw in draws]
    np.testing.assert_allclose(weighted_sums(draws, columns)[1:], expected, atol=1e-12)


def test_pulls_are_derivatives() -> None:
    rng = np.random.default_rng(3)
    passed, weights = rng.random((12, 2)) < 0.5, rng.normal(1, 0.5, 12)
    pulls = pull_of_events(passed, weights)
    for jet in range(12):
        step = np.ones(12)
        step[jet] += 1e-6
        moved = np.log((step * weights) @ passed / (step @ weights)) - np.log(weights @ passed / weights.sum())
        np.testing.assert_allclose(pulls[jet], moved / 1e-6, rtol=1e-4, atol=1e-6)
