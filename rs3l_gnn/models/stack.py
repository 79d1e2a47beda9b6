"""Layers on ragged batches on the CPU, chunk by chunk: matrix products by torch, everything else by compiled loops.

A chunk of a few hundred particles goes through all layers while it is in the cache. Two kinds of layers:

* dense: ``y = ELU(W x + b)``;
* edge: EdgeConv with ``nn = Linear, act`` and a maximum, without edges. With the linear layer's weight cut into
  ``[U, V]``, ``nn([x_i, x_j - x_i]) = act(a_i + b + c_j)`` for ``a = (U - V) x`` and ``c = V x``, and since act
  increases, ``max_j act(a_i + b + c_j) = act(a_i + b + max_j c_j)`` exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rs3l_gnn.models import elementwise, kernels
from rs3l_gnn.models.products import multiply

__all__ = [
    "CHUNK_JETS",
    "CHUNK_PARTICLES",
    "Layer",
    "Memory",
    "Stack",
    "dense_layer",
    "edge_layer",
    "factors",
    "pad_channels",
    "runs_on_kernels",
]

CHUNK_PARTICLES, CHUNK_JETS = 512, 512
"""Largest chunk: large enough for the matrix products, small enough for the cache."""
_NOWHERE = np.empty((0, 0), dtype=np.int32)


@dataclass(frozen=True)
class Layer:
    """One layer, channels padded with zeros to the kernels' multiple.

    Attributes:
        weight: dense [O, C]; edge ``[U - V; V]`` [2 O, C].
        bias: [O].
        k: neighbours, 0 for a dense layer.
        kind: activation, of :mod:`rs3l_gnn.models.kernels`.
        slope: ELU's alpha, or the slope below zero.
    """

    weight: Tensor
    bias: Tensor
    k: int = 0
    kind: int = kernels.ELU
    slope: float = 1.0


def runs_on_kernels(x: Tensor) -> bool:
    """Whether the compiled loops handle such particles."""
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)


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
        return Layer(weight, pad_channels(bias, 0), k, kernels.ELU, float(activation.alpha))
    slope = float(getattr(activation, "negative_slope", 0.0))
    return Layer(weight, pad_channels(bias, 0), k, kernels.LEAKY_RELU, slope)


def pad_channels(x: Tensor, dim: int) -> Tensor:
    """Append zeros along ``dim`` up to the multiple that the kernels ask for; they change no distance and no sum."""
    missing = -x.shape[dim] % kernels.channel_multiple(x.element_size())
    return nn.functional.pad(x, [0, 0] * (x.dim() - 1 - dim) + [0, missing]) if missing else x


@dataclass(frozen=True)
class Memory:
    """What one thread needs for its chunks: outputs of the layers, products of an edge layer, sums over particles."""

    outputs: list[Tensor]
    products: Tensor
    pooled: Tensor


class Stack:
    """Layers in a row.

    Args:
        layers: of :func:`dense_layer` and :func:`edge_layer`; the input of an edge layer has padded channels.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)

    def memory(self, particles: int, jets: int) -> Memory:
        """Memory for chunks of up to that many particles and jets."""
        like = self.layers[0].weight.detach()
        widest = max(len(layer.bias) for layer in self.layers)
        pair = [like.new_empty(particles * widest) for _ in range(2)]
        outputs = [
            pair[i % 2][: particles * len(layer.bias)].view(particles, len(layer.bias))
            for i, layer in enumerate(self.layers)
        ]
        return Memory(
            outputs, like.new_empty(particles * 2 * widest), like.new_empty((jets, len(self.layers[-1].bias)))
        )

    def chunk(self, x: Tensor, cuts: NDArray[np.int64], memory: Memory, *, jets: bool) -> Tensor:
        """Run one chunk through all layers, without gradients and keeping nothing.

        Args:
            x: particles of the chunk [n, C].
            cuts: first particle of each jet, from 0 [n_jets + 1].
            memory: of the calling thread; the result lies in it.
            jets: sum the particles of each jet.

        Returns:
            Particles [n, O] or jets [n_jets, O].
        """
        outputs = [output[: len(x)] for output in memory.outputs]
        self.forward_chunk(x, cuts, outputs, [None] * len(outputs), memory.products)
        if not jets:
            return outputs[-1]
        pooled = memory.pooled[: len(cuts) - 1]
        elementwise.pool(outputs[-1].numpy(), cuts, pooled.numpy())
        return pooled

    def forward_chunk(
        self,
        x: Tensor,
        cuts: NDArray[np.int64],
        outputs: Sequence[Tensor],
        winners: Sequence[Tensor | None],
        products: Tensor,
    ) -> None:
        """Run one chunk and keep what each layer gives.

        Args:
            x: particles of the chunk [n, C].
            cuts: first particle of each jet, from 0 [n_jets + 1].
            outputs: for each layer, where its result goes [n, O].
            winners: for each layer None, or where the particle of the chunk with the largest c goes, int32 [n, O].
            products: memory for an edge layer's products.
        """
        for layer, out, where in zip(self.layers, outputs, winners, strict=True):
            weight, bias = layer.weight.detach(), layer.bias.detach().numpy()
            if not layer.k:
                multiply(x, weight, out)
                elementwise.activate(out.numpy(), bias)
            else:
                a, c = products[: x.shape[0] * len(weight)].view(2, len(x), len(bias))
                multiply(x, weight[: len(bias)], a)
                multiply(x, weight[len(bias) :], c)
                slope = bias.dtype.type(layer.slope)
                into = _NOWHERE if where is None else where.numpy()
                kernels.edge_forward(
                    a.numpy(),
                    c.numpy(),
                    x.numpy(),
                    bias,
                    cuts,
                    layer.k,
                    layer.kind,
                    slope,
                    out.numpy(),
                    into,
                    where is not None,
                )
            x = out
