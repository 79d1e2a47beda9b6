"""Heads on the normalised embedding, and the tagger that puts one on an encoder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.models.config import HeadConfig
from rs3l_gnn.models.differentiable import dense_network, runs_on_kernels
from rs3l_gnn.models.digest import state_digest
from rs3l_gnn.models.discriminants import class_names
from rs3l_gnn.models.encoder import Encoder
from rs3l_gnn.models.frozen import HEAD_JETS, score_embeddings
from rs3l_gnn.models.geometric import Graphs
from rs3l_gnn.models.precision import single_precision
from rs3l_gnn.models.threads import run_chunks
from rs3l_gnn.models.torch_threads import TORCH_POOL

__all__ = ["Head", "Tagger"]


class Head(nn.Module):
    """Classifier on the direction of an embedding.

    Args:
        config: layers and classes.
        dim: length of the embedding.
    """

    def __init__(self, config: HeadConfig, dim: int = 8) -> None:
        super().__init__()
        self.config = config
        self.dim = dim
        layers: list[nn.Module] = []
        width = dim
        with single_precision():
            for size in config.hidden:
                layers += [nn.Linear(width, size), nn.ReLU()]
                width = size
            self.mlp = nn.Sequential(*layers, nn.Linear(width, config.n_classes))

    def forward(self, z: Tensor) -> Tensor:
        """Logits [n_jets] for one class, [n_jets, n_classes] else, from embeddings [n_jets, dim] of any length."""
        logits: Tensor = self.mlp(nn.functional.normalize(z, dim=1))
        return logits.squeeze(1) if self.config.n_classes == 1 else logits


class Tagger(nn.Module):
    """Encoder and head in one.

    Args:
        encoder: gives embeddings [n_jets, dim].
        head: takes them.
        classes: name of each score in its order; ``signal`` for one, ``class_0`` and so on if not given.

    Raises:
        ConfigError: the head was made for embeddings of another length, or gives another number of scores.
    """

    def __init__(self, encoder: Encoder, head: Head, *, classes: Sequence[str] | None = None) -> None:
        super().__init__()
        n_classes = head.config.n_classes
        self.classes = class_names(n_classes, classes)
        if head.dim != encoder.config.dim:
            raise ConfigError(f"a head for {head.dim} inputs does not fit an encoder of dim {encoder.config.dim}")
        self.encoder = encoder
        self.head = head

    @property
    def digest(self) -> str:
        """SHA-256 of the weights and the configuration, in hexadecimal."""
        return state_digest(self, self.encoder.config.identity(), self.head.config.model_dump(mode="json"))

    def forward(self, x: Tensor | Graphs, offsets: Tensor | None = None) -> Tensor:
        """Logits of each jet, see :meth:`Head.forward`; arguments as for :meth:`Encoder.forward`."""
        logits: Tensor = self.head(self.encoder(x, offsets))
        return logits

    def score(
        self, features: ArrayLike | Graphs, offsets: ArrayLike | None = None, *, threads: int | None = None
    ) -> NDArray[np.float32]:
        """Probabilities of each jet, without gradients.

        Args:
            features, offsets, threads: as for :meth:`Encoder.embed`.

        Returns:
            In [0, 1]: signal probability [n_jets] for one class, else [n_jets, n_classes] with sum 1, in the order of
            :attr:`classes`.

        Raises:
            InvalidDataError: as for :meth:`Encoder.embed`.
        """
        return self.score_embeddings(self.encoder.embed(features, offsets, threads=threads))

    def score_embeddings(self, z: NDArray[np.floating]) -> NDArray[np.float32]:
        """:meth:`score` from embeddings [n_jets, dim] of :attr:`encoder`, for several heads on one encoder."""
        weight = next(self.head.parameters())
        if runs_on_kernels(weight):
            return score_embeddings(dense_network(self.head.mlp), z)
        p = np.empty((len(z), self.head.config.n_classes), dtype=np.float32)

        def work(chunk: int, _: object) -> None:
            jets = slice(chunk * HEAD_JETS, (chunk + 1) * HEAD_JETS)
            with torch.inference_mode():
                logits = self.head(torch.from_numpy(z[jets]).to(weight.device, weight.dtype))
                part = logits.sigmoid()[:, None] if logits.dim() == 1 else logits.softmax(dim=1)
                p[jets] = part.float().cpu().numpy()

        run_chunks(work, -(-len(z) // HEAD_JETS), threads=1, scratch=object, pool=TORCH_POOL)
        return p[:, 0] if p.shape[1] == 1 else p
