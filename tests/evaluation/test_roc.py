"""ROC by hand and against another implementation."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.evaluation.roc import roc_curve, threshold_at


def test_by_hand() -> None:
    roc = roc_curve(np.array([0.9, 0.8, 0.4, 0.2]), np.array([0.7, 0.3, 0.2, 0.1]))
    assert roc.threshold.tolist() == [np.inf, 0.9, 0.8, 0.7, 0.4, 0.3, 0.2, 0.1]
    assert roc.signal.tolist() == [0, 0.25, 0.5, 0.5, 0.75, 0.75, 1, 1]
    assert roc.background.tolist() == [0, 0, 0, 0.25, 0.25, 0.5, 0.75, 1]
    assert roc.background_at(0.75) == 0.25
    assert roc.rejection_at(0.75) == 4
    assert roc.rejection_at(0.5) is None  # no background jet passes
    assert roc.area == pytest.approx((4 + 4 + 3 + 1.5) / 16)


def test_area_with_ties() -> None:
    rng = np.random.default_rng(1)
    signal, background = np.round(rng.normal(0.5, 1, 300), 1), np.round(rng.normal(0, 1, 200), 1)
    labels = np.concatenate([np.ones(300), np.zeros(200)])
    expected = roc_auc_score(labels, np.concatenate([signal, background]))
    assert roc_curve(signal, background).area == pytest.approx(expected, abs=1e-12)


def test_single_precision_scores_keep_their_order() -> None:
    close = np.array([1.0, np.nextafter(np.float32(1), np.float32(0))], dtype=np.float32)
    assert roc_curve(close[:1], close[1:]).area == 1.0


@pytest.mark.parametrize("efficiency", [0.01, 0.3, 0.5, 0.999, 1.0])
def test_thresholds_keep_just_enough(efficiency: float) -> None:
    scores = np.random.default_rng(2).random(97)
    cut = threshold_at(scores, efficiency)
    assert (scores >= cut).mean() >= efficiency
    assert (scores > cut).mean() < efficiency


@pytest.mark.parametrize("bad", [np.zeros(0), np.array([0.1, np.nan])])
def test_useless_scores_are_refused(bad: NDArray[np.float64]) -> None:
    with pytest.raises(InvalidDataError, match="background scores must be finite"):
        roc_curve(np.ones(3), bad)
