"""Layers as the loops take them: padded weights, and which networks factorise."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from rs3l_gnn.models.kernels import edges
from rs3l_gnn.models.kernels.layers import dense_layer, edge_layer, factors, pad_channels


def test_channels_are_padded_with_zeros() -> None:
    multiple = edges.channel_multiple(8)
    x = torch.ones(3, multiple + 1, dtype=torch.float64)
    padded = pad_channels(x, 1)
    assert padded.shape == (3, 2 * multiple)
    assert padded.sum() == x.sum()
    assert torch.equal(padded[:, : multiple + 1], x)
    assert pad_channels(padded, 1) is padded
    assert pad_channels(x, 0).shape == (multiple, multiple + 1)


def test_dense_layer_has_the_weights_of_its_module() -> None:
    linear = nn.Linear(5, 3)
    layer = dense_layer(linear, pad_inputs=False)
    assert torch.equal(layer.weight[:3], linear.weight)
    assert torch.equal(layer.bias[:3], linear.bias)
    assert not layer.weight[3:].any()
    assert dense_layer(linear, pad_inputs=True).weight.shape[1] == edges.channel_multiple(4)


@pytest.mark.parametrize("activation", [nn.ELU(0.5), nn.ReLU(), nn.LeakyReLU(0.2)])
def test_edge_layer_gives_the_messages_of_its_network(activation: nn.Module) -> None:
    """``act(a_i + b + c_j)`` of the two products is the network on [x_i, x_j - x_i], pair by pair."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(8, 6), activation).double()
    layer = edge_layer(network, 3)
    x = torch.randn(7, 4, dtype=torch.float64)
    a, c = (pad_channels(x, 1) @ layer.weight.T).chunk(2, dim=1)
    for i in range(7):
        for j in range(7):
            v = (a[i] + layer.bias + c[j])[:6]
            below = layer.slope * (v.exp() - 1 if layer.kind == edges.ELU else v)
            expected = network(torch.cat([x[i], x[j] - x[i]]))
            assert torch.allclose(torch.where(v > 0, v, below), expected, rtol=0, atol=1e-14)


def test_networks_that_factorise() -> None:
    linear = nn.Linear(8, 6)
    assert all(factors(nn.Sequential(linear, act)) for act in (nn.ELU(), nn.ELU(0.0), nn.ReLU(), nn.LeakyReLU(0.0)))
    other = [linear, nn.Sequential(linear), nn.Sequential(linear, nn.GELU()), nn.Sequential(nn.Linear(7, 6), nn.ReLU())]
    assert not any(factors(network) for network in other)
    falling = [nn.Sequential(linear, nn.ELU(-1.0)), nn.Sequential(linear, nn.LeakyReLU(-0.1))]
    assert not any(factors(network) for network in falling)
