"""Dense layers against plain numpy, and networks of them against torch's own layers, in double precision."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from rs3l_gnn.models.differentiable import dense_network
from rs3l_gnn.models.kernels.dense import dense_forward
from rs3l_gnn.models.kernels.elementwise import ELU, LEAKY_RELU
from rs3l_gnn.models.kernels.products import panels_of

Real = Any


def _activated(v: NDArray[Any], bias: NDArray[Any], kind: int, slope: float) -> NDArray[Any]:
    """Bias and activation of a layer whose product is v [n, 16]."""
    out = np.empty_like(v)
    dense_forward(v, panels_of(np.eye(16, dtype=v.dtype)), bias, kind, v.dtype.type(slope), out)
    return out


@pytest.mark.parametrize(("real", "tolerance"), [(np.float32, 2e-7), (np.float64, 1e-15)])
@pytest.mark.parametrize("slope", [1.0, 0.3])
def test_elu_and_bias(real: Real, tolerance: float, slope: float) -> None:
    x = np.concatenate([np.linspace(-120, 20, 16384), -np.logspace(-12, 1, 4096), [0.0] * 16]).reshape(-1, 16)
    x = x.astype(real)
    bias = np.linspace(-0.5, 0.5, 16).astype(real)
    v = (x + bias).astype(np.float64)
    expected = np.where(v > 0, v, real(slope) * np.expm1(np.minimum(v, 0)))
    found = _activated(x, bias, ELU, slope)
    assert np.abs(found - expected).max() <= tolerance * 20
    small = np.abs(expected) < 1
    assert (np.abs(found - expected)[small] <= tolerance * np.maximum(np.abs(expected[small]), 1e-30)).all()


@pytest.mark.parametrize("slope", [0.0, 0.2, 1.0])
def test_leaky_relu_and_bias(slope: float) -> None:
    x, bias = np.random.default_rng(0).normal(size=(500, 16)), np.linspace(-1, 1, 16)
    v = x + bias
    assert np.array_equal(_activated(x, bias, LEAKY_RELU, slope), np.where(v > 0, v, slope * v))


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
