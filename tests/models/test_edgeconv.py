"""EdgeConv against torch_geometric's, with the neighbours of a loop over particles."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import EdgeConv

from rs3l_gnn.conventions import ConfigError, InvalidDataError
from rs3l_gnn.models import DynamicEdgeConv

ACTIVATIONS = {
    "elu": nn.ELU(),
    "elu-half": nn.ELU(alpha=0.5),
    "relu": nn.ReLU(),
    "leaky": nn.LeakyReLU(0.2),
}


def edges_by_loops(x: Tensor, offsets: Tensor, k: int) -> Tensor:
    """Edges j -> i of the k nearest j of every i, itself included [2, n_edges]."""
    edges = []
    for first, last in itertools.pairwise(offsets.tolist()):
        for i in range(first, last):
            distance = (x[first:last] - x[i]).square().sum(dim=1)
            nearest = distance.argsort(stable=True)[:k] + first
            edges += [(int(j), i) for j in nearest]
    return torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T


def network(c_in: int, c_out: int, activation: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2 * c_in, c_out), activation).double()


def assert_same(conv: DynamicEdgeConv, x: Tensor, offsets: Tensor) -> None:
    """Values and all gradients equal those of torch_geometric's EdgeConv to 1e-12."""
    reference: Any = EdgeConv(nn.Identity(), aggr=conv.aggr)
    reference.nn = conv.nn  # not through the constructor, which would draw new weights for it
    weights = torch.linspace(-1, 2, 1 if not len(x) else len(x), dtype=torch.float64)[:, None]
    results = []
    ours_and_theirs: tuple[Any, Any] = (
        lambda y: conv(y, ptr=offsets),
        lambda y: reference(y, edges_by_loops(y.detach(), offsets, conv.k)),
    )
    for forward in ours_and_theirs:
        y = x.clone().requires_grad_()
        out = forward(y)
        gradients = torch.autograd.grad((out * weights[: len(x)]).sin().sum(), [y, *conv.parameters()])
        results.append((out.detach(), *gradients))
    for ours, theirs in zip(*results, strict=True):
        scale = max(1.0, float(theirs.abs().max())) if theirs.numel() else 1.0
        assert ours.shape == theirs.shape
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("k", [1, 2, 8, 24, 40])
def test_factorised_path_equals_torch_geometric(activation: str, k: int) -> None:
    torch.manual_seed(k)
    counts = [0, 1, 2, k, k + 1, 7, 41, 0, 63, 64, 65]
    offsets = torch.tensor([0, *np.cumsum(counts)])
    conv = DynamicEdgeConv(network(5, 9, ACTIVATIONS[activation]), k=k)
    assert conv.factorised
    assert_same(conv, torch.randn(int(offsets[-1]), 5, dtype=torch.float64), offsets)


@pytest.mark.slow
@pytest.mark.parametrize("k", range(1, 41))
def test_factorised_path_equals_torch_geometric_at_every_multiplicity(k: int) -> None:
    torch.manual_seed(k)
    offsets = torch.arange(151).cumsum(0)
    offsets = torch.cat([offsets.new_zeros(1), offsets])
    conv = DynamicEdgeConv(network(16, 24, nn.ELU()), k=k)
    assert_same(conv, torch.randn(int(offsets[-1]), 16, dtype=torch.float64), offsets)


def test_large_jet_and_many_channels() -> None:
    torch.manual_seed(0)
    offsets = torch.tensor([0, 150, 150, 390])
    conv = DynamicEdgeConv(network(128, 128, nn.ELU()), k=24)
    assert_same(conv, torch.randn(390, 128, dtype=torch.float64), offsets)


@pytest.mark.parametrize(
    ("make", "aggr"),
    [
        (lambda: nn.Sequential(nn.Linear(8, 6), nn.GELU()), "max"),
        (lambda: nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 6)), "max"),
        (lambda: nn.Sequential(nn.Linear(8, 6), nn.ELU()), "mean"),
        (lambda: nn.Sequential(nn.Linear(8, 6), nn.ELU()), "add"),
        (lambda: nn.Sequential(nn.Linear(8, 6), nn.ELU()), "sum"),
        (lambda: nn.Sequential(nn.Linear(8, 6), nn.ELU()), "min"),
        (lambda: nn.Sequential(nn.Linear(8, 6), nn.LeakyReLU(-0.1)), "max"),
        (lambda: nn.Sequential(nn.Linear(8, 6), nn.ELU(alpha=-1.0)), "max"),
    ],
)
def test_general_path_equals_torch_geometric(make: Callable[[], nn.Sequential], aggr: str) -> None:
    torch.manual_seed(
        1
    )  # of the weights, too: where no hidden neuron is awake, all edges tie, and the gradient is anyone's
    offsets = torch.tensor([0, 0, 1, 3, 12, 40])
    conv = DynamicEdgeConv(make().double(), k=5, aggr=aggr)
    assert not conv.factorised
    assert_same(conv, torch.randn(40, 4, dtype=torch.float64), offsets)


def test_path_without_kernels_gives_the_same_numbers_and_gradients() -> None:
    torch.manual_seed(2)
    offsets = torch.tensor([0, 30, 31, 31, 90])
    x = torch.randn(90, 16, dtype=torch.float64)
    conv = DynamicEdgeConv(network(16, 16, nn.ELU()), k=7)
    results = []
    for forward in (conv.forward, conv.forward_with_torch):
        y = x.clone().requires_grad_()
        out = forward(y, ptr=offsets)
        results.append((out.detach(), *torch.autograd.grad(out.cos().sum(), [y, *conv.parameters()])))
    for kernels, plain in zip(*results, strict=True):
        assert torch.allclose(kernels, plain, rtol=0, atol=1e-12)


def test_batch_vector_pair_and_single_jet() -> None:
    torch.manual_seed(3)
    conv = DynamicEdgeConv(network(4, 6, nn.ReLU()), k=3)
    x = torch.randn(11, 4, dtype=torch.float64)
    offsets = torch.tensor([0, 5, 5, 11])
    batch = torch.tensor([0] * 5 + [2] * 6)
    expected = conv(x, ptr=offsets)
    assert torch.equal(conv(x, batch), expected)
    assert torch.equal(conv((x, x), (batch, batch)), expected)
    assert torch.equal(conv(x), conv(x, ptr=torch.tensor([0, 11])))
    assert conv(x[:0]).shape == (0, 6)


def test_ties_do_not_depend_on_the_order() -> None:
    """A square grid: every inner point has four neighbours at the same distance, of which k = 3 takes two."""
    torch.manual_seed(4)
    grid = torch.tensor([[float(i), float(j)] for i in range(6) for j in range(6)])
    conv = DynamicEdgeConv(nn.Sequential(nn.Linear(4, 8), nn.ELU()), k=3)
    out = conv(grid)
    for seed in range(5):
        order = torch.from_numpy(np.random.default_rng(seed).permutation(36))
        assert torch.equal(conv(grid[order]), out[order])


def test_equal_particles() -> None:
    torch.manual_seed(5)
    conv = DynamicEdgeConv(network(3, 4, nn.ELU()), k=6)
    x = torch.randn(1, 3, dtype=torch.float64).repeat(30, 1).requires_grad_()
    alone = conv(x[:1])
    out = conv(x)
    assert torch.allclose(out, alone.expand(30, 4), atol=1e-14)
    # Gradients of a maximum among equals go to one of them: their sum is what counts.
    (gradient,) = torch.autograd.grad(out.sum(), x)
    (single,) = torch.autograd.grad(alone.sum(), x)
    assert torch.allclose(gradient.sum(dim=0), 30 * single.sum(dim=0), atol=1e-12)


def test_wrong_arguments_are_named() -> None:
    module = nn.Sequential(nn.Linear(4, 2), nn.ELU())
    with pytest.raises(ConfigError, match="k must be at least 1; got 0"):
        DynamicEdgeConv(module, k=0)
    with pytest.raises(ConfigError, match=r"'median'.*allowed: max, min, mean, add, sum"):
        DynamicEdgeConv(module, k=3, aggr="median")
    conv = DynamicEdgeConv(module, k=3)
    with pytest.raises(InvalidDataError, match=r"got \(3,\)"):
        conv(torch.zeros(3))
    with pytest.raises(InvalidDataError, match="jet 1"):
        conv(torch.zeros(5, 2), ptr=torch.tensor([0, 4, 2, 5]))
    with pytest.raises(InvalidDataError, match="rising"):
        conv(torch.zeros(3, 2), torch.tensor([0, 2, 1]))
    with pytest.raises(InvalidDataError, match="3 channels"):
        conv(torch.zeros(3, 3))


def test_new_weights() -> None:
    conv = DynamicEdgeConv(network(3, 4, nn.ELU()), k=2)
    before = conv.state_dict()["nn.0.weight"].clone()
    conv.reset_parameters()
    assert not torch.equal(conv.state_dict()["nn.0.weight"], before)
