"""The network on padded jets, as the export formats have it, against the ragged one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from rs3l_gnn.models import Encoder, Head, HeadConfig
from rs3l_gnn.models.padded import PaddedTagger
from rs3l_gnn.models.ragged import pad


@pytest.mark.parametrize("backbone", ["edgeconv", "transformer"])
def test_padding_changes_nothing(
    backbone: str, make_encoder: Callable[..., Encoder], make_jets: Callable[..., Any]
) -> None:
    encoder = make_encoder(backbone=backbone, width=16, layers=2).double()
    features, offsets = make_jets()
    x, cuts = torch.from_numpy(features).double(), torch.from_numpy(offsets)
    padded, valid = pad(x, cuts)
    padded[~valid] = torch.randn(int((~valid).sum()), 15, dtype=torch.float64) * 100
    wider = torch.cat([padded, torch.ones(len(padded), 3, 15, dtype=torch.float64)], dim=1)
    more = torch.cat([valid, torch.zeros(len(valid), 3, dtype=torch.bool)], dim=1)
    with torch.no_grad():
        expected, network = encoder(x, cuts), encoder.padded()
        for inputs, mask in ((padded, valid), (wider, more)):
            assert torch.allclose(network(inputs, mask), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("n_classes", [1, 3])
def test_tagger(n_classes: int, make_encoder: Callable[..., Encoder], make_jets: Callable[..., Any]) -> None:
    encoder, head = make_encoder(width=16, layers=1), Head(HeadConfig(hidden=(5,), n_classes=n_classes))
    features, offsets = make_jets()
    padded, valid = pad(torch.from_numpy(features), torch.from_numpy(offsets))
    with torch.no_grad():
        p = PaddedTagger(encoder.padded(), head.mlp, head.config)(padded, valid).numpy()
        logits = head(encoder(torch.from_numpy(features), torch.from_numpy(offsets))).double().numpy()
    odds = np.exp(logits)
    expected = odds / (1 + odds) if n_classes == 1 else odds / odds.sum(axis=1, keepdims=True)
    assert np.allclose(p, expected, atol=1e-6)
