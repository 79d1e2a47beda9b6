"""Layers as the compiled loops take them.

Two kinds:

* dense: ``y = ELU(W x + b)``;
* edge: EdgeConv with ``nn = Linear, act`` and a maximum, without edges. With the linear layer's weight cut into
  ``[U, V]``, ``nn([x_i, x_j - x_i]) = act(a_i + b + c_j)`` for ``a = (U - V) x`` and ``c = V x``, and since act
  increases, ``max_j act(a_i + b + c_j) = act(a_i + b + max_j c_j)`` exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.models.kernels import edges, elementwise
from rs3l_gnn.models.kernels.fixed_point import fixed_weight
from rs3l_gnn.models.kernels.products import panels_of

__all__ = ["Layer", "dense_layer", "edge_layer", "pad_channels"]


class Panels(NamedTuple):
    """The weight of a layer as products take it.

    Attributes:
        panels: [O / L, C, L], of an edge layer those of a and c [2, O / L, C, L].
        factors: of whole numbers [O] or [2, O], else none.
    """

    panels: NDArray[Any]
    factors: NDArray[Any]


@dataclass(frozen=True)
class Layer:
    """One layer, channels padded with zeros to the kernels' multiple.

    Attributes:
        weight: dense [O, C]; edge ``[U - V; V]`` [2 O, C].
        bias: [O].
        shape: outputs and inputs of the layer before they were padded.
        k: neighbours, 0 for a dense layer.
        kind: activation, of :mod:`rs3l_gnn.models.kernels.elementwise`.
        slope: ELU's alpha, or the slope below zero.
    """

    weight: NDArray[Any]
    bias: NDArray[Any]
    shape: tuple[int, int]
    k: int = 0
    kind: int = elementwise.ELU
    slope: float = 1.0

    @cached_property
    def exact(self) -> Panels:
        """The weight as products take it."""
        return self._panels(panels_of(self.weight), np.empty(0, self.weight.dtype))

    @cached_property
    def fixed(self) -> Panels:
        """The weight in whole numbers of 16 bits, in pairs."""
        return self._panels(*fixed_weight(self.weight))

    def _panels(self, panels: NDArray[Any], factors: NDArray[Any]) -> Panels:
        if not self.k:
            return Panels(panels, factors)
        return Panels(panels.reshape(2, -1, *panels.shape[1:]), factors.reshape(2, -1))

    def own_gradients(self, weight: NDArray[Any], bias: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Gradients of the weight and the bias that the layer was made of, from those of its padded ones."""
        n_out, n_in = self.shape
        if not self.k:
            return weight[:n_out, :n_in], bias[:n_out]
        a, c = (part[:n_out, :n_in] for part in np.split(weight, 2))
        return np.concatenate([a, c - a], axis=1), bias[:n_out]


def dense_layer(weight: NDArray[Any], bias: NDArray[Any], *, pad_inputs: bool) -> Layer:
    """A linear layer [O, C] followed by ELU."""
    padded = pad_channels(weight, 0)
    padded = pad_channels(padded, 1) if pad_inputs else padded
    return Layer(padded, pad_channels(bias, 0), (weight.shape[0], weight.shape[1]))


def edge_layer(
    weight: NDArray[Any], bias: NDArray[Any] | None, k: int, *, kind: int = elementwise.ELU, slope: float = 1.0
) -> Layer:
    """An EdgeConv layer from the weight [O, 2 C] of its linear layer, see :class:`Layer`."""
    own, other = np.split(weight, 2, axis=1)
    both = pad_channels(np.concatenate([pad_channels(own - other, 0), pad_channels(other, 0)]), 1)
    given = np.zeros(len(weight), weight.dtype) if bias is None else bias
    return Layer(both, pad_channels(given, 0), (own.shape[0], own.shape[1]), k, kind, slope)


def pad_channels(x: NDArray[Any], axis: int) -> NDArray[Any]:
    """Append zeros along ``axis`` up to the multiple that the kernels ask for; they change no distance and no sum."""
    missing = -x.shape[axis] % edges.channel_multiple(x.itemsize)
    if not missing:
        return x
    return np.pad(x, [(0, missing if each == axis else 0) for each in range(x.ndim)])
