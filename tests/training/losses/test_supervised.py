"""Supervised contrastive loss against plain loops."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, InvalidDataError
from rs3l_gnn.training.losses import nt_xent, supervised_contrastive


def by_loops(z: NDArray[np.float64], labels: list[int], n_views: int, temperature: float) -> float:
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    total = 0.0
    for i in range(len(z)):
        denominator = sum(math.exp(z[i] @ z[a] / temperature) for a in range(len(z)) if a != i)
        terms = [
            math.log(math.exp(z[i] @ z[p] / temperature) / denominator)
            for p in range(len(z))
            if p != i
            and (
                p // n_views == i // n_views
                or (labels[i // n_views] >= 0 and labels[p // n_views] == labels[i // n_views])
            )
        ]
        total -= sum(terms) / len(terms)
    return total / len(z)


@pytest.mark.parametrize(("labels", "n_views"), [([0, 1, 0, 2], 2), ([1, 1, 1], 3), ([-1, -1, 0, 0], 2)])
def test_against_loops(labels: list[int], n_views: int) -> None:
    z = torch.randn(len(labels) * n_views, 5, generator=torch.Generator().manual_seed(2))
    got = supervised_contrastive(z, torch.tensor(labels), n_views, temperature=0.3)
    assert got.item() == pytest.approx(by_loops(z.double().numpy(), labels, n_views, 0.3), rel=1e-5)


def test_without_shared_labels_it_is_nt_xent() -> None:
    z = torch.randn(12, 5, generator=torch.Generator().manual_seed(3))
    assert supervised_contrastive(z, torch.arange(6)).item() == pytest.approx(nt_xent(z).item(), rel=1e-6)


def test_the_gradient_is_finite() -> None:
    z = torch.randn(12, 5, generator=torch.Generator().manual_seed(3)).requires_grad_()
    loss = supervised_contrastive(z, torch.tensor([0, 0, 1, 1, -1, -1]))
    assert torch.isfinite(torch.autograd.grad(loss, z)[0]).all()


def test_nonsense_is_refused() -> None:
    with pytest.raises(ConfigError, match="temperature"):
        supervised_contrastive(torch.ones(4, 2), torch.zeros(2), temperature=-1)
    with pytest.raises(InvalidDataError, match="one entry an event"):
        supervised_contrastive(torch.ones(4, 2), torch.zeros(4))


def test_weights_against_loops() -> None:
    z, labels = torch.randn(10, 5, generator=torch.Generator().manual_seed(6)), [0, 1, 0, -1, 1]
    weights = torch.tensor([0.2, 3.0, 1.0, 0.5, 2.0])
    unit, w = z.double().numpy(), (weights / weights.mean()).tolist()
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    total = 0.0
    for i in range(10):
        denominator = sum(w[a // 2] * math.exp(unit[i] @ unit[a] / 0.3) for a in range(10) if a != i)
        same = [
            p
            for p in range(10)
            if p != i and (p // 2 == i // 2 or (labels[p // 2] == labels[i // 2] and labels[i // 2] >= 0))
        ]
        mean = sum(w[p // 2] * math.log(math.exp(unit[i] @ unit[p] / 0.3) / denominator) for p in same)
        total -= w[i // 2] * mean / sum(w[p // 2] for p in same)
    got = supervised_contrastive(z, torch.tensor(labels), 2, 0.3, weights)
    assert got.item() == pytest.approx(total / sum(w[i // 2] for i in range(10)), rel=1e-5)
    plain = supervised_contrastive(z, torch.tensor(labels), 2, 0.3)
    equal = supervised_contrastive(z, torch.tensor(labels), 2, 0.3, torch.full((5,), 3.7))
    assert equal.item() == pytest.approx(plain.item(), rel=1e-6)
