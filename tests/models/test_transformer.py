"""Attention layers."""

from __future__ import annotations

import torch

from rs3l_gnn.models.transformer import AttentionLayer, attend


def test_padding_and_other_jets_do_not_matter() -> None:
    torch.manual_seed(0)
    layers = torch.nn.ModuleList([AttentionLayer(16, 4) for _ in range(2)]).double()
    h = torch.randn(12, 16, dtype=torch.float64)
    offsets = torch.tensor([0, 3, 3, 10, 12])
    out = attend(layers, h, offsets)
    for first, last in ((0, 3), (3, 10), (10, 12)):
        alone = attend(layers, h[first:last], torch.tensor([0, last - first]))
        assert torch.allclose(out[first:last], alone, rtol=0, atol=1e-13)


def test_equals_softmax_by_hand() -> None:
    torch.manual_seed(1)
    layer = AttentionLayer(8, 2).double()
    x = torch.randn(1, 5, 8, dtype=torch.float64)
    query, key, value = layer.project(layer.norm(x))[0].chunk(3, dim=1)
    seen = []
    for head in (slice(0, 4), slice(4, 8)):
        weight = torch.softmax(query[:, head] @ key[:, head].T / 4**0.5, dim=1)
        seen.append(weight @ value[:, head])
    y = x[0] + layer.merge(torch.cat(seen, dim=1))
    expected = y + layer.network(y)
    assert torch.allclose(layer(x, torch.ones(1, 5, dtype=torch.bool))[0], expected, rtol=0, atol=1e-12)


def test_jet_without_particles_gives_numbers() -> None:
    layer = AttentionLayer(8, 2)
    out = layer(torch.zeros(2, 3, 8), torch.tensor([[True, True, False], [False] * 3]))
    assert torch.isfinite(out).all()
    assert attend(torch.nn.ModuleList([layer]), torch.zeros(0, 8), torch.tensor([0, 0])).shape == (0, 8)
