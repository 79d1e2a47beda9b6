"""Replicas by multiplicities against samples that are really drawn."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.evaluation.replicas import (
    bootstrap_weights,
    distance_replicas,
    multiplicities,
    null_distances,
    rate_replicas,
    share_replicas,
)
from rs3l_gnn.evaluation.roc import roc_curve


def draws(n: int, count: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(n, size=(count, n))


def test_weights_count_draws() -> None:
    weights = bootstrap_weights(50, 400, np.random.default_rng(1))
    assert (weights.sum(axis=1) == 50).all()
    assert weights.mean() == 1
    assert weights.var() == pytest.approx(49 / 50, rel=0.05)  # binomial
    assert multiplicities(np.array([[0, 2, 2], [1, 1, 1]]), 3).tolist() == [[1, 0, 2], [0, 3, 0]]


@pytest.mark.parametrize("decimals", [1, 12])
def test_rates_are_those_of_the_drawn_jets(decimals: int) -> None:
    rng = np.random.default_rng(2)
    signal, background = np.round(rng.normal(1, 1, 60), decimals), np.round(rng.normal(0, 1, 80), decimals)
    in_signal, in_background = draws(60, 20, 3), draws(80, 20, 4)
    efficiencies = (0.05, 0.5, 0.8, 1.0)
    weights = multiplicities(in_signal, 60), multiplicities(in_background, 80)
    areas, rates = rate_replicas(signal, background, weights, efficiencies)
    for replica in range(20):
        roc = roc_curve(signal[in_signal[replica]], background[in_background[replica]])
        assert areas[replica] == pytest.approx(roc.area, abs=1e-12)
        expected = [roc.background_at(efficiency) for efficiency in efficiencies]
        np.testing.assert_allclose(rates[replica], expected, atol=1e-12)


def test_distances_are_those_of_the_drawn_events() -> None:
    rng = np.random.default_rng(5)
    nominal, varied = np.round(rng.random(40), 2), np.round(rng.random(40) ** 2, 2)
    drawn = draws(40, 20, 6)
    got = distance_replicas(nominal, varied, multiplicities(drawn, 40))
    expected = [wasserstein_distance(nominal[row], varied[row]) for row in drawn]
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_shares_by_hand() -> None:
    passed = np.array([True, False, True])
    assert share_replicas(passed, np.array([[1, 1, 1], [0, 3, 0], [2, 0, 1]], np.uint8)).tolist() == [2, 0, 3]


def test_swaps_by_hand() -> None:
    # Of two events at 0 -> 1, one swapped leaves no distance, none or both leave all of it.
    distances = null_distances(np.zeros(2), np.ones(2), np.random.default_rng(7), n_swaps=2000)
    assert set(distances.tolist()) == {0.0, 1.0}
    assert distances.mean() == pytest.approx(0.5, abs=0.04)


def test_without_an_effect_a_distance_is_like_those_of_swaps() -> None:
    rng = np.random.default_rng(8)
    higher = 0
    for _ in range(200):
        left, right = rng.random((2, 100))
        null = null_distances(left, right, rng, n_swaps=60)
        higher += distance_replicas(left, right, np.ones((1, 100), np.int64))[0] > np.quantile(null, 0.8)
    assert higher == pytest.approx(40, abs=17)  # three standard deviations
    shifted = distance_replicas(left, left + 0.3, np.ones((1, 100), np.int64))[0]
    assert shifted > 2 * null_distances(left, left + 0.3, rng).max()


def test_no_events_are_refused() -> None:
    with pytest.raises(InvalidDataError, match="same events"):
        distance_replicas(np.ones(3), np.ones(2), np.ones((1, 3), np.int64))


def test_weighted_distances_against_scipy() -> None:
    rng = np.random.default_rng(9)
    nominal, varied = np.round(rng.random(40), 2), np.round(rng.random(40) ** 2, 2)
    u, v = rng.lognormal(0, 1, 40), rng.lognormal(0, 1, 40)
    drawn = draws(40, 20, 10)
    got = distance_replicas(nominal, varied, multiplicities(drawn, 40), (u, v))
    expected = [wasserstein_distance(nominal[row], varied[row], u[row], v[row]) for row in drawn]
    np.testing.assert_allclose(got, expected, atol=1e-12)
    # Negative weights, which scipy refuses: the area between the two distribution functions.
    u[::5], v[::7] = -u[::5], -v[::7]
    grid = np.unique(np.concatenate([nominal, varied]))
    below = [(u[nominal <= x].sum() / u.sum(), v[varied <= x].sum() / v.sum()) for x in grid[:-1]]
    area = sum(abs(a - b) * step for (a, b), step in zip(below, np.diff(grid), strict=True))
    assert distance_replicas(nominal, varied, np.ones((1, 40), np.int64), (u, v))[0] == pytest.approx(area, abs=1e-12)
    assert np.isnan(distance_replicas(nominal, varied, np.ones((1, 40), np.int64), (-u, v))[0])


def test_weighted_rates_are_those_of_the_drawn_jets() -> None:
    rng = np.random.default_rng(11)
    signal, background = np.round(rng.normal(1, 1, 60), 1), np.round(rng.normal(0, 1, 80), 1)
    of_jets = rng.lognormal(0, 1, 60), rng.lognormal(0, 1, 80)
    in_signal, in_background = draws(60, 10, 12), draws(80, 10, 13)
    weights = multiplicities(in_signal, 60), multiplicities(in_background, 80)
    areas, rates = rate_replicas(signal, background, weights, (0.3, 0.8), of_jets)
    for replica, (s, b) in enumerate(zip(in_signal, in_background, strict=True)):
        roc = roc_curve(signal[s], background[b], (of_jets[0][s], of_jets[1][b]))
        assert areas[replica] == pytest.approx(roc.area, abs=1e-12)
        np.testing.assert_allclose(rates[replica], [roc.background_at(0.3), roc.background_at(0.8)], atol=1e-12)


def test_weights_change_places_with_their_views() -> None:
    rng = np.random.default_rng(14)
    left, right = rng.random(30), rng.random(30)
    u, v = rng.lognormal(0, 1, 30), rng.lognormal(0, 1, 30)
    got = null_distances(left, right, np.random.default_rng(15), n_swaps=20, weights=(u, v))
    same = np.random.default_rng(15)
    for distance in got:
        stays = same.choice((-1.0, 1.0), 30) > 0
        one, other = np.where(stays, left, right), np.where(stays, right, left)
        expected = wasserstein_distance(one, other, np.where(stays, u, v), np.where(stays, v, u))
        assert distance == pytest.approx(expected, abs=1e-12)
