"""Contours that hold what they say."""

import numpy as np
import pytest

from rs3l_gnn.evaluation.figures.latent import contour_levels


def test_levels_hold_half_and_nine_tenths() -> None:
    rng = np.random.default_rng(1)
    density, _, _ = np.histogram2d(rng.normal(size=200_000), rng.normal(size=200_000), bins=60)
    low, high = contour_levels(density)
    assert density[density >= low].sum() / density.sum() == pytest.approx(0.9, abs=0.01)
    assert density[density >= high].sum() / density.sum() == pytest.approx(0.5, abs=0.01)


def test_nothing_has_no_contour() -> None:
    assert contour_levels(np.zeros((4, 4))) == []
    assert contour_levels(np.eye(1)) == []
