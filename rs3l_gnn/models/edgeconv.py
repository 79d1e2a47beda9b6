"""Dynamic EdgeConv (arXiv:1801.07829, eq. 7 and section 3.2) on ragged batches, without edges where possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from rs3l_gnn.conventions import ConfigError, InvalidDataError, check_offsets
from rs3l_gnn.models.differentiable import apply_layers, factors, runs_on_kernels
from rs3l_gnn.models.geometric import AGGREGATIONS, offsets_of_batch, reduce_edges
from rs3l_gnn.models.knn import neighbours

__all__ = ["DynamicEdgeConv"]


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
        if aggr not in AGGREGATIONS:
            raise ConfigError("unknown aggregation", got=repr(aggr), allowed=AGGREGATIONS)
        self.nn = nn
        self.k = k
        self.aggr = aggr

    @property
    def factorised(self) -> bool:
        """Whether the layer takes the path without edges."""
        return self.aggr == "max" and factors(self.nn)

    def forward(
        self,
        x: Tensor | tuple[Tensor, Tensor],
        batch: Tensor | tuple[Tensor, Tensor] | None = None,
        *,
        ptr: Tensor | None = None,
    ) -> Tensor:
        """Update the particles.

        Args:
            x: particles [n_particles, C_in]; a pair of the same tensor twice is taken too.
            batch: jet of each particle in rising order [n_particles], or a pair; None is one jet.
            ptr: instead of ``batch``, first particle of each jet [n_jets + 1].

        Returns:
            Particles [n_particles, C_out].

        Raises:
            InvalidDataError: wrong shape, or offsets that decrease; the jet is named.
        """
        x, offsets = self._arguments(x, batch, ptr)
        if self.factorised and runs_on_kernels(x):
            return apply_layers([(cast("nn.Sequential", self.nn), self.k)], x, offsets, jets=False)
        return self.forward_with_torch(x, ptr=offsets)

    def forward_with_torch(self, x: Tensor, *, ptr: Tensor) -> Tensor:
        """Update the particles with torch operations alone, on any device; arguments as for :meth:`forward`."""
        index, valid = neighbours(x, ptr, self.k)
        return self._forward_factorised(x, index) if self.factorised else self._forward_edges(x, index, valid)

    def _arguments(
        self, x: Tensor | tuple[Tensor, Tensor], batch: Tensor | tuple[Tensor, Tensor] | None, ptr: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        if isinstance(x, tuple):
            if x[0] is not x[1]:
                raise InvalidDataError("particles that look for neighbours among others are not supported")
            x = x[0]
        if x.dim() != 2:
            raise InvalidDataError("particles must have shape [n_particles, C]", got=tuple(x.shape))
        if self.factorised:
            wanted = cast("nn.Linear", cast("nn.Sequential", self.nn)[0]).in_features // 2
            if x.shape[1] != wanted:
                raise InvalidDataError(f"particles have {x.shape[1]} channels", allowed=wanted)
        return x, _offsets(x, batch[0] if isinstance(batch, tuple) else batch, ptr)

    def _forward_factorised(self, x: Tensor, index: Tensor) -> Tensor:
        module = cast("nn.Sequential", self.nn)
        linear, activation = cast("nn.Linear", module[0]), module[1]
        own, other = linear.weight.chunk(2, dim=1)
        a = nn.functional.linear(x, own - other, linear.bias)
        c = nn.functional.linear(x, other)
        best: Tensor = _MaxOverNeighbours.apply(c, index)  # type: ignore[no-untyped-call]  # torch
        out: Tensor = activation(a + best)
        return out

    def _forward_edges(self, x: Tensor, index: Tensor, valid: Tensor) -> Tensor:
        centre, rank = valid.nonzero(as_tuple=True)
        x_i, x_j = x[centre], x[index[centre, rank]]
        message = self.nn(torch.cat([x_i, x_j - x_i], dim=1))
        counts = valid.sum(dim=1)
        return reduce_edges(message, torch.cat([counts.new_zeros(1), counts.cumsum(0)]), self.aggr)

    def reset_parameters(self) -> None:
        """Draw new weights for all modules of ``nn`` that know how."""
        for module in self.modules():
            if module is not self and hasattr(module, "reset_parameters"):
                cast("Any", module).reset_parameters()

    def extra_repr(self) -> str:
        return f"k={self.k}, aggr={self.aggr!r}"


class _MaxOverNeighbours(torch.autograd.Function):
    """``max_q c[index[:, q]]`` [n_particles, O] without a tensor of all neighbours, forwards or backwards."""

    @staticmethod
    def forward(ctx: Any, c: Tensor, index: Tensor) -> Tensor:
        best = c[index[:, 0]]
        where = index[:, :1].expand_as(best).contiguous()
        for column in index.T[1:]:
            value = c[column]
            larger = value > best
            best = torch.where(larger, value, best)
            where = torch.where(larger, column[:, None], where)
        ctx.save_for_backward(where)
        return best

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (where,) = ctx.saved_tensors
        return torch.zeros_like(grad).scatter_add_(0, where, grad), None


def _offsets(x: Tensor, batch: Tensor | None, ptr: Tensor | None) -> Tensor:
    if ptr is None and batch is None:
        return torch.tensor([0, len(x)], device=x.device)
    cuts = offsets_of_batch(batch) if ptr is None and batch is not None else cast("Tensor", ptr)
    check_offsets(cuts.detach().cpu().numpy(), len(x))
    return cuts
