from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.conventions import delta_phi, delta_r


def test_over_the_seam_both_ways() -> None:
    assert delta_phi(3.1, -3.1) == pytest.approx(6.2 - 2 * np.pi)
    assert delta_phi(-3.1, 3.1) == pytest.approx(2 * np.pi - 6.2)
    assert delta_r(0.0, 3.1, 0.0, -3.1) == pytest.approx(2 * np.pi - 6.2)


def test_range_holds_for_any_angle() -> None:
    angles = np.linspace(-20, 20, 1001)
    wrapped = delta_phi(angles, 0.3)
    assert ((wrapped >= -np.pi) & (wrapped < np.pi)).all()
    assert np.cos(wrapped) == pytest.approx(np.cos(angles - 0.3))
