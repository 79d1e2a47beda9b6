"""Numbers about embeddings, in cases with known answers."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from rs3l_gnn.training.monitors import alignment, area_under_roc, effective_rank, linear_probe_auc, uniformity


def sphere(n: int, dim: int, seed: int = 1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, dim))


def test_alignment() -> None:
    z = sphere(500, 8)
    pairs = np.repeat(z, 2, axis=0)
    assert alignment(pairs * np.tile([1.0, 7.0], 500)[:, None]) == pytest.approx(0, abs=1e-12)
    assert alignment(sphere(4000, 8)) == pytest.approx(2.0, abs=0.1)
    assert alignment(np.array([[1.0, 0.0], [0.0, 2.0], [9.0, 9.0]]), n_views=3) == pytest.approx(2.0)


def test_uniformity() -> None:
    assert uniformity(np.ones((10, 3))) == pytest.approx(0.0)
    assert uniformity(np.array([[1.0, 0.0], [-1.0, 0.0]])) == pytest.approx(-8.0)
    assert uniformity(sphere(1000, 8)) < -3


def test_effective_rank() -> None:
    assert effective_rank(np.ones((10, 3))) == 0.0
    assert effective_rank(np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])) == pytest.approx(1.0)
    assert effective_rank(sphere(5000, 8)) == pytest.approx(8.0, abs=0.05)


def test_probe() -> None:
    z = sphere(2000, 5)
    target = np.random.default_rng(2).integers(-1, 2, size=2000)
    blind = linear_probe_auc(z, target)
    assert blind is not None
    assert blind == pytest.approx(0.5, abs=0.05)
    z[:, 2] += 2.0 * target
    seeing = linear_probe_auc(z, target)
    assert seeing is not None
    assert seeing > 0.85
    assert linear_probe_auc(z, np.zeros(2000, np.int64)) is None


def test_area_against_another_implementation_with_ties() -> None:
    rng = np.random.default_rng(3)
    score = np.round(rng.normal(size=300), 1)
    target = rng.integers(0, 2, size=300)
    assert area_under_roc(score, target) == pytest.approx(roc_auc_score(target, score), abs=1e-12)


def test_weighted_area_against_another_implementation() -> None:
    rng = np.random.default_rng(11)
    score, target = np.round(rng.normal(size=300), 1), rng.integers(2, size=300)
    weights = rng.lognormal(0, 1, 300)
    expected = roc_auc_score(target, score, sample_weight=weights)
    assert area_under_roc(score, target, weights) == pytest.approx(expected, abs=1e-12)
    assert area_under_roc(score, target, weights * (target == 1)) is None


def test_a_weighted_probe_counts_jets_by_their_weight() -> None:
    rng = np.random.default_rng(12)
    z, target = rng.normal(size=(400, 4)), rng.integers(2, size=400)
    z[:, 0] += target * np.where(np.arange(400) < 200, 3.0, -3.0)  # two halves that contradict each other
    first, second = (np.where(half, 1.0, 1e-9) for half in (np.arange(400) < 200, np.arange(400) >= 200))
    for weights in (first, second):
        weighted = linear_probe_auc(z, target, weights=weights)
        alone = linear_probe_auc(z[weights == 1], target[weights == 1])
        assert weighted == pytest.approx(alone, abs=1e-4)
    squared = np.sum(
        (z[::2] / np.linalg.norm(z[::2], axis=1)[:, None] - z[1::2] / np.linalg.norm(z[1::2], axis=1)[:, None]) ** 2,
        axis=1,
    )
    weights = rng.lognormal(0, 1, 200)
    assert alignment(z, 2, weights) == pytest.approx(sum(weights * squared) / sum(weights))
