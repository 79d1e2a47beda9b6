"""Embeddings of two parts: one that views of an event share, and one that is free to differ."""

from __future__ import annotations

import torch
from torch import nn

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.models import Encoder
from rs3l_gnn.training.recipe_config import FreePartConfig

__all__ = ["scale_free_part"]

_PARTICLES = (3, 1, 7)  # of the jets that the change is tried on


def scale_free_part(encoder: Encoder, settings: FreePartConfig) -> None:
    """Multiply the free part of an encoder's embeddings by a factor, in its weights.

    A head sees the direction of the whole: with the factor 0 that of the invariant part alone, with 1 both.

    Args:
        encoder: its last linear layer is changed in place.
        settings: which part, and the factor.

    Raises:
        ConfigError: the embedding has no such part, or does not come out of a linear layer.
    """
    dim = encoder.config.dim
    if settings.begins >= dim:
        raise ConfigError("free_part.begins lies behind the end of the embedding", got=settings.begins, allowed=dim - 1)
    counts = torch.tensor([0, *_PARTICLES]).cumsum(0)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        x = torch.randn(int(counts[-1]), len(encoder.config.features))
        wanted = encoder.network(x, counts).clone()
        wanted[:, settings.begins :] *= settings.factor
        linears = [layer for layer in encoder.modules() if isinstance(layer, nn.Linear) and layer.out_features == dim]
        if linears:
            linears[-1].weight[settings.begins :] *= settings.factor
            linears[-1].bias[settings.begins :] *= settings.factor
        if not torch.allclose(encoder.network(x, counts), wanted, rtol=1e-4, atol=1e-6 * float(wanted.abs().max())):
            raise ConfigError(
                f"the embedding of the backbone {encoder.config.backbone!r} does not come out of a linear layer, so "
                "that its free part cannot be scaled",
                hint="leave free_part out",
            )
