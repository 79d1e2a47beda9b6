"""EdgeConv on the particles of padded jets, against loops over edges."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from rs3l_gnn.models.unpadded import UnpaddedEdgeConv, UnpaddedNetwork

K = 3
COUNTS = (5, 0, 2, 3, 4)


def _network() -> tuple[nn.Linear, nn.Linear, nn.Linear]:
    torch.manual_seed(0)
    return nn.Linear(2, 4).double(), nn.Linear(8, 6).double(), nn.Linear(6, 2).double()


def _by_edges(features: torch.Tensor, counts: tuple[int, ...]) -> torch.Tensor:
    first, edge, output = _network()
    jets = []
    for jet, count in enumerate(counts):
        h = first(features[jet, :count])
        total = torch.zeros(6, dtype=torch.float64)
        for i in range(count):
            near = sorted(range(count), key=lambda j: float(((h[i] - h[j]) ** 2).sum()))[:K]  # used at once
            messages = [nn.functional.elu(edge(torch.cat([h[i], h[j] - h[i]]))) for j in near]
            total = total + torch.stack(messages).amax(dim=0)
        jets.append(output(total))
    return torch.stack(jets)


@pytest.mark.parametrize("counts", [COUNTS, (0, 0), (1,)])
@pytest.mark.parametrize("width", [5, 9])
def test_equals_loops_over_edges(counts: tuple[int, ...], width: int) -> None:
    first, edge, output = _network()
    network = UnpaddedNetwork(first, nn.ModuleList([UnpaddedEdgeConv(edge, K).double()]), output)
    features = torch.randn(len(counts), width, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    valid = torch.arange(width)[None] < torch.tensor(counts)[:, None]
    with torch.no_grad():
        assert torch.allclose(network(features, valid), _by_edges(features, counts), rtol=0, atol=1e-12)
