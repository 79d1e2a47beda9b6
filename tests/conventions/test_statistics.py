"""Significances against scipy's tests of samples."""

import math

import numpy as np
import pytest
from scipy.stats import norm, ttest_ind

from rs3l_gnn.conventions.statistics import degrees_of_freedom, significance_of


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
