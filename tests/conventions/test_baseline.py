"""The score of the classical baseline."""

import numpy as np
import pytest

from rs3l_gnn.conventions import n2_score


def test_a_low_n2_is_like_signal() -> None:
    scores = n2_score(np.array([1e-6, 0.1, 0.25, 0.5, 0.7], dtype=np.float32))
    assert scores.dtype == np.float64
    assert scores.tolist() == pytest.approx([1, 0.8, 0.5, 0, 0], abs=1e-5)


def test_a_jet_without_n2_is_not_tagged() -> None:
    """Fewer than three particles (0), CMS' negative number, NaN."""
    assert n2_score([0.0, -1.0, -99.0, np.nan]).tolist() == [0.0] * 4
    assert n2_score([]).shape == (0,)
