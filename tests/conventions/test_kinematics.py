from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rs3l_gnn.conventions import delta_phi, delta_r, energy_of, mass_of, pseudorapidity


def test_over_the_seam_both_ways() -> None:
    assert delta_phi(3.1, -3.1) == pytest.approx(6.2 - 2 * np.pi)
    assert delta_phi(-3.1, 3.1) == pytest.approx(2 * np.pi - 6.2)
    assert delta_r(0.0, 3.1, 0.0, -3.1) == pytest.approx(2 * np.pi - 6.2)


def test_range_holds_for_any_angle() -> None:
    angles = np.linspace(-20, 20, 1001)
    wrapped = delta_phi(angles, 0.3)
    assert ((wrapped >= -np.pi) & (wrapped < np.pi)).all()
    assert np.cos(wrapped) == pytest.approx(np.cos(angles - 0.3))


def test_momenta_as_in_vector() -> None:
    rng = np.random.default_rng(2)
    pt, phi = rng.uniform(1, 900, 200), rng.uniform(-np.pi, np.pi, 200)
    eta, mass = rng.uniform(-5, 5, 200), rng.uniform(0, 200, 200)
    expected: Any = pytest.importorskip("vector").arr({"pt": pt, "phi": phi, "eta": eta, "mass": mass})
    np.testing.assert_allclose(pseudorapidity(expected.px, expected.py, expected.pz), eta, rtol=1e-9)
    np.testing.assert_allclose(energy_of(pt, eta, mass), expected.energy, rtol=1e-12)
    np.testing.assert_allclose(mass_of(expected.energy, expected.p), mass, rtol=0, atol=1e-2)


def test_along_the_beam_is_out_of_reach() -> None:
    assert pseudorapidity([0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [6500.0, -0.1, 0.0]).tolist() == [99.0, -99.0, 0.0]
