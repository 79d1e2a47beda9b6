"""VICReg against plain loops and in its limits."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, InvalidDataError
from rs3l_gnn.training.losses import vicreg


def by_loops(z: NDArray[np.float64], n_views: int, weights: tuple[float, float, float]) -> float:
    views = [z[v::n_views] for v in range(n_views)]
    dim = z.shape[1]
    pairs = [(a, b) for a in range(n_views) for b in range(a + 1, n_views)]
    s = np.mean([np.mean((views[a] - views[b]) ** 2) for a, b in pairs])
    v, c = [], []
    for view in views:
        v.append(np.mean([max(0.0, 1 - math.sqrt(view[:, d].var(ddof=1) + 1e-4)) for d in range(dim)]))
        covariance = np.cov(view.T, ddof=1)
        c.append(sum(covariance[a, b] ** 2 for a in range(dim) for b in range(dim) if a != b) / dim)
    return float(weights[0] * s + 2 * weights[1] * np.mean(v) + 2 * weights[2] * np.mean(c))


@pytest.mark.parametrize(("n_views", "weights"), [(2, (25.0, 25.0, 1.0)), (3, (1.0, 2.0, 3.0)), (2, (0.0, 0.0, 1.0))])
def test_against_loops(n_views: int, weights: tuple[float, float, float]) -> None:
    z = 0.6 * torch.randn(8 * n_views, 4, generator=torch.Generator().manual_seed(1))
    got = vicreg(z, n_views, invariance=weights[0], variance=weights[1], covariance=weights[2])
    assert got.item() == pytest.approx(by_loops(z.double().numpy(), n_views, weights), rel=1e-5)


def test_a_collapsed_embedding_pays_the_variance_term() -> None:
    assert vicreg(torch.ones(20, 4), variance=25.0).item() == pytest.approx(2 * 25 * (1 - 0.01), rel=1e-5)


def test_wide_independent_equal_views_cost_nothing() -> None:
    z = 100 * torch.eye(4).repeat_interleave(2, dim=0)
    assert vicreg(z, covariance=0.0).item() == pytest.approx(0.0, abs=1e-6)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ConfigError, match="invariance weight must be >= 0"):
        vicreg(torch.ones(4, 2), invariance=math.nan)
    with pytest.raises(InvalidDataError, match="at least 2 events"):
        vicreg(torch.ones(2, 2))


def test_weights_against_loops() -> None:
    z, weights = 0.6 * torch.randn(16, 4, generator=torch.Generator().manual_seed(2)), torch.rand(8) + 0.1
    w = (weights / weights.mean()).double().numpy()
    views = [z[v::2].double().numpy() for v in range(2)]
    s = sum(w[e] * np.mean((views[0][e] - views[1][e]) ** 2) for e in range(8)) / 8
    v, c = [], []
    for view in views:
        mean = sum(w[e] * view[e] for e in range(8)) / 8
        covariance = sum(w[e] * np.outer(view[e] - mean, view[e] - mean) for e in range(8)) / 7
        v.append(np.mean([max(0.0, 1 - math.sqrt(covariance[d, d] + 1e-4)) for d in range(4)]))
        c.append(sum(covariance[a, b] ** 2 for a in range(4) for b in range(4) if a != b) / 4)
    expected = 25 * s + 2 * 25 * np.mean(v) + 2 * np.mean(c)
    assert vicreg(z, weights=weights).item() == pytest.approx(expected, rel=1e-5)
    assert vicreg(z, weights=torch.full((8,), 0.2)).item() == pytest.approx(vicreg(z).item(), rel=1e-5)
