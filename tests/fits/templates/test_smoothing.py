from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.fits.config.blocks import Smoothing
from rs3l_gnn.fits.templates.smoothing import smooth_shift

NOMINAL = np.array([100.0, 80, 60, 50, 40, 30, 25, 20])


def test_none_returns_the_input() -> None:
    varied = NOMINAL * 1.1
    assert smooth_shift(NOMINAL, varied, None, "none") is varied


@pytest.mark.parametrize("method", ["353QH", "lowess"])
def test_a_line_stays_and_the_total_is_kept(method: Smoothing) -> None:
    varied = NOMINAL * np.linspace(0.9, 1.3, 8)
    smoothed = smooth_shift(NOMINAL, varied, None, method)
    assert smoothed.sum() == pytest.approx(varied.sum())
    np.testing.assert_allclose(smoothed, varied, rtol=0.02)


def test_lowess_believes_precise_bins() -> None:
    # One wild bin with a large error on a flat effect of 10 %.
    ratio, error = np.full(8, 1.1), np.full(8, 0.01)
    ratio[4], error[4] = 1.8, 0.5
    smoothed = smooth_shift(NOMINAL, NOMINAL * ratio, NOMINAL * error, "lowess") / NOMINAL
    blind = smooth_shift(NOMINAL, NOMINAL * ratio, None, "lowess") / NOMINAL
    assert np.ptp(smoothed) < 0.01
    assert np.ptp(blind) > 0.05


def test_bins_without_nominal_stay() -> None:
    nominal = np.append(NOMINAL, 0.0)
    varied = np.append(NOMINAL * np.array([1.1, 0.9] * 4), 0.3)
    methods: tuple[Smoothing, ...] = ("353QH", "lowess")
    for method in methods:
        smoothed = smooth_shift(nominal, varied, None, method)
        assert smoothed[-1] == 0.3
        assert np.ptp(smoothed[:-1] / NOMINAL) < np.ptp(varied[:-1] / NOMINAL)


def test_too_few_bins_stay() -> None:
    varied = np.array([1.0, 2.0])
    np.testing.assert_array_equal(smooth_shift(np.ones(2), varied, None, "lowess"), varied)
