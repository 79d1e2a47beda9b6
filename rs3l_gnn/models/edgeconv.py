"""Dynamic EdgeConv (arXiv:1801.07829, eq. 7 and section 3.2) on ragged batches, without edges where possible."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rs3l_gnn.conventions import ConfigError, InvalidDataError
from rs3l_gnn.models.knn import neighbours

__all__ = ["DynamicEdgeConv"]

_MONOTONE = (nn.ELU, nn.ReLU, nn.LeakyReLU)
_AGGREGATIONS = ("max", "min", "mean", "add", "sum")


class DynamicEdgeConv(nn.Module):
    """EdgeConv whose neighbours are the k nearest particles of the layer's own input.

    ``x_i' = aggr_j nn([x_i, x_j - x_i])``, with j over the k nearest particles of the same jet, i itself included.
    A drop-in for ``torch_geometric.nn.DynamicEdgeConv`` with no compiled companion package.

    With ``nn = Linear, ELU | ReLU | LeakyReLU`` and ``aggr="max"`` the layer factorises exactly: with the weight cut
    into ``[U, V]``, ``nn`` gives ``act((U - V) x_i + b + V x_j)``, and an increasing ``act`` commutes with the
    maximum, so two matrix products a particle replace k of them and no edge tensor exists.

    Args:
        nn: network on the pairs, [n_edges, 2 C_in] -> [n_edges, C_out].
        k: neighbours of each particle, itself included.
        aggr: "max", "min", "mean", "add" or "sum".

    Raises:
        ConfigError: k below 1 or an unknown aggregation.
    """

    def __init__(self, nn: Callable[[Tensor], Tensor], k: int, aggr: str = "max") -> None:
        super().__init__()
        if k < 1:
            raise ConfigError("k must be at least 1", got=k)
        if aggr not in _AGGREGATIONS:
            raise ConfigError("unknown aggregation", got=repr(aggr), allowed=_AGGREGATIONS)
        self.nn = nn
        self.k = k
        self.aggr = aggr

    @property
    def factorised(self) -> bool:
        """Whether the layer takes the path without edges."""
        return self.aggr == "max" and _factors(self.nn)

    def forward(self, x: Tensor, batch: Tensor | None = None, *, ptr: Tensor | None = None) -> Tensor:
        """Update the particles.

        Args:
            x: particles [n_particles, C_in].
            batch: jet of each particle in rising order [n_particles]; None is one jet.
            ptr: instead of ``batch``, first particle of each jet [n_jets + 1].

        Returns:
            Particles [n_particles, C_out].
        """
        offsets = _offsets(x, batch, ptr)
        index, valid = neighbours(x, offsets, self.k)
        if self.factorised:
            return self._forward_factorised(x, index)
        return self._forward_edges(x, index, valid)

    def _forward_factorised(self, x: Tensor, index: Tensor) -> Tensor:
        linear, activation = self.nn[0], self.nn[1]  # type: ignore[index]  # a Sequential, see _factors
        own, other = linear.weight.chunk(2, dim=1)
        a = nn.functional.linear(x, own - other, linear.bias)
        c = nn.functional.linear(x, other)
        best = c
        for column in index.T:
            best = torch.maximum(best, c[column])
        out: Tensor = activation(a + best)
        return out

    def _forward_edges(self, x: Tensor, index: Tensor, valid: Tensor) -> Tensor:
        centre, rank = valid.nonzero(as_tuple=True)
        x_i, x_j = x[centre], x[index[centre, rank]]
        message = self.nn(torch.cat([x_i, x_j - x_i], dim=1))
        reduce = {"max": "amax", "min": "amin", "mean": "mean"}.get(self.aggr, "sum")
        out = message.new_zeros((len(x), *message.shape[1:]))
        where = centre.view(-1, *[1] * (message.dim() - 1)).expand_as(message)
        return out.scatter_reduce(0, where, message, reduce, include_self=False)

    def extra_repr(self) -> str:
        return f"k={self.k}, aggr={self.aggr!r}"


def _factors(module: object) -> bool:
    if not isinstance(module, nn.Sequential) or len(module) != 2:
        return False
    linear, activation = module
    if type(linear) is not nn.Linear or type(activation) not in _MONOTONE:
        return False
    # A negative slope or alpha makes the activation fall below zero.
    return getattr(activation, "negative_slope", 0.0) >= 0 and getattr(activation, "alpha", 0.0) >= 0


def _offsets(x: Tensor, batch: Tensor | None, ptr: Tensor | None) -> Tensor:
    if x.dim() != 2:
        raise InvalidDataError("particles must have shape [n_particles, C]", got=tuple(x.shape))
    if ptr is not None:
        return ptr
    if batch is None:
        return torch.tensor([0, len(x)], device=x.device)
    counts = torch.bincount(batch) if len(batch) else batch.new_zeros(0)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])
