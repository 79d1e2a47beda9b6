"""Layers on the kernels against torch's own in double precision: values, gradients, and which networks factorise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rs3l_gnn.models.differentiable import apply_layers, factors, runs_on_kernels

OFFSETS = torch.tensor([0, 3, 3, 700, 760])  # the third jet is larger than a chunk


def _modules() -> tuple[nn.Linear, nn.Linear, nn.Sequential]:
    torch.manual_seed(0)
    return nn.Linear(5, 9).double(), nn.Linear(9, 7).double(), nn.Sequential(nn.Linear(14, 6), nn.ELU()).double()


def _by_edges(x: Tensor, k: int) -> Tensor:
    """Particles of all jets after the three layers, with one row for every edge."""
    first, second, network = _modules()
    h = nn.functional.elu(second(nn.functional.elu(first(x))))
    parts = []
    for begin, end in itertools.pairwise(OFFSETS.tolist()):
        y = h[begin:end]
        near = (y[:, None] - y[None]).square().sum(dim=2).argsort(dim=1, stable=True)[:, :k]
        centre = y[:, None].expand(-1, near.shape[1], -1)
        if len(y):
            parts.append(network(torch.cat([centre, y[near] - centre], dim=2)).amax(dim=1))
    return torch.cat(parts)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("jets", [False, True])
def test_values_and_gradients(jets: bool, threads: int) -> None:
    first, second, network = _modules()
    parameters = [*first.parameters(), *second.parameters(), *network.parameters()]
    x = torch.randn(760, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    ours = apply_layers([first, second, (network, 4)], x, OFFSETS, jets=jets, threads=threads)
    expected = _by_edges(x, 4)
    if jets:
        pairs = itertools.pairwise(OFFSETS.tolist())
        expected = torch.stack([expected[begin:end].sum(dim=0) for begin, end in pairs])
    assert torch.allclose(ours, expected, rtol=0, atol=1e-10)
    (g_ours,) = torch.autograd.grad(ours.sin().sum(), x, retain_graph=True)
    (g_expected,) = torch.autograd.grad(expected.sin().sum(), x)
    assert torch.allclose(g_ours, g_expected, rtol=0, atol=1e-11)
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(ours.sin().sum(), parameters))
    with torch.no_grad():
        assert torch.equal(apply_layers([first, second, (network, 4)], x, OFFSETS, jets=jets, threads=threads), ours)


def test_what_the_loops_handle() -> None:
    assert runs_on_kernels(torch.zeros(1))
    assert runs_on_kernels(torch.zeros(1, dtype=torch.float64))
    assert not runs_on_kernels(torch.zeros(1, dtype=torch.bfloat16))
    assert not runs_on_kernels(torch.zeros(1, device="meta"))
    assert factors(nn.Sequential(nn.Linear(2, 3), nn.ELU()))
    assert not factors(nn.Sequential(nn.Linear(2, 3), nn.Tanh()))


def test_second_derivatives_are_refused() -> None:
    first, second, network = _modules()
    x = torch.randn(10, 5, dtype=torch.float64).requires_grad_()
    out = apply_layers([first, second, (network, 2)], x, torch.tensor([0, 10]), jets=True)
    (gradient,) = torch.autograd.grad(out.square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()  # type: ignore[no-untyped-call]  # torch
    assert np.isfinite(gradient.detach().numpy()).all()


def test_networks_that_factorise() -> None:
    linear = nn.Linear(8, 6)
    assert all(factors(nn.Sequential(linear, act)) for act in (nn.ELU(), nn.ELU(0.0), nn.ReLU(), nn.LeakyReLU(0.0)))
    other = [linear, nn.Sequential(linear), nn.Sequential(linear, nn.GELU()), nn.Sequential(nn.Linear(7, 6), nn.ReLU())]
    assert not any(factors(network) for network in other)
    falling = [nn.Sequential(linear, nn.ELU(-1.0)), nn.Sequential(linear, nn.LeakyReLU(-0.1))]
    assert not any(factors(network) for network in falling)
