"""A response taken apart in bins, against loops over jets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from rs3l_gnn.evaluation.responses.profiles import bin_edges, response_parts
from rs3l_gnn.evaluation.responses.rates import log_rates

N, BINS = 400, 4


def test_parts_are_those_of_a_loop_and_sum_to_the_whole() -> None:
    rng = np.random.default_rng(1)
    draws = rng.integers(0, 3, (5, N))
    sides = [
        (rng.integers(0, BINS, N) // (1 + i), rng.random((N, 2)) < 0.3 + 0.2 * i, rng.normal(1, 0.5, N), draws)
        for i in (0, 1)
    ]
    found = response_parts(sides, BINS, 2.5)  # the second side has empty bins
    whole = [log_rates(passed, weights, draws) for _, passed, weights, _ in sides]
    total = found.moving.sum(axis=1) + found.passing.sum(axis=1)
    np.testing.assert_allclose(total, (whole[0] - whole[1]) / 2.5, atol=1e-12)

    shares, known = [], []
    for place, passed, weights, _ in sides:
        inside = [[weights[i] for i in range(N) if place[i] == k] for k in range(BINS)]
        passing = [[weights[i] for i in range(N) if place[i] == k and passed[i, 0]] for k in range(BINS)]
        shares.append([sum(jets) / sum(map(sum, inside)) for jets in inside])
        known.append({k: sum(p) / sum(inside[k]) for k, p in enumerate(passing) if inside[k]})
    assert len(known[1]) < len(known[0])
    rates = [[mine.get(k, other.get(k, 0.0)) for k in range(BINS)] for mine, other in (known, known[::-1])]
    ends = [sum(f * e for f, e in zip(*side, strict=True)) for side in zip(shares, rates, strict=True)]
    middle = (ends[0] - ends[1]) / math.log(ends[0] / ends[1])
    for k in range(BINS):
        mean = (rates[0][k] + rates[1][k]) / 2
        moving = (shares[0][k] - shares[1][k]) * (mean - middle) / (2.5 * middle)
        passing_part = (shares[0][k] + shares[1][k]) / 2 * (rates[0][k] - rates[1][k]) / (2.5 * middle)
        assert found.moving[0, k, 0] == pytest.approx(moving, abs=1e-12)
        assert found.passing[0, k, 0] == pytest.approx(passing_part, abs=1e-12)
        assert found.rate[k, 0] == pytest.approx(mean)


def test_a_tagger_that_sees_nothing_but_the_observable() -> None:
    """Then the shift of the observable is all there is."""
    rng = np.random.default_rng(2)
    n = 20_000
    values = [rng.normal(shift, 1, n) for shift in (0.1, -0.1)]
    edges = np.array([-9, -1, 0, 1, 9.0])
    draws = rng.integers(0, 3, (3, n))
    places = [np.searchsorted(edges[1:-1], x, side="right") for x in values]
    chance = np.array([0.1, 0.3, 0.5, 0.9])
    by_observable = [(p, (rng.random(n) < chance[p])[:, None], np.ones(n), draws) for p in places]
    found = response_parts(by_observable, 4, 1.0)
    assert abs(found.passing[0].sum()) < 0.02
    up, down = (np.diff(norm.cdf(edges - shift)) @ chance for shift in (0.1, -0.1))
    assert found.moving[0].sum() == pytest.approx(math.log(up / down), abs=0.03)
    by_side = [(places[0], (rng.random(n) < rate)[:, None], np.ones(n), draws) for rate in (0.5, 0.4)]
    found = response_parts(by_side, 4, 1.0)
    assert found.moving[0].sum() == 0
    assert found.passing[0].sum() == pytest.approx(math.log(5 / 4), rel=0.05)


def test_edges_share_the_weights_out() -> None:
    values, weights = np.arange(10.0), np.array([1, 1, 1, 1, 4, 1, 1, 1, 1, -5.0])
    assert bin_edges(values, weights, 3).tolist() == [0, 3, 5, 9] or bin_edges(values, weights, 3)[1] == 3
    rng = np.random.default_rng(3)
    values = rng.normal(size=5_000)
    edges = bin_edges(values, np.ones(5_000), 5)
    assert np.histogram(values, edges)[0] == pytest.approx([1_000] * 5, abs=1)
    assert bin_edges(np.full(9, 2.0), np.ones(9), 5).tolist() == [2.0]


def test_nothing_passes() -> None:
    draws = np.ones((2, 4), np.int64)
    place, none = np.array([0, 0, 1, 1]), np.zeros((4, 1), bool)
    found = response_parts([(place, none, np.ones(4), draws)] * 2, 2, 1.0)
    assert np.isnan(found.moving).all()
    assert np.isnan(found.passing).all()
