"""Significances against scipy's tests of samples."""

import math

import numpy as np
import pytest
from scipy.stats import norm, ttest_ind

from rs3l_gnn.conventions.statistics import degrees_of_freedom, significance_of, spread_beyond_events


def test_two_samples_as_welch_has_them() -> None:
    rng = np.random.default_rng(1)
    for n, m in ((3, 3), (2, 7), (5, 40)):
        one, two = rng.normal(0, 1, n), rng.normal(1, 3, m)
        spreads = [(float(np.var(x, ddof=1)) / len(x), len(x) - 1) for x in (one, two)]
        found = significance_of(two.mean() - one.mean(), sum(v for v, _ in spreads), spreads)
        test = ttest_ind(two, one, equal_var=False)
        assert degrees_of_freedom(sum(v for v, _ in spreads), spreads) == pytest.approx(test.df)
        assert found == pytest.approx(math.copysign(norm.isf(test.pvalue / 2), test.statistic))


def test_without_any_spread_it_is_normal() -> None:
    assert degrees_of_freedom(1.0, []) == math.inf
    assert significance_of(-3.0, 4.0, []) == pytest.approx(-1.5)
    assert significance_of(0.0, 4.0, []) == 0
    assert significance_of(1.0, 0.0, []) is None
    assert significance_of(1.0, math.nan, []) is None
    assert significance_of(1e6, 1.0, []) == pytest.approx(37.0, abs=0.1)  # the smallest tail that counts


def test_the_spread_of_seeds_alone() -> None:
    """Means over toys of known spreads: of seeds 0.3, of what the events do to each training 0.4."""
    rng = np.random.default_rng(2)
    n, found = 4, []
    for _ in range(1_500):
        values = rng.normal(0, 0.3, n) + rng.normal(0, 0.4, n)
        replicas = values[:, None] + rng.normal(0, 1, 40) + rng.normal(0, 0.4, (n, 40))
        left = spread_beyond_events(values, replicas)
        assert left is not None
        raw = np.var(values, ddof=1) / n
        own = np.mean([np.var(column - values, ddof=1) for column in replicas.T]) / n
        assert left[0] == pytest.approx(max(raw - own, 1e-6 * raw))
        assert left[1] == pytest.approx(3 * (left[0] / raw) ** 2)
        found.append(raw - own)
    assert np.mean(found) == pytest.approx(0.09 / n, rel=0.15)
    assert spread_beyond_events(np.ones(1), np.ones((1, 5))) is None
    assert spread_beyond_events(np.ones(3), np.ones((3, 5))) is None


def test_replicas_without_a_value_are_left_out() -> None:
    values = np.array([1.0, 2.0, 4.0])
    replicas = values[:, None] + np.array([[0.1, np.nan, -0.1], [0.2, 0.0, 0.3], [0.0, 0.1, 0.1]])
    left = spread_beyond_events(values, replicas)
    own = np.mean([np.var([0.1, 0.2, 0.0], ddof=1), np.var([-0.1, 0.3, 0.1], ddof=1)]) / np.var(values, ddof=1)
    assert left is not None
    assert left[0] == pytest.approx((1 - own) * np.var(values, ddof=1) / 3)
    assert left[1] == pytest.approx(2 * (1 - own) ** 2)
