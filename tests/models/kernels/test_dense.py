"""Dense networks against torch's own layers in double precision."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from rs3l_gnn.models.differentiable import dense_network


def _network(activation: type[nn.Module], sizes: tuple[int, ...]) -> nn.Sequential:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), activation()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("activation", [nn.ELU, nn.ReLU])
@pytest.mark.parametrize("sizes", [(9, 4), (128, 64, 32, 8), (5, 33, 1)])
def test_equals_the_layers(activation: type[nn.Module], sizes: tuple[int, ...]) -> None:
    network = _network(activation, sizes)
    x = torch.randn(41, sizes[0])
    with torch.no_grad():
        ours = torch.from_numpy(dense_network(network)(x.numpy()))
        expected = network.double()(x.double())
    assert ours.shape == expected.shape
    assert torch.allclose(ours.double(), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("n_classes", [1, 3])
def test_probabilities_of_the_direction(n_classes: int) -> None:
    network = _network(nn.ReLU, (8, 6, n_classes))
    z = torch.randn(10, 8) * 1e9
    z[3] = 0
    before = z.clone()
    with torch.no_grad():
        ours = torch.from_numpy(dense_network(network).probabilities(z.numpy()))
        unit = before.double() / before.double().norm(dim=1, keepdim=True).clamp(min=1e-12)
        logits = network.double()(unit)
    expected = 1 / (1 + (-logits).exp()) if n_classes == 1 else logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    assert torch.equal(z, before)
    assert torch.allclose(ours.double(), expected, rtol=0, atol=1e-6)
