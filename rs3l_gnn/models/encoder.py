"""The encoder: particles of a jet in, one vector out (arXiv:2403.07066, section III)."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from rs3l_gnn.conventions import JetDomain
from rs3l_gnn.models.config import EncoderConfig
from rs3l_gnn.models.dense import DenseNetwork
from rs3l_gnn.models.digest import state_digest
from rs3l_gnn.models.edgeconv import DynamicEdgeConv
from rs3l_gnn.models.gradients import apply_stack
from rs3l_gnn.models.ragged import check_batch, jet_of_particle, select_features
from rs3l_gnn.models.reading import JetReader
from rs3l_gnn.models.stack import CHUNK_JETS, CHUNK_PARTICLES, Memory, Stack, dense_layer, edge_layer, runs_on_kernels
from rs3l_gnn.models.threads import run_chunks, thread_count
from rs3l_gnn.models.transformer import AttentionLayer, attend

__all__ = ["Encoder"]

_PADDED_CHUNK = {"particles": 4096, "jets": 128}  # padding to the longest jet must fit the memory


class Encoder(nn.Module):
    """Particle network, EdgeConv or attention layers, sum over the particles, output network.

    Args:
        config: sizes.

    Attributes:
        domain: the kind of jets that the weights were trained on.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.domain = JetDomain()
        width = config.width
        self.particle = nn.Sequential(
            nn.Linear(len(config.features), width), nn.ELU(), nn.Linear(width, width), nn.ELU()
        )
        self.layers = nn.ModuleList(_layer(config) for _ in range(config.layers))
        output: list[nn.Module] = []
        size = width
        for hidden in config.hidden:
            output += [nn.Linear(size, hidden), nn.ELU()]
            size = hidden
        self.output = nn.Sequential(*output, nn.Linear(size, config.dim))

    @property
    def digest(self) -> str:
        """SHA-256 of the weights and the configuration, in hexadecimal."""
        return state_digest(self, self.config)

    def forward(self, x: Tensor, offsets: Tensor) -> Tensor:
        """Embed jets, with gradients.

        Args:
            x: particles of all jets: the 15 features in the order of ``conventions.FEATURES`` [n_particles, 15], of
                which the encoder's are picked by name, or (where it takes fewer) its own inputs [n_particles, C].
            offsets: first particle of each jet, int64 [n_jets + 1].

        Returns:
            Embeddings [n_jets, dim], not normalised; a jet without particles gives the output of a zero sum.

        Raises:
            InvalidDataError: wrong width or type, decreasing offsets, NaN or infinity; the jet is named.
        """
        check_batch(x, offsets, self.config.features)
        x = select_features(x, self.config.features)
        if self._on_kernels:
            pooled = apply_stack(self._stack(), x, offsets, jets=True)[:, : self.config.width]
        else:
            pooled = self.pooled_with_torch(x, offsets)
        z: Tensor = self.output(pooled)
        return z

    def embed(self, features: ArrayLike, offsets: ArrayLike, *, threads: int | None = None) -> NDArray[np.float32]:
        """Embed any number of jets without gradients, in chunks of bounded memory.

        Args:
            features: particles of all jets [n_particles, 15], any layout in memory; as in :meth:`forward`.
            offsets: first particle of each jet [n_jets + 1].
            threads: how many to use; None is torch's number, and one inside a Dask worker.

        Returns:
            Embeddings float32 [n_jets, dim], not normalised.

        Raises:
            InvalidDataError: wrong width or type, decreasing offsets, NaN or infinity; the jet is named.
        """
        weight = next(self.parameters())
        threads = thread_count(threads) if weight.device.type == "cpu" else 1
        kernels = self._on_kernels
        size = {"particles": CHUNK_PARTICLES, "jets": CHUNK_JETS} if kernels else _PADDED_CHUNK
        reader = JetReader(features, offsets, self.config.features, **size)
        out = np.empty((reader.n_jets, self.config.dim), dtype=np.float32)
        particles, jets = reader.longest
        with torch.no_grad():
            stack = self._stack() if kernels else None
            output = DenseNetwork(self.output) if kernels else self.output

        def memory() -> tuple[Tensor, Memory | None]:
            x = torch.empty((particles, len(self.config.features)), dtype=weight.dtype)
            return x, None if stack is None else stack.memory(particles, jets)

        def work(chunk: int, memory: tuple[Tensor, Memory | None]) -> None:
            x, inner = memory
            where, cuts = reader.read(chunk, x)
            x = x[: cuts[-1]]
            with torch.inference_mode():
                if stack is None or inner is None:
                    offsets = torch.from_numpy(cuts).to(weight.device)
                    z = self.output(self.pooled_with_torch(x.to(weight.device), offsets))
                else:
                    z = output(stack.chunk(x, cuts, inner, jets=True))
            out[where] = z.float().cpu().numpy()

        run_chunks(work, len(reader), threads=threads, scratch=memory)
        return out

    @property
    def _on_kernels(self) -> bool:
        return self.config.backbone == "edgeconv" and runs_on_kernels(next(self.parameters()))

    def _stack(self) -> Stack:
        first, _, second, _ = self.particle
        layers = [
            dense_layer(cast("nn.Linear", first), pad_inputs=False),
            dense_layer(cast("nn.Linear", second), pad_inputs=True),
        ]
        for layer in self.layers:
            edge = cast("DynamicEdgeConv", layer)
            layers.append(edge_layer(cast("nn.Sequential", edge.nn), edge.k))
        return Stack(layers)

    def pooled_with_torch(self, x: Tensor, offsets: Tensor) -> Tensor:
        """Sums over the updated particles, layer by layer and on any device.

        Args:
            x: the encoder's inputs [n_particles, C].
            offsets: first particle of each jet [n_jets + 1].

        Returns:
            Jets [n_jets, width], differentiable.
        """
        h = self.particle(x)
        if self.config.backbone == "transformer":
            h = attend(self.layers, h, offsets)
        else:
            for layer in self.layers:
                h = layer(h, ptr=offsets)
        pooled: Tensor = h.new_zeros((len(offsets) - 1, h.shape[1])).index_add(0, jet_of_particle(offsets), h)
        return pooled


def _layer(config: EncoderConfig) -> nn.Module:
    if config.backbone == "transformer":
        return AttentionLayer(config.width, config.heads)
    return DynamicEdgeConv(nn.Sequential(nn.Linear(2 * config.width, config.width), nn.ELU()), k=config.k)
