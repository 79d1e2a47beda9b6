"""Angles, wrapped in one place."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["delta_phi", "delta_r"]


def delta_phi(phi1: ArrayLike, phi2: ArrayLike) -> NDArray[np.float64]:
    """Difference ``phi1 - phi2`` in rad, wrapped to [-pi, pi).

    >>> round(float(delta_phi(3.1, -3.1)), 3), round(float(delta_phi(-3.1, 3.1)), 3)
    (-0.083, 0.083)
    """
    difference = np.subtract(phi1, phi2, dtype=np.float64)
    return np.asarray((difference + np.pi) % (2 * np.pi) - np.pi)


def delta_r(eta1: ArrayLike, phi1: ArrayLike, eta2: ArrayLike, phi2: ArrayLike) -> NDArray[np.float64]:
    """Distance sqrt(deta^2 + dphi^2) with the azimuth wrapped (no unit)."""
    return np.hypot(np.subtract(eta1, eta2, dtype=np.float64), delta_phi(phi1, phi2))
