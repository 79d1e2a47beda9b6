"""Backbones by name."""

from __future__ import annotations

import pytest
import torch

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.models import BACKBONES, EdgeConvConfig, TransformerConfig, make_encoder


def test_names_give_their_settings() -> None:
    assert isinstance(BACKBONES.parse({}, where="here"), EdgeConvConfig)
    assert isinstance(BACKBONES.parse({"backbone": "transformer"}, where="here"), TransformerConfig)
    with pytest.raises(ConfigError, match="edgeconv, transformer"):
        BACKBONES.parse({"backbone": "lstm"}, where="here")


@pytest.mark.parametrize("config", [EdgeConvConfig(width=6, layers=2, hidden=(5,), dim=3), TransformerConfig(width=8)])
def test_an_encoder_of_each(config: EdgeConvConfig | TransformerConfig) -> None:
    encoder = make_encoder(config)
    assert encoder.config == config
    z = encoder(torch.zeros(4, 15), torch.tensor([0, 4, 4]))
    assert z.shape == (2, config.dim)


def test_edgeconv_has_the_sizes_of_its_settings() -> None:
    width, layers, hidden, dim = 6, 2, 5, 3
    encoder = make_encoder(EdgeConvConfig(width=width, layers=layers, hidden=(hidden,), dim=dim))
    particle = (15 + 1) * width + (width + 1) * width
    edges = layers * (2 * width + 1) * width
    output = (width + 1) * hidden + (hidden + 1) * dim
    assert sum(p.numel() for p in encoder.parameters()) == particle + edges + output
