"""Layers in a row on ragged batches, chunk by chunk.

A chunk of a few hundred particles goes through all layers while it is in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.models.kernels.chunk import CHUNK_JETS, CHUNK_PARTICLES, Memory, run_chunk
from rs3l_gnn.models.kernels.layers import Layer

__all__ = ["Stack"]


class Stack:
    """Layers in a row, without gradients.

    Args:
        layers: in their order; each takes what the one before gives, the first one particles of its own width.
        fixed_point: edge layers take whole numbers of 16 bits (single precision alone).
    """

    largest_chunk: ClassVar[tuple[int, int]] = (2 * CHUNK_PARTICLES, 2 * CHUNK_JETS)
    """Particles and jets that :meth:`chunk` does best with: enough work for each call of compiled code."""

    def __init__(self, layers: Sequence[Layer], *, fixed_point: bool = False) -> None:
        self._layers, self._fixed_point = tuple(layers), fixed_point

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the weights, and so of the particles."""
        return self._layers[0].weight.dtype

    def memory(self, particles: int, jets: int) -> Memory:
        """Memory of a thread for chunks of up to that many particles and jets."""
        return Memory.of(self._layers, particles, jets, fixed_point=self._fixed_point)

    def chunk(self, x: NDArray[Any], cuts: NDArray[np.int64], memory: Memory) -> NDArray[Any]:
        """Run one chunk through all layers and sum the particles of each jet.

        Args:
            x: particles of the chunk [n, C].
            cuts: first particle of each jet, from 0 [n_jets + 1].
            memory: of the calling thread; the result lies in it.

        Returns:
            Jets [n_jets, O], O padded with zeros.
        """
        return run_chunk(self._layers, x, cuts, memory, jets=True)
