"""Distances between score distributions, in cases with known answers."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.evaluation.replicas import multiplicities
from rs3l_gnn.evaluation.robustness import distance, quantile_scores, rate_changes, score_shift


def replicas(n: int, count: int = 300) -> NDArray[np.int64]:
    return np.random.default_rng(7).integers(n, size=(count, n))


def test_a_constant_shift_is_the_distance_without_error() -> None:
    nominal = np.random.default_rng(1).random(200) * 0.5
    shift = score_shift(nominal, nominal + 0.1, replicas(200))
    assert shift.distance == pytest.approx(0.1)
    assert shift.error == pytest.approx(0, abs=1e-12)
    assert shift.n_events == 200


def test_distances_against_scipy() -> None:
    rng = np.random.default_rng(2)
    for left, right in zip(rng.random((5, 40)), np.round(rng.random((5, 40)), 1) ** 2, strict=True):
        assert distance(left, right) == pytest.approx(wasserstein_distance(left, right), abs=1e-12)


def test_the_error_covers_the_spread_of_repeated_samples() -> None:
    rng = np.random.default_rng(3)

    def sample() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        nominal = rng.normal(0, 1, 300)
        return nominal, nominal + rng.normal(0.5, 0.3, 300)

    distances = [score_shift(*sample(), replicas(300, 2)).distance for _ in range(200)]
    assert score_shift(*sample(), replicas(300)).error == pytest.approx(np.std(distances), rel=0.3)


def test_a_monotone_change_of_the_score_changes_nothing_on_the_common_scale() -> None:
    rng = np.random.default_rng(4)
    signal, background, varied = rng.normal(1, 1, 300), rng.normal(-1, 1, 300), rng.normal(1.1, 1, 300)

    def squeezed(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return 0.5 + 0.01 * np.tanh(x)

    plain = quantile_scores(varied, signal, background)
    np.testing.assert_array_equal(quantile_scores(squeezed(varied), squeezed(signal), squeezed(background)), plain)
    assert ((plain >= 0) & (plain <= 1)).all()


def test_quantiles_by_hand() -> None:
    got = quantile_scores(np.array([0.0, 0.5, 1.0]), signal=np.array([0.5, 0.9]), background=np.array([0.1, 0.2]))
    assert got.tolist() == [0.0, (0.25 + 1) / 2, 1.0]


def test_rates_by_hand() -> None:
    nominal = np.array([True] * 40 + [False] * 60)
    varied = np.array([True] * 50 + [False] * 50)
    weights = multiplicities(replicas(100), 100)
    changes = rate_changes(nominal, varied, weights)
    assert changes is not None
    assert changes[0] == pytest.approx(0.25)
    # 10 events changed sides of 40: the paired error is near sqrt(10) / 40, the unpaired one would be 0.24.
    assert changes[1].std(ddof=1) == pytest.approx(np.sqrt(10) / 40, rel=0.2)
    assert rate_changes(np.zeros(5, bool), np.ones(5, bool), weights[:, :5]) is None
    few = rate_changes(np.arange(100) < 2, np.arange(100) < 3, weights)
    assert few is not None
    # Of two events, none is drawn in exp(-2) of the replicas.
    assert np.isnan(few[1]).mean() == pytest.approx(np.exp(-2), abs=0.06)


def test_no_events_are_refused() -> None:
    with pytest.raises(InvalidDataError, match="same events"):
        score_shift(np.ones(3), np.ones(2), replicas(3))


def test_weighted_rates_against_a_loop() -> None:
    rng = np.random.default_rng(8)
    nominal, varied = rng.random(80) < 0.4, rng.random(80) < 0.6
    u, v = rng.lognormal(0, 1, 80), rng.lognormal(0, 1, 80)
    drawn = replicas(80, 5)
    changes = rate_changes(nominal, varied, multiplicities(drawn, 80), (u, v))
    assert changes is not None
    for row, got in zip([np.arange(80), *drawn], [changes[0], *changes[1]], strict=True):
        above = sum(v[i] for i in row if varied[i]) / sum(v[i] for i in row)
        below = sum(u[i] for i in row if nominal[i]) / sum(u[i] for i in row)
        assert got == pytest.approx(above / below - 1, abs=1e-12)
    assert rate_changes(nominal, varied, multiplicities(drawn, 80), (np.where(nominal, -u, u), v)) is None


def test_weighted_quantiles_against_a_loop() -> None:
    rng = np.random.default_rng(9)
    scores, signal, background = np.round(rng.random((3, 25)), 1)
    s, b = rng.lognormal(0, 1, 25), rng.lognormal(0, 1, 25)
    expected = [
        np.mean([(w[ref < x].sum() + w[ref == x].sum() / 2) / w.sum() for ref, w in ((signal, s), (background, b))])
        for x in scores
    ]
    np.testing.assert_allclose(quantile_scores(scores, signal, background, (s, b)), expected, atol=1e-12)
