"""EdgeConv encoders for export: padded jets in, the work on real particles alone, no tensor of edges.

Only distances are padded, [n_jets, n, n]. Everything else has one row for each particle, which half of the places in a
padded batch are not. Operations have a static structure; ONNX knows all of them. ``index_select`` is called as a
method, since torch_geometric replaces the function by one that TorchScript cannot read.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rs3l_gnn.models.padded import PaddedNetwork

__all__ = ["UnpaddedEdgeConv", "UnpaddedNetwork"]


class UnpaddedEdgeConv(nn.Module):
    """An EdgeConv layer with ELU on the particles of padded jets.

    Args:
        linear: of the layer; its weights are copied.
        k: neighbours.

    Attributes:
        together: neighbours that are gathered at once: all would be an edge tensor, one by one a long graph with much
            traffic.
    """

    def __init__(self, linear: nn.Linear, k: int) -> None:
        super().__init__()
        own, other = linear.weight.detach().chunk(2, dim=1)
        self.own = nn.Linear(own.shape[1], own.shape[0])
        self.other = nn.Linear(own.shape[1], own.shape[0], bias=False)
        self.own.weight.data = (own - other).clone()
        self.own.bias.data = linear.bias.detach().clone()
        self.other.weight.data = other.clone()
        self.k, self.together = k, 8

    def forward(self, h: Tensor, valid: Tensor, place: Tensor, row: Tensor) -> Tensor:
        """Update particles.

        Args:
            h: particles, of which the first is none [1 + n_particles, C].
            valid: True = real particle [n_jets, n].
            place: of each particle in the padded batch [1 + n_particles].
            row: of h for each place in the padded batch, 0 for padding [n_jets * n].
        """
        near = self.neighbours(h.detach().double(), valid, place, row)
        c = self.other(h)
        best = self.largest(c, near[:, : self.together])
        for rank in range(self.together, self.k, self.together):
            best = torch.maximum(best, self.largest(c, near[:, rank : rank + self.together]))
        return nn.functional.elu(self.own(h) + best)

    def neighbours(self, y: Tensor, valid: Tensor, place: Tensor, row: Tensor) -> Tensor:
        """Rows of the k nearest particles [1 + n_particles, k]; its own where the jet has no more."""
        # Double precision, since |x|^2 + |y|^2 - 2 x.y cancels; differences would need a tensor [J, N, N, C]. The own
        # square is the same for all of a particle's distances.
        n_jets, n = valid.shape[0], valid.shape[1]
        padded = y.index_select(0, row).reshape(n_jets, n, y.shape[1])
        square = (y * y).sum(dim=1).index_select(0, row).reshape(n_jets, 1, n)
        square = square.masked_fill(~valid.unsqueeze(1), float("inf"))
        distance = (square - 2.0 * torch.matmul(padded, padded.transpose(1, 2))).flatten(0, 1)
        distance = distance.index_select(0, place)
        # k columns more, so that there are k to choose from in every batch.
        more = torch.full([distance.shape[0], self.k], float("inf"), dtype=distance.dtype, device=distance.device)
        nearest, index = torch.topk(torch.cat([distance, more], dim=1), self.k, dim=1, largest=False, sorted=False)
        first = torch.div(place, n, rounding_mode="floor") * n
        found = (index.clamp(max=n - 1) + first.unsqueeze(1)).reshape(-1)
        own = torch.arange(y.shape[0], device=y.device).unsqueeze(1)
        return torch.where(torch.isinf(nearest), own, row.index_select(0, found).reshape(-1, self.k))

    def largest(self, c: Tensor, near: Tensor) -> Tensor:
        """Largest of the rows of c that are near each particle [1 + n_particles, C]."""
        seen = c.index_select(0, near.reshape(-1)).reshape(near.shape[0], -1, c.shape[1])
        return seen.amax(dim=1)


class UnpaddedNetwork(PaddedNetwork):
    """The same for layers of (h [1 + n_particles, width], valid, place, row), such as :class:`UnpaddedEdgeConv`."""

    def forward(self, features: Tensor, valid: Tensor) -> Tensor:
        """Embed jets, as :meth:`PaddedNetwork.forward`."""
        n_jets, n = valid.shape[0], valid.shape[1]
        real = valid.reshape(-1)
        place = real.nonzero().squeeze(1)
        # One row that is no particle, so that there is one in a batch of empty jets.
        place = torch.cat([place.new_zeros(1), place])
        row = real.long().cumsum(0) * real.long()
        h = self.particle(features.reshape(n_jets * n, features.shape[2]).index_select(0, place))
        for layer in self.layers:
            h = layer(h, valid, place, row)
        padded = h.index_select(0, row).reshape(n_jets, n, h.shape[1])
        # TorchScript reads this source, and takes a comment on a type for one of its own.
        z: Tensor = self.output(padded.masked_fill(~valid.unsqueeze(2), 0.0).sum(dim=1))
        return z
