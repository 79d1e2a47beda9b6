"""Angles, pseudorapidities, energies and masses, computed in one place."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["delta_phi", "delta_r", "energy_of", "mass_of", "pseudorapidity"]

_ALONG_THE_BEAM = 99.0


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


def pseudorapidity(px: ArrayLike, py: ArrayLike, pz: ArrayLike) -> NDArray[np.float64]:
    """Pseudorapidity arsinh(pz / pT) (no unit) of momenta in any unit.

    A momentum along the beam has none; it is put out of reach of any detector, at 99 on its side.

    >>> pseudorapidity([3.0, 0.0], [4.0, 0.0], [0.0, -7.0]).tolist()
    [0.0, -99.0]
    """
    along, transverse = np.asarray(pz, dtype=np.float64), np.hypot(px, py)
    slope = np.divide(along, transverse, out=np.zeros_like(along), where=transverse > 0)
    return np.where(transverse > 0, np.arcsinh(slope), np.copysign(_ALONG_THE_BEAM, along))


def energy_of(pt: ArrayLike, eta: ArrayLike, mass: ArrayLike) -> NDArray[np.float64]:
    """Energy sqrt((pT cosh eta)^2 + m^2), in the unit of pT and mass.

    >>> float(energy_of(3.0, 0.0, 4.0))
    5.0
    """
    return np.asarray(np.sqrt(np.square(np.multiply(pt, np.cosh(eta))) + np.square(mass)))


def mass_of(energy: ArrayLike, momentum: ArrayLike) -> NDArray[np.float64]:
    """Mass sqrt(E^2 - p^2), 0 where rounding makes the square negative.

    >>> mass_of([5.0, 1.0], [3.0, 1.0000001]).tolist()
    [4.0, 0.0]
    """
    return np.asarray(np.sqrt(np.maximum(np.square(energy) - np.square(momentum), 0.0)))
