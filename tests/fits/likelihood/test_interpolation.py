"""pyhf has the same interpolations; derivatives are those of its values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from pyhf.interpolators import code4, code4p

from rs3l_gnn.fits.likelihood.interpolation import RateInterpolation, ShapeInterpolation
from rs3l_gnn.fits.likelihood.minimise import numpy_backend

Array = NDArray[np.float64]
POINTS = np.array([-3.0, -1.5, -1.0, -0.7, -1e-3, 0.0, 0.2, 0.999, 1.0, 1.001, 2.5])


def _pyhf(interpolate: Callable[..., object], up: float, nominal: float, down: float, points: Array) -> Array:
    # [modifiers, histograms, down / nominal / up, bins], and points by modifier.
    with numpy_backend():
        found = interpolate([[[[down], [nominal], [up]]]], subscribe=False)(points[None])  # type: ignore[operator]
    return np.asarray(found)[0, 0, :, 0]


@pytest.mark.parametrize(("up", "down"), [(1.1, 0.8), (0.9, 0.7), (3.0, 0.01), (1.0, 1.0)])
def test_rates(up: float, down: float) -> None:
    value, slope = RateInterpolation(np.full(len(POINTS), up), np.full(len(POINTS), down))(POINTS)
    np.testing.assert_allclose(value, _pyhf(code4, up, 1.0, down, POINTS), rtol=1e-12)
    differences = _pyhf(code4, up, 1.0, down, POINTS + 1e-6) - _pyhf(code4, up, 1.0, down, POINTS - 1e-6)
    np.testing.assert_allclose(slope, differences / 2e-6, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("up", "down"), [(12.0, 7.0), (11.0, 10.5), (10.0, 10.0)])
def test_shapes(up: float, down: float) -> None:
    value, slope = ShapeInterpolation(np.full(len(POINTS), up - 10), np.full(len(POINTS), down - 10))(POINTS)
    np.testing.assert_allclose(value, _pyhf(code4p, up, 10.0, down, POINTS), rtol=1e-12, atol=1e-15)
    differences = _pyhf(code4p, up, 10.0, down, POINTS + 1e-6) - _pyhf(code4p, up, 10.0, down, POINTS - 1e-6)
    # The second derivative of shapes jumps at one standard deviation.
    np.testing.assert_allclose(slope, differences / 2e-6, rtol=1e-5, atol=1e-8)
