"""Momenta that the features stand for: from momenta, by way of the features, back."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rs3l_gnn.conventions import Candidates, JetAxes, candidate_features
from rs3l_gnn.models.exported.variables import QUANTITIES, WEAVER_NAMES, Particles


def test_momenta_come_back() -> None:
    rng = np.random.default_rng(4)
    n = 40
    jet = np.repeat([0, 1], n // 2)
    axes = np.array([[1.2, 3.1], [-0.7, -3.1]])  # on both sides of the seam
    px, py, pz, mass = rng.normal(size=(4, n)) * [[30], [30], [30], [0.1]]
    px -= 60  # near phi = pi
    energy = np.sqrt(px**2 + py**2 + pz**2 + mass**2)
    pt = np.hypot(px, py)
    candidates = Candidates(
        pt=pt,
        eta=np.arcsinh(pz / pt),
        phi=np.arctan2(py, px),
        energy=energy,
        charge=np.zeros(n),
        pdgid=np.full(n, 22),
        d0=np.zeros(n),
        dz=np.zeros(n),
    )
    jets = JetAxes(pt=np.array([600.0, 700.0]), eta=axes[:, 0], phi=axes[:, 1], energy=np.array([900.0, 950.0]))
    features = candidate_features(candidates, jets, np.array([0, n // 2, n]))
    particles = Particles(features, jet, axes)
    for name, expected in {"px": px, "py": py, "pz": pz, "energy": energy, "pt": pt}.items():
        assert QUANTITIES[name].of(particles) == pytest.approx(expected, rel=3e-6, abs=3e-5)
    for place in range(n):
        away = abs(candidates.eta[place]) > abs(axes[jet[place], 0])
        same_side = candidates.eta[place] * axes[jet[place], 0] > 0
        value = QUANTITIES["deta_away"].of(particles)[place]
        assert abs(value) == pytest.approx(abs(candidates.eta[place] - axes[jet[place], 0]), abs=1e-6)
        assert (value > 0) == (away and same_side)
        assert math.remainder(QUANTITIES["phi"].of(particles)[place] - candidates.phi[place], 2 * math.pi) == (
            pytest.approx(0, abs=1e-6)
        )
    assert QUANTITIES["mask"].of(particles).tolist() == [1.0] * n


def test_every_known_name_is_a_quantity() -> None:
    assert set(WEAVER_NAMES.values()) <= set(QUANTITIES)
    assert all(QUANTITIES[name].needs for name in QUANTITIES if name != "mask")
