"""Networks on padded jets with plain torch operations of static structure: what the export formats understand."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rs3l_gnn.models.config import HeadConfig

__all__ = ["PaddedNetwork", "PaddedTagger", "padded_batch"]


class PaddedNetwork(nn.Module):
    """Particle network, layers of (h [n_jets, n, width], valid), sum, output network, for padded jets.

    Args:
        particle, layers, output: the parts.
    """

    def __init__(self, particle: nn.Module, layers: nn.ModuleList, output: nn.Module) -> None:
        super().__init__()
        self.particle, self.layers, self.output = particle, layers, output

    def forward(self, features: Tensor, valid: Tensor) -> Tensor:
        """Embed jets.

        Args:
            features: the encoder's inputs [n_jets, n, C], any finite number in padding.
            valid: True = real particle, False = padding [n_jets, n].

        Returns:
            Embeddings [n_jets, dim], not normalised.
        """
        h = self.particle(features)
        for layer in self.layers:
            h = layer(h, valid)
        # TorchScript reads this source, and takes a comment on a type for one of its own.
        z: Tensor = self.output(h.masked_fill(~valid.unsqueeze(2), 0.0).sum(dim=1))
        return z


class PaddedTagger(nn.Module):
    """A tagger for padded jets, giving probabilities.

    Args:
        encoder: for padded jets.
        mlp: the layers of the head.
        config: of the head.
    """

    def __init__(self, encoder: nn.Module, mlp: nn.Module, config: HeadConfig) -> None:
        super().__init__()
        self.encoder, self.mlp = encoder, mlp
        self.binary = config.n_classes == 1

    def forward(self, features: Tensor, valid: Tensor) -> Tensor:
        """Probabilities [n_jets], or [n_jets, n_classes], of jets as for :class:`PaddedNetwork`."""
        logits = self.mlp(nn.functional.normalize(self.encoder(features, valid), dim=1))
        return torch.sigmoid(logits).squeeze(1) if self.binary else torch.softmax(logits, dim=1)


def padded_batch(
    features: NDArray[np.floating], offsets: NDArray[np.integer]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Lay ragged jets out as the exported files take them.

    Args:
        features: particles of all jets [n_particles, C].
        offsets: first particle of each jet [n_jets + 1].

    Returns:
        features [n_jets, n, C] with zeros in padding, valid [n_jets, n]; n is at least 1.
    """
    counts = np.diff(offsets)
    n = max(int(counts.max(initial=0)), 1)
    valid = np.arange(n)[None, :] < counts[:, None]
    padded = np.zeros((len(counts), n, features.shape[1]), dtype=np.float32)
    padded[valid] = features
    return padded, valid
