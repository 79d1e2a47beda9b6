"""NT-Xent against plain loops and by hand."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from rs3l_gnn.conventions import ConfigError, InvalidDataError
from rs3l_gnn.training.losses import nt_xent


def cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def by_loops(z: NDArray[np.float64], n_views: int, temperature: float) -> float:
    terms = []
    for i in range(len(z)):
        for j in range(len(z)):
            if i == j or i // n_views != j // n_views:
                continue
            positive = math.exp(cosine(z[i], z[j]) / temperature)
            negative = sum(
                math.exp(cosine(z[i], z[k]) / temperature) for k in range(len(z)) if k // n_views != i // n_views
            )
            terms.append(-math.log(positive / (positive + negative)))
    return sum(terms) / len(terms)


def embeddings(n: int, dim: int = 5, seed: int = 1) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)


@pytest.mark.parametrize(("n_events", "n_views", "temperature"), [(2, 2, 0.1), (7, 2, 0.5), (5, 3, 0.1), (4, 4, 1.0)])
def test_against_loops(n_events: int, n_views: int, temperature: float) -> None:
    z = embeddings(n_events * n_views)
    assert nt_xent(z, n_views, temperature).item() == pytest.approx(
        by_loops(z.double().numpy(), n_views, temperature), rel=1e-5
    )


def test_by_hand() -> None:
    """Two events, each with two equal views, at right angles: every pair has similarity 1, every negative 0."""
    z = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [0.0, 1.0]])
    expected = -math.log(math.exp(1 / 0.5) / (math.exp(1 / 0.5) + 2))
    assert nt_xent(z, 2, 0.5).item() == pytest.approx(expected, rel=1e-6)


def test_neighbouring_rows_are_the_pairs() -> None:
    z = embeddings(20)
    paired = torch.stack([z, z], dim=1).reshape(40, -1)
    shifted = paired.roll(1, dims=0)
    assert nt_xent(paired).item() < 1 < nt_xent(shifted).item()


def test_the_length_of_an_embedding_does_not_matter() -> None:
    """The published weights give norms near 1e9."""
    z = embeddings(8)
    assert nt_xent(z * 1e9).item() == pytest.approx(nt_xent(z).item(), rel=1e-5)


def test_a_low_temperature_stays_finite_with_its_gradient() -> None:
    z = embeddings(20).requires_grad_()
    loss = nt_xent(z, temperature=1e-3)
    assert torch.isfinite(loss)
    assert torch.isfinite(torch.autograd.grad(loss, z)[0]).all()


def test_gradient_against_finite_differences() -> None:
    """Differences of the loops in double precision: the loss is in single, where a difference is mostly rounding."""
    z = embeddings(6, dim=3).double().requires_grad_()
    gradient = torch.autograd.grad(nt_xent(z, temperature=0.5), z)[0].numpy()
    step = 1e-4
    for row, column in np.ndindex(*z.shape):
        up, down = z.detach().numpy().copy(), z.detach().numpy().copy()
        up[row, column] += step
        down[row, column] -= step
        slope = (by_loops(up, 2, 0.5) - by_loops(down, 2, 0.5)) / (2 * step)
        assert gradient[row, column] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("temperature", [0.0, -0.1, math.nan, math.inf])
def test_a_bad_temperature_is_refused(temperature: float) -> None:
    with pytest.raises(ConfigError, match="temperature must be > 0"):
        nt_xent(embeddings(4), temperature=temperature)


def test_bad_shapes_are_refused() -> None:
    with pytest.raises(InvalidDataError, match=r"\[n_events \* 2, dim\]"):
        nt_xent(embeddings(5))
    with pytest.raises(InvalidDataError, match="at least 2 events"):
        nt_xent(embeddings(2))
    with pytest.raises(ConfigError, match="at least two of each event"):
        nt_xent(embeddings(4), n_views=1)


def test_weights_against_loops() -> None:
    z, weights = embeddings(12, seed=4), torch.tensor([0.2, 3.0, 1.0, 0.0, 0.7, 2.0])
    v, w = z.double().numpy(), (weights / weights.mean()).tolist()
    above = below = 0.0
    for i, j in ((i, i ^ 1) for i in range(12)):
        positive = math.exp(cosine(v[i], v[j]) / 0.3)
        negative = sum(w[k // 2] * math.exp(cosine(v[i], v[k]) / 0.3) for k in range(12) if k // 2 != i // 2)
        above -= w[i // 2] * math.log(positive / (positive + negative))
        below += w[i // 2]
    assert nt_xent(z, 2, 0.3, weights).item() == pytest.approx(above / below, rel=1e-5)
    assert nt_xent(z, 2, 0.3, torch.full((6,), 0.37)).item() == pytest.approx(nt_xent(z, 2, 0.3).item(), rel=1e-6)


def test_weights_stay_finite_and_negative_ones_are_refused() -> None:
    z = embeddings(6).requires_grad_()
    (gradient,) = torch.autograd.grad(nt_xent(z, 2, 0.3, torch.tensor([0.0, 0.0, 1.0])), z)
    assert torch.isfinite(gradient).all()
    for bad in ([1.0, -1.0, 1.0], [0.0, 0.0, 0.0], [1.0, float("nan"), 1.0]):
        with pytest.raises(InvalidDataError, match=">= 0 and not all zero"):
            nt_xent(z, 2, 0.3, torch.tensor(bad))
    with pytest.raises(InvalidDataError, match="one entry an event"):
        nt_xent(z, 2, 0.3, torch.ones(6))
