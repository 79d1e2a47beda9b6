"""ROC by hand and against another implementation."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as sklearn_curve

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


def toy_weights(n: int, seed: int, negative: float = 0.0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return rng.lognormal(0, 1, n) * np.where(rng.random(n) < negative, -1, 1)


def test_weighted_curve_against_another_implementation() -> None:
    rng = np.random.default_rng(3)
    signal, background = np.round(rng.normal(0.5, 1, 300), 1), np.round(rng.normal(0, 1, 200), 1)
    weights = toy_weights(300, 4), toy_weights(200, 5)
    labels, scores = np.concatenate([np.ones(300), np.zeros(200)]), np.concatenate([signal, background])
    roc = roc_curve(signal, background, weights)
    assert roc.area == pytest.approx(roc_auc_score(labels, scores, sample_weight=np.concatenate(weights)), abs=1e-12)
    assert abs(roc.area - roc_curve(signal, background).area) > 0.01
    fpr, tpr, threshold = sklearn_curve(labels, scores, sample_weight=np.concatenate(weights), drop_intermediate=False)
    np.testing.assert_array_equal(roc.threshold, threshold)
    np.testing.assert_allclose(roc.signal, tpr, atol=1e-12)
    np.testing.assert_allclose(roc.background, fpr, atol=1e-12)
    passing = [weights[1][background >= cut] for cut in threshold[1:]]
    np.testing.assert_allclose(
        roc.n_background[1:], [sum(w) ** 2 / sum(w**2) if len(w) else 0 for w in passing], rtol=1e-12
    )


def test_negative_weights_are_subtracted() -> None:
    rng = np.random.default_rng(6)
    signal, background = rng.normal(1, 1, 80), rng.normal(0, 1, 70)
    s, b = toy_weights(80, 7, 0.2), toy_weights(70, 8, 0.2)
    above = sum(s[i] * b[j] * (signal[i] > background[j]) for i in range(80) for j in range(70))
    roc = roc_curve(signal, background, (s, b))
    assert roc.area == pytest.approx(above / s.sum() / b.sum(), abs=1e-12)
    # The first threshold from above that has half of the signal, though the sum falls again behind it.
    kept = next(cut for cut in sorted(signal, reverse=True) if s[signal >= cut].sum() >= 0.5 * s.sum())
    assert threshold_at(signal, 0.5, s) == kept
    assert roc.background_at(0.5) == pytest.approx(b[background >= kept].sum() / b.sum(), abs=1e-12)
    with pytest.raises(InvalidDataError, match="weights of the signal jets have no positive sum"):
        roc_curve(signal, background, (-s, b))


@pytest.mark.parametrize("efficiency", [0.01, 0.3, 0.5, 0.999, 1.0])
def test_weighted_thresholds_keep_just_enough(efficiency: float) -> None:
    scores, weights = np.random.default_rng(2).random(97), toy_weights(97, 9)
    cut = threshold_at(scores, efficiency, weights)
    assert weights[scores >= cut].sum() / weights.sum() >= efficiency - 1e-12
    assert weights[scores > cut].sum() / weights.sum() < efficiency
