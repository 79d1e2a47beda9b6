"""The network on padded jets with plain torch operations of static structure: what the export formats understand."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from rs3l_gnn.models.edgeconv import DynamicEdgeConv
from rs3l_gnn.models.encoder import Encoder
from rs3l_gnn.models.heads import Tagger

__all__ = ["PaddedEncoder", "PaddedTagger"]


class _PaddedEdgeConv(nn.Module):
    def __init__(self, linear: nn.Linear, k: int) -> None:
        super().__init__()
        own, other = linear.weight.detach().chunk(2, dim=1)
        self.own = nn.Linear(own.shape[1], own.shape[0])
        self.other = nn.Linear(own.shape[1], own.shape[0], bias=False)
        self.own.weight.data = (own - other).clone()
        self.own.bias.data = linear.bias.detach().clone()
        self.other.weight.data = other.clone()
        self.k = k

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        # Double precision, since |x|^2 + |y|^2 - 2 x.y cancels; differences would need a tensor [J, N, N, C].
        y = x.detach().double()
        norm = (y * y).sum(dim=2)
        distance = norm.unsqueeze(2) + norm.unsqueeze(1) - 2.0 * torch.matmul(y, y.transpose(1, 2))
        distance = distance.masked_fill(~valid.unsqueeze(1), float("inf"))
        # k columns more, so that there are k to choose from in every batch.
        more = torch.full_like(distance[:, :, :1], float("inf")).expand(-1, -1, self.k)
        nearest, index = torch.topk(torch.cat([distance, more], dim=2), self.k, dim=2, largest=False)
        own = torch.arange(x.shape[1], device=x.device).view(1, -1, 1)
        index = torch.where(torch.isinf(nearest), own, index)
        c = self.other(x)
        best = torch.full_like(c, float("-inf"))
        # Neighbours eight at a time: all at once would be an edge tensor, one by one a long graph.
        for rank in range(0, self.k, 8):
            some = index[:, :, rank : rank + 8]
            rows = some.reshape(some.shape[0], -1).unsqueeze(2).expand(-1, -1, c.shape[2])
            seen = torch.gather(c, 1, rows).reshape(c.shape[0], c.shape[1], -1, c.shape[2])
            best = torch.maximum(best, seen.amax(dim=2))
        return nn.functional.elu(self.own(x) + best)


class PaddedEncoder(nn.Module):
    """An encoder for padded jets.

    Args:
        encoder: its weights are copied.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        config = encoder.config
        self.particle = encoder.particle
        if config.backbone == "edgeconv":
            edges = [cast("nn.Sequential", cast("DynamicEdgeConv", layer).nn) for layer in encoder.layers]
            self.layers = nn.ModuleList(_PaddedEdgeConv(cast("nn.Linear", edge[0]), config.k) for edge in edges)
        else:
            self.layers = encoder.layers
        self.output = encoder.output

    def forward(self, features: Tensor, valid: Tensor) -> Tensor:
        """Embed jets.

        Args:
            features: the encoder's inputs [n_jets, n, C], any finite number in padding.
            valid: True = real particle, False = padding [n_jets, n].

        Returns:
            Embeddings [n_jets, dim], not normalised.
        """
        h = self.particle(features)
        for layer in self.layers:
            h = layer(h, valid)
        # TorchScript reads this source, and takes a comment on a type for one of its own.
        z: Tensor = self.output(h.masked_fill(~valid.unsqueeze(2), 0.0).sum(dim=1))
        return z


class PaddedTagger(nn.Module):
    """A tagger for padded jets, giving probabilities.

    Args:
        tagger: its weights are copied.
    """

    def __init__(self, tagger: Tagger) -> None:
        super().__init__()
        self.encoder = PaddedEncoder(tagger.encoder)
        self.mlp = tagger.head.mlp
        self.binary = tagger.head.config.n_classes == 1

    def forward(self, features: Tensor, valid: Tensor) -> Tensor:
        """Probabilities [n_jets], or [n_jets, n_classes], of jets as for :class:`PaddedEncoder`."""
        logits = self.mlp(nn.functional.normalize(self.encoder(features, valid), dim=1))
        return torch.sigmoid(logits).squeeze(1) if self.binary else torch.softmax(logits, dim=1)
