"""Networks for inference alone: arrays in, arrays out, on the kernels, without torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.models.kernels import DenseNetwork, Stack
from rs3l_gnn.models.kernels.chunk import Memory
from rs3l_gnn.models.reading import JetReader
from rs3l_gnn.models.threads import run_chunks, thread_count

__all__ = ["HEAD_JETS", "embed_jets", "score_embeddings"]

HEAD_JETS = 4096
"""Jets that a head sees at once, to bound the memory of its layers."""


def embed_jets(
    reader: JetReader, stack: Stack, output: DenseNetwork, *, threads: int | None = None
) -> NDArray[np.float32]:
    """Run a network on jets, chunk by chunk.

    Args:
        reader: of the jets.
        stack: layers on the particles, which are then summed.
        output: layers on the jets.
        threads: how many to use; see :func:`rs3l_gnn.models.threads.thread_count`.

    Returns:
        Embeddings float32 [n_jets, dim], not normalised.
    """
    out = np.empty((reader.n_jets, output.n_out), dtype=np.float32)

    def memory() -> tuple[NDArray[np.floating], Memory]:
        return np.empty((reader.longest[0], reader.n_inputs), stack.dtype), stack.memory(*reader.longest)

    def work(chunk: int, memory: tuple[NDArray[np.floating], Memory]) -> None:
        x, inner = memory
        where, cuts = reader.read(chunk, x)
        out[where] = output(stack.chunk(x[: cuts[-1]], cuts, inner))

    run_chunks(work, len(reader), threads=thread_count(threads), scratch=memory)
    return out


def score_embeddings(head: DenseNetwork, z: NDArray[np.floating]) -> NDArray[np.float32]:
    """Probabilities from embeddings [n_jets, dim]: of the signal [n_jets] for one logit, else [n_jets, n_classes]."""
    p = np.empty((len(z), head.n_out), dtype=np.float32)
    for first in range(0, len(z), HEAD_JETS):
        p[first : first + HEAD_JETS] = head.probabilities(z[first : first + HEAD_JETS])
    return p[:, 0] if head.n_out == 1 else p
