"""The encoder: particles of a jet in, one vector out; what surrounds any backbone."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from rs3l_gnn.conventions import CheckpointError, JetDomain
from rs3l_gnn.models.config import EncoderConfig
from rs3l_gnn.models.digest import state_digest
from rs3l_gnn.models.geometric import Graphs, particles_and_offsets
from rs3l_gnn.models.ragged import check_batch, select_features
from rs3l_gnn.models.reading import JetReader
from rs3l_gnn.models.threads import run_chunks, thread_count
from rs3l_gnn.models.torch_threads import TORCH_POOL

__all__ = ["Encoder", "ModuleEncoder"]

_CHUNK_PARTICLES, _CHUNK_JETS = 4096, 128  # padding to the longest jet must fit the memory


class Encoder(nn.Module):
    """Jets as vectors: the checks, the choice of the inputs and the cut into chunks around a backbone.

    Args:
        config: which backbone, and its sizes.

    Attributes:
        domain: the kind of jets that the weights were trained on.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.domain = JetDomain()

    @property
    def digest(self) -> str:
        """SHA-256 of the weights and the configuration, in hexadecimal."""
        return state_digest(self, self.config.identity())

    @abstractmethod
    def network(self, x: Tensor, offsets: Tensor) -> Tensor:
        """Embed jets, with gradients: the encoder's inputs [n_particles, C], offsets [n_jets + 1] to [n_jets, dim]."""

    def padded(self) -> nn.Module:
        """The same network on padded jets, of static structure, for export: (features [n_jets, n, C], valid) to z.

        Raises:
            CheckpointError: the backbone has no such form.
        """
        raise CheckpointError(
            f"the backbone {self.config.backbone!r} cannot be exported",
            hint="give its network a method padded() that returns a module of (features, valid)",
        )

    def forward(self, x: Tensor | Graphs, offsets: Tensor | None = None) -> Tensor:
        """Embed jets, with gradients.

        Args:
            x: particles of all jets: its own inputs [n_particles, C], or, where it takes none but those of the paper,
                all of these in the order of ``conventions.FEATURES`` [n_particles, 15], picked by name. A
                torch_geometric ``Batch`` or ``Data`` with such an ``x`` instead brings its own offsets.
            offsets: first particle of each jet, int64 [n_jets + 1].

        Returns:
            Embeddings [n_jets, dim], not normalised; a jet without particles gives the output of a zero sum.

        Raises:
            InvalidDataError: wrong width or type, decreasing offsets, NaN or infinity; the jet is named.
        """
        particles, cuts = particles_and_offsets(x, offsets)
        check_batch(particles, cuts, self.config.features)
        return self.network(select_features(particles, self.config.features), cuts)

    def embed(
        self, features: ArrayLike | Graphs, offsets: ArrayLike | None = None, *, threads: int | None = None
    ) -> NDArray[np.float32]:
        """Embed any number of jets without gradients, in chunks of bounded memory.

        Args:
            features: particles of all jets [n_particles, C], any layout in memory; as in :meth:`forward`.
            offsets: first particle of each jet [n_jets + 1].
            threads: how many to use; None is torch's number, and one inside a Dask worker.

        Returns:
            Embeddings float32 [n_jets, dim], not normalised.

        Raises:
            InvalidDataError: wrong width or type, decreasing offsets, NaN or infinity; the jet is named.
        """

        reader = self.reader(features, offsets, (_CHUNK_PARTICLES, _CHUNK_JETS))
        threads = thread_count(threads) if self.device.type == "cpu" else 1
        out = np.empty((reader.n_jets, self.config.dim), dtype=np.float32)
        inputs = (reader.longest[0], len(self.config.features))

        def work(chunk: int, x: Tensor) -> None:
            where, cuts = reader.read(chunk, x.numpy())
            with torch.inference_mode():
                z = self.network(x[: cuts[-1]].to(self.device), torch.from_numpy(cuts).to(self.device))
            out[where] = z.float().cpu().numpy()

        memory = partial(torch.empty, inputs, dtype=self.dtype)
        run_chunks(work, len(reader), threads=threads, scratch=memory, pool=TORCH_POOL)
        return out

    def reader(
        self, features: ArrayLike | Graphs, offsets: ArrayLike | None, largest_chunk: tuple[int, int]
    ) -> JetReader:
        """Reader of jets as :meth:`embed` takes them, in chunks of at most so many particles and jets."""
        arrays = particles_and_offsets(features, offsets)
        particles, jets = largest_chunk
        return JetReader(*arrays, self.config.features, particles=particles, jets=jets)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next((weight.device for weight in self.parameters()), torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return next((weight.dtype for weight in self.parameters()), torch.float32)


class ModuleEncoder(Encoder):
    """An encoder whose backbone is any module.

    Args:
        config: its settings.
        backbone: (x [n_particles, C], offsets [n_jets + 1]) to [n_jets, dim]; a method ``padded()`` makes it exportable
    """

    def __init__(self, config: EncoderConfig, backbone: nn.Module) -> None:
        super().__init__(config)
        self.backbone = backbone

    def network(self, x: Tensor, offsets: Tensor) -> Tensor:
        """Embed jets [n_jets, dim], with gradients."""
        z: Tensor = self.backbone(x, offsets)
        return z

    def padded(self) -> nn.Module:
        """What the module's own ``padded()`` gives."""
        own = getattr(self.backbone, "padded", None)
        module: nn.Module = super().padded() if own is None else own()
        return module
