"""The encoder: particles of a jet in, one vector out (arXiv:2403.07066, section III)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from rs3l_gnn.conventions import FEATURE_NAMES, check_offsets
from rs3l_gnn.models.config import EncoderConfig
from rs3l_gnn.models.digest import state_digest
from rs3l_gnn.models.edgeconv import DynamicEdgeConv
from rs3l_gnn.models.ragged import (
    check_batch,
    check_features,
    check_finite,
    chunks,
    jet_of_particle,
    select_features,
)

__all__ = ["Encoder"]

_CHUNK_PARTICLES = 4096


class Encoder(nn.Module):
    """Particle network, EdgeConv or attention layers, sum over the particles, output network.

    Args:
        config: sizes.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.particle = nn.Sequential(
            nn.Linear(len(config.features), width), nn.ELU(), nn.Linear(width, width), nn.ELU()
        )
        self.layers = nn.ModuleList(
            DynamicEdgeConv(nn.Sequential(nn.Linear(2 * width, width), nn.ELU()), k=config.k)
            for _ in range(config.layers)
        )
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
            x: particles of all jets [n_particles, C], C the encoder's inputs or all 15 features.
            offsets: first particle of each jet, int64 [n_jets + 1].

        Returns:
            Embeddings [n_jets, dim], not normalised; a jet without particles gives the output of a zero sum.

        Raises:
            InvalidDataError: wrong width or type, decreasing offsets, NaN or infinity; the jet is named.
        """
        check_batch(x, offsets, self.config.features)
        return self._run(select_features(x, self.config.features), offsets)

    def embed(self, features: ArrayLike, offsets: ArrayLike, *, threads: int | None = None) -> NDArray[np.float32]:
        """Embed any number of jets without gradients, in runs of bounded memory.

        Args:
            features: particles of all jets [n_particles, 15], any layout in memory.
            offsets: first particle of each jet [n_jets + 1].
            threads: how many to use; None is torch's number, and one inside a Dask worker.

        Returns:
            Embeddings float32 [n_jets, dim], not normalised.

        Raises:
            InvalidDataError: wrong width or type, decreasing offsets, NaN or infinity; the jet is named.
        """
        names = self.config.features
        values = check_features(np.asarray(features), names)
        columns = names if values.shape[1] == len(names) else FEATURE_NAMES
        cuts = check_offsets(np.asarray(offsets), len(values))
        del threads  # the path with torch operations alone leaves that to torch
        out = np.empty((len(cuts) - 1, self.config.dim), dtype=np.float32)
        weight = next(self.parameters())
        with torch.inference_mode():
            for first, last in chunks(cuts, _CHUNK_PARTICLES):
                part = cuts[first : last + 1] - cuts[first]
                chunk = np.array(values[cuts[first] : cuts[last]], dtype=np.float32)
                check_finite(chunk, part, columns, first)
                x = torch.from_numpy(chunk).to(weight.device, weight.dtype)
                z = self._run(select_features(x, names), torch.from_numpy(part).to(weight.device))
                out[first:last] = z.float().cpu().numpy()
        return out

    def _run(self, x: Tensor, offsets: Tensor) -> Tensor:
        h = self.particle(x)
        for layer in self.layers:
            h = layer(h, ptr=offsets)
        pooled = h.new_zeros((len(offsets) - 1, h.shape[1])).index_add(0, jet_of_particle(offsets), h)
        z: Tensor = self.output(pooled)
        return z
