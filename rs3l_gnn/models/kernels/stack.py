"""Layers in a row on ragged batches, chunk by chunk.

A chunk of a few hundred particles goes through all layers while it is in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rs3l_gnn.models.kernels.chunk import CHUNK_JETS, CHUNK_PARTICLES, Memory, run_chunk
from rs3l_gnn.models.kernels.gradients import ApplyLayers
from rs3l_gnn.models.kernels.layers import dense_layer, edge_layer, factors, pad_channels
from rs3l_gnn.models.threads import thread_count

__all__ = ["Stack"]


class Stack:
    """Layers in a row; differentiable with respect to the parameters of their modules.

    Args:
        modules: of each layer in its order: a linear layer, which ELU follows, or the network of an EdgeConv with its
            number of neighbours.
    """

    largest_chunk: ClassVar[tuple[int, int]] = (CHUNK_PARTICLES, CHUNK_JETS)
    """Particles and jets that :meth:`chunk` does best with."""

    def __init__(self, modules: Sequence[nn.Linear | tuple[nn.Sequential, int]]) -> None:
        self._layers = tuple(
            edge_layer(*module) if isinstance(module, tuple) else dense_layer(module, pad_inputs=number > 0)
            for number, module in enumerate(modules)
        )
        last = modules[-1]
        linear = cast("nn.Linear", last[0][0]) if isinstance(last, tuple) else last
        self._n_out = linear.out_features

    @staticmethod
    def runs_on(x: Tensor) -> bool:
        """Whether the compiled loops handle such particles, or weights."""
        return x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)

    @staticmethod
    def takes(network: object) -> bool:
        """Whether the network of an EdgeConv is a linear layer and an increasing activation, which factorise."""
        return factors(network)

    def __call__(self, x: Tensor, offsets: Tensor, *, jets: bool, threads: int | None = None) -> Tensor:
        """Run a batch through the layers, differentiable once.

        Args:
            x: particles of all jets [n_particles, C].
            offsets: first particle of each jet [n_jets + 1].
            jets: sum the particles of each jet.
            threads: see :func:`rs3l_gnn.models.threads.thread_count`.

        Returns:
            Particles [n_particles, O] or jets [n_jets, O].
        """
        if self._layers[0].k:
            x = pad_channels(x, 1)
        parameters = [tensor for layer in self._layers for tensor in (layer.weight, layer.bias)]
        cuts = np.array(offsets.detach().numpy(), dtype=np.int64)
        out: Tensor = ApplyLayers.apply(self._layers, x, cuts, jets, thread_count(threads), *parameters)  # type: ignore[no-untyped-call]  # torch
        return out[:, : self._n_out]

    def memory(self, particles: int, jets: int) -> Memory:
        """Memory of a thread for chunks of up to that many particles and jets."""
        return Memory.of(self._layers, particles, jets)

    def chunk(self, x: Tensor, cuts: NDArray[np.int64], memory: Memory) -> Tensor:
        """Run one chunk through all layers and sum the particles of each jet, without gradients.

        Args:
            x: particles of the chunk [n, C].
            cuts: first particle of each jet, from 0 [n_jets + 1].
            memory: of the calling thread; the result lies in it.

        Returns:
            Jets [n_jets, O], O padded with zeros.
        """
        return run_chunk(self._layers, x, cuts, memory, jets=True)
