"""Chi^2 tests of templates that share events, against scipy and toys."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from scipy import stats

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.templates.compatibility import compatibility, corrected, difference_test
from rs3l_gnn.fits.yields import Yields


def test_a_diagonal_is_a_sum_of_squares() -> None:
    found = compatibility(np.array([3.0, -4.0, 0.0]), np.diag([9.0, 4.0, 0.0]), np.array([9.0, 4.0, 0.0]))
    assert found.chi2 == pytest.approx(1 + 4)
    assert found.degrees == 2  # a bin without events says nothing
    assert found.p_value == pytest.approx(np.exp(-2.5))
    assert compatibility(np.zeros(2), np.zeros((2, 2)), np.zeros(2)).p_value == 1.0


def test_events_that_only_move_leave_one_degree_less() -> None:
    # 7 events go from bin 0 to 1, 3 back: one number was measured, not two. Its chi^2 by hand is (7 - 3)^2 / 10.
    found = compatibility(np.array([-4.0, 4.0]), np.array([[10.0, -10.0], [-10.0, 10.0]]), np.array([200.0, 200.0]))
    assert found.chi2 == pytest.approx(1.6)
    assert found.degrees == 1
    assert found.p_value == pytest.approx(2 * stats.norm.sf(1.6**0.5))
    # A change of the total is nothing that events which only move can make.
    grown = compatibility(np.array([16.0, 24.0]), np.array([[10.0, -10.0], [-10.0, 10.0]]), np.array([200.0, 200.0]))
    assert grown.p_value < 1e-100


def test_inconsistent_covariances_are_refused() -> None:
    with pytest.raises(FitError, match="not one of events"):
        compatibility(np.zeros(2), np.array([[1.0, 2.0], [2.0, 1.0]]), np.ones(2))


def test_several_looks_are_corrected() -> None:
    assert corrected([0.2]) == pytest.approx(0.2)
    assert corrected([0.02, 0.5]) == pytest.approx(1 - 0.98**2)
    assert corrected([1e-30, 0.5]) == pytest.approx(2e-30)
    assert corrected([]) == corrected([1.0, 1.0]) == 1.0


def _views(rng: np.random.Generator, n: int) -> tuple[Yields, list[Yields]]:
    """Two replicas of the same events, of which a fifth moves to another of five bins, and a tenth is lost."""
    first = rng.integers(5, size=n)
    varied = []
    for _ in range(2):
        second = np.where(rng.random(n) < 0.2, (first + rng.integers(1, 3, n)) % 5, first)
        kept = rng.random(n) < 0.9
        counts = np.bincount(second[kept], minlength=5).astype(float)
        # Scaled up by its own efficiency, as a normalisation would do.
        joint = np.zeros((5, 5))
        np.add.at(joint, (first[kept], second[kept]), 1 / 0.9)
        varied.append(Yields(counts / 0.9, counts / 0.81, joint, "known"))
    counts = np.bincount(first, minlength=5).astype(float)
    return Yields(counts, counts), varied


@pytest.mark.parametrize(("effect", "degrees"), [("norm_shape", 5), ("norm", 1), ("shape", 4)])
def test_p_values_of_toys_are_flat(effect: Literal["norm_shape", "norm", "shape"], degrees: int) -> None:
    rng = np.random.default_rng(8)
    single, both = [], []
    for _ in range(1200):
        nominal, views = _views(rng, int(rng.poisson(400)))
        tests = [difference_test(view, nominal, effect=effect) for view in views]
        found = [test.p_value for test in tests if test is not None and test.degrees == degrees]
        assert len(found) == 2
        single.append(found[0])
        both.append(corrected(found))
    # 1,200 toys: an expectation of 60 below 5 % has an error of 7.5.
    assert abs(np.mean(np.array(single) < 0.05) - 0.05) < 0.025
    assert abs(np.mean(np.array(single) < 0.5) - 0.5) < 0.06
    assert 0.025 < np.mean(np.array(both) < 0.05) < 0.07  # the smaller of two, corrected


def test_the_diagonal_alone_would_be_wrong() -> None:
    """Where events only move, the squares of pulls count each of them twice."""
    rng = np.random.default_rng(9)
    full, diagonal = [], []
    for _ in range(800):
        first = rng.integers(3, size=300)
        second = np.where(rng.random(300) < 0.2, (first + rng.integers(1, 3, 300)) % 3, first)
        joint = np.zeros((3, 3))
        np.add.at(joint, (first, second), 1.0)
        before, after = (np.bincount(bins, minlength=3).astype(float) for bins in (first, second))
        varied = Yields(after, after, joint, "known")
        nominal = Yields(before, before)
        test = difference_test(varied, nominal)
        assert test is not None
        assert test.degrees == 2
        full.append(test.p_value)
        difference = varied.less(nominal)
        assert difference is not None
        variance = np.diag(difference.covariance)
        diagonal.append(stats.chi2.sf(((after - before) ** 2 / variance).sum(), 3))
    assert stats.kstest(full, "uniform").pvalue > 1e-3
    assert stats.kstest(diagonal, "uniform").pvalue < 1e-4
