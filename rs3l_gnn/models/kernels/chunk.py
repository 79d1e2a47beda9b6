"""One chunk through all layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.models.kernels import elementwise
from rs3l_gnn.models.kernels.dense import dense_forward
from rs3l_gnn.models.kernels.edges import edge_forward, memory_size
from rs3l_gnn.models.kernels.fixed_point import WholeNumbers, padded_width
from rs3l_gnn.models.kernels.layers import Layer
from rs3l_gnn.models.kernels.memory import aligned
from rs3l_gnn.models.kernels.preparing import prepare

__all__ = ["CHUNK_JETS", "CHUNK_PARTICLES", "Memory", "edge_memory", "forward_chunk", "run_chunk"]

CHUNK_PARTICLES, CHUNK_JETS = 512, 512
"""Largest chunk: large enough for the matrix products, small enough for the cache."""
_NOWHERE = np.empty((0, 0), dtype=np.int32)


@dataclass(frozen=True)
class Memory:
    """What one thread needs for its chunks: outputs of the layers, work of an edge layer, sums over particles.

    Attributes:
        outputs: of each layer [particles, O].
        work: see :func:`edge_memory`.
        pooled: of the last one [jets, O].
        whole: for whole numbers, of what goes into an edge layer.
    """

    outputs: list[NDArray[Any]]
    work: NDArray[Any]
    pooled: NDArray[Any]
    whole: WholeNumbers | None = None

    @classmethod
    def of(cls, layers: Sequence[Layer], particles: int, jets: int, *, fixed_point: bool = False) -> Memory:
        """Memory for chunks of up to that many particles and jets."""
        dtype = layers[0].weight.dtype
        prepare("int32" if fixed_point else dtype.name)
        widest = max(len(layer.bias) for layer in layers)
        pair = [aligned(particles * widest, dtype) for _ in range(2)]
        outputs = [
            pair[i % 2][: particles * len(layer.bias)].reshape(particles, len(layer.bias))
            for i, layer in enumerate(layers)
        ]
        whole = WholeNumbers(particles, jets, widest) if fixed_point else None
        return cls(outputs, edge_memory(layers, particles), np.empty((jets, len(layers[-1].bias)), dtype), whole)


def edge_memory(layers: Sequence[Layer], particles: int) -> NDArray[Any]:
    """Memory for the work of edge layers on chunks of up to that many particles: two products, and neighbours."""
    widest, channels = (max(sizes) for sizes in zip(*(layer.weight.shape for layer in layers), strict=True))
    dtype = layers[0].weight.dtype
    channels = max(channels, padded_width(channels) // 2 + 1)  # of whole numbers
    return aligned(particles * widest + memory_size(particles, channels, dtype.itemsize), dtype)


def run_chunk(
    layers: Sequence[Layer], x: NDArray[Any], cuts: NDArray[np.int64], memory: Memory, *, jets: bool
) -> NDArray[Any]:
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
    forward_chunk(layers, x, cuts, outputs, [None] * len(outputs), work=memory.work, whole=memory.whole)
    if not jets:
        return outputs[-1]
    pooled = memory.pooled[: len(cuts) - 1]
    elementwise.pool(outputs[-1], cuts, pooled)
    return pooled


def forward_chunk(
    layers: Sequence[Layer],
    x: NDArray[Any],
    cuts: NDArray[np.int64],
    outputs: Sequence[NDArray[Any]],
    winners: Sequence[NDArray[np.int32] | None],
    *,
    work: NDArray[Any],
    whole: WholeNumbers | None = None,
) -> None:
    """Run one chunk and keep what each layer gives.

    Args:
        layers: of the network.
        x: particles of the chunk [n, C].
        cuts: first particle of each jet, from 0 [n_jets + 1].
        outputs: for each layer, where its result goes [n, O].
        winners: for each layer None, or where the particle of the chunk with the largest c goes, int32 [n, O].
        work: memory, see :func:`edge_memory`.
        whole: memory for whole numbers of 16 bits, which edge layers then take.
    """
    for layer, out, where in zip(layers, outputs, winners, strict=True):
        slope = layer.bias.dtype.type(layer.slope)
        if not layer.k:
            dense_forward(x, layer.exact.panels, layer.bias, layer.kind, slope, out)
        else:
            save, into = where is not None, _NOWHERE if where is None else where
            (panels, factors), of_jets = layer.exact, layer.bias
            if whole is not None:
                (panels, factors), (x, of_jets) = layer.fixed, whole.of(x, cuts)
            edge_forward(
                x, panels, factors, layer.bias, cuts, of_jets, layer.k, layer.kind, slope, out, into, save, work
            )
        x = out
