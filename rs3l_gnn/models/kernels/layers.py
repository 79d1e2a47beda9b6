"""Layers as the compiled loops take them.

Two kinds:

* dense: ``y = ELU(W x + b)``;
* edge: EdgeConv with ``nn = Linear, act`` and a maximum, without edges. With the linear layer's weight cut into
  ``[U, V]``, ``nn([x_i, x_j - x_i]) = act(a_i + b + c_j)`` for ``a = (U - V) x`` and ``c = V x``, and since act
  increases, ``max_j act(a_i + b + c_j) = act(a_i + b + max_j c_j)`` exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from rs3l_gnn.models.kernels import edges

__all__ = ["Layer", "dense_layer", "edge_layer", "factors", "pad_channels"]


@dataclass(frozen=True)
class Layer:
    """One layer, channels padded with zeros to the kernels' multiple.

    Attributes:
        weight: dense [O, C]; edge ``[U - V; V]`` [2 O, C].
        bias: [O].
        k: neighbours, 0 for a dense layer.
        kind: activation, of :mod:`rs3l_gnn.models.kernels.edges`.
        slope: ELU's alpha, or the slope below zero.
    """

    weight: Tensor
    bias: Tensor
    k: int = 0
    kind: int = edges.ELU
    slope: float = 1.0


def factors(module: object) -> bool:
    """Whether ``module`` is a linear layer and an increasing activation that the kernels know."""
    if not isinstance(module, nn.Sequential) or len(module) != 2:
        return False
    linear, activation = module
    if type(linear) is not nn.Linear or linear.in_features % 2:
        return False
    if type(activation) is nn.ELU:
        return activation.alpha >= 0  # with a negative alpha or slope the activation falls below zero
    if type(activation) is nn.LeakyReLU:
        return activation.negative_slope >= 0
    return type(activation) is nn.ReLU


def dense_layer(linear: nn.Linear, *, pad_inputs: bool) -> Layer:
    """A linear layer followed by ELU; differentiable with respect to the linear layer."""
    weight = pad_channels(linear.weight, 0)
    return Layer(pad_channels(weight, 1) if pad_inputs else weight, pad_channels(linear.bias, 0))


def edge_layer(module: nn.Sequential, k: int) -> Layer:
    """The layer of a module for which :func:`factors` holds; differentiable with respect to its parameters."""
    linear, activation = cast("nn.Linear", module[0]), module[1]
    own, other = linear.weight.chunk(2, dim=1)
    weight = pad_channels(torch.cat([pad_channels(own - other, 0), pad_channels(other, 0)]), 1)
    given = cast("Tensor | None", linear.bias)
    bias = linear.weight.new_zeros(len(linear.weight)) if given is None else given
    if isinstance(activation, nn.ELU):
        return Layer(weight, pad_channels(bias, 0), k, edges.ELU, float(activation.alpha))
    slope = float(getattr(activation, "negative_slope", 0.0))
    return Layer(weight, pad_channels(bias, 0), k, edges.LEAKY_RELU, slope)


def pad_channels(x: Tensor, dim: int) -> Tensor:
    """Append zeros along ``dim`` up to the multiple that the kernels ask for; they change no distance and no sum."""
    missing = -x.shape[dim] % edges.channel_multiple(x.element_size())
    return nn.functional.pad(x, [0, 0] * (x.dim() - 1 - dim) + [0, missing]) if missing else x
