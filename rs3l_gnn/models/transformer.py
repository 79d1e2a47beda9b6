"""Attention layers (arXiv:1706.03762) on ragged batches, the second backbone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rs3l_gnn.models.ragged import pad

__all__ = ["AttentionLayer", "attend"]


class AttentionLayer(nn.Module):
    """Self-attention and a two-layer network, each with a normalisation before and a shortcut around it.

    Args:
        width: channels.
        heads: attention heads, a divisor of the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        # Added to the logits of padding: finite, so that a jet without particles gives numbers, not NaN.
        self.hidden = -1e9
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.network = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """Update particles.

        Args:
            x: particles [n_jets, n, width].
            valid: True = real particle, False = padding [n_jets, n].

        Returns:
            Particles [n_jets, n, width]; rows of padding hold numbers without meaning.
        """
        jets, n, width = x.shape
        parts = self.project(self.norm(x)).view(jets, n, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        hidden = torch.zeros_like(x[:, :, 0]).masked_fill(~valid, self.hidden).unsqueeze(1).unsqueeze(1)
        seen = nn.functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], attn_mask=hidden)
        x = x + self.merge(seen.transpose(1, 2).reshape(jets, n, width))
        out: Tensor = x + self.network(x)
        return out


def attend(layers: nn.ModuleList, h: Tensor, offsets: Tensor) -> Tensor:
    """Run attention layers on ragged particles [n_particles, width] with offsets [n_jets + 1]."""
    if not len(h):
        return h
    padded, valid = pad(h, offsets)
    for layer in layers:
        padded = layer(padded, valid)
    return padded[valid]
