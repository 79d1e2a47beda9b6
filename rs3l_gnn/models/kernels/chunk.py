"""One chunk through all layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rs3l_gnn.models.kernels import edges, elementwise
from rs3l_gnn.models.kernels.layers import Layer
from rs3l_gnn.models.kernels.products import multiply

__all__ = ["CHUNK_JETS", "CHUNK_PARTICLES", "Memory", "forward_chunk", "run_chunk"]

CHUNK_PARTICLES, CHUNK_JETS = 512, 512
"""Largest chunk: large enough for the matrix products, small enough for the cache."""
_NOWHERE = np.empty((0, 0), dtype=np.int32)


@dataclass(frozen=True)
class Memory:
    """What one thread needs for its chunks: outputs of the layers, products of an edge layer, sums over particles."""

    outputs: list[Tensor]
    products: Tensor
    pooled: Tensor

    @classmethod
    def of(cls, layers: Sequence[Layer], particles: int, jets: int) -> Self:
        """Memory for chunks of up to that many particles and jets."""
        like = layers[0].weight.detach()
        widest = max(len(layer.bias) for layer in layers)
        pair = [like.new_empty(particles * widest) for _ in range(2)]
        outputs = [
            pair[i % 2][: particles * len(layer.bias)].view(particles, len(layer.bias))
            for i, layer in enumerate(layers)
        ]
        return cls(outputs, like.new_empty(particles * 2 * widest), like.new_empty((jets, len(layers[-1].bias))))


def run_chunk(layers: Sequence[Layer], x: Tensor, cuts: NDArray[np.int64], memory: Memory, *, jets: bool) -> Tensor:
    """Run one chunk through all layers, without gradients and keeping nothing.

    Args:
        layers: of the network.
        x: particles of the chunk [n, C].
        cuts: first particle of each jet, from 0 [n_jets + 1].
        memory: of the calling thread; the result lies in it.
        jets: sum the particles of each jet.

    Returns:
        Particles [n, O] or jets [n_jets, O].
    """
    outputs = [output[: len(x)] for output in memory.outputs]
    forward_chunk(layers, x, cuts, outputs, [None] * len(outputs), products=memory.products)
    if not jets:
        return outputs[-1]
    pooled = memory.pooled[: len(cuts) - 1]
    elementwise.pool(outputs[-1].numpy(), cuts, pooled.numpy())
    return pooled


def forward_chunk(
    layers: Sequence[Layer],
    x: Tensor,
    cuts: NDArray[np.int64],
    outputs: Sequence[Tensor],
    winners: Sequence[Tensor | None],
    *,
    products: Tensor,
) -> None:
    """Run one chunk and keep what each layer gives.

    Args:
        layers: of the network.
        x: particles of the chunk [n, C].
        cuts: first particle of each jet, from 0 [n_jets + 1].
        outputs: for each layer, where its result goes [n, O].
        winners: for each layer None, or where the particle of the chunk with the largest c goes, int32 [n, O].
        products: memory for an edge layer's products.
    """
    for layer, out, where in zip(layers, outputs, winners, strict=True):
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
            edges.edge_forward(
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
