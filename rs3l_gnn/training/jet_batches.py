"""Batches of jets with their targets, and with what the parts of the loss must know of each jet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rs3l_gnn.data import EventBatches, ViewBatch, ViewsSource
from rs3l_gnn.training.jet_targets import JetTargets
from rs3l_gnn.training.loader import EpochLoader

__all__ = ["JetBatch", "JetBatches", "jet_table"]


class JetBatch(NamedTuple):
    """Jets with their targets, the views of an event side by side.

    Attributes:
        x: particles [n_particles, 15]; with a fixed encoder the embeddings [n_jets, dim] instead.
        offsets: first particle of each jet [n_jets + 1].
        target: class of each jet [n_jets].
        weight: weight of each jet in the loss, of mean 1 over the training jets [n_jets].
        generator: its generator weight alone, for the metrics [n_jets].
        columns: what each penalty must know of the jets, each [n_jets, n_columns].
        teacher: mean logits of the teachers [n_jets, n_classes], None without any.
    """

    x: Tensor
    offsets: Tensor
    target: Tensor
    weight: Tensor
    generator: Tensor
    columns: tuple[Tensor, ...] = ()
    teacher: Tensor | None = None


@dataclass(frozen=True)
class JetBatches:
    """Batches with their targets.

    Attributes:
        batches: which views.
        targets: class and weights of all views.
        columns: of all views, for the penalties, each [n_jets, n_columns].
        embed: replaces the particles by embeddings [n, dim] of jets by index; None for particles.
        teacher: mean logits of the teachers of all views [n_jets, n_classes]; None without any.
    """

    batches: EventBatches
    targets: JetTargets
    columns: Sequence[NDArray[np.float32]] = ()
    embed: NDArray[np.float32] | None = None
    teacher: NDArray[np.float32] | None = None

    def loader(self, epoch: int, *, part: tuple[int, int] = (0, 1), prefetch: int = 0) -> EpochLoader[JetBatch]:
        """The batches of an epoch, or the i-th of n equal shares of each."""
        return EpochLoader(partial(self._make, epoch, part), len(self.batches), prefetch)

    def _make(self, epoch: int, part: tuple[int, int], number: int) -> JetBatch:
        if self.embed is None:
            batch = self.batches.batch(epoch, number, part=part)
        else:
            jets = self.batches.jets(epoch, number)[part[0] :: part[1]].ravel()
            batch = ViewBatch(self.embed[jets], np.arange(len(jets) + 1), jets)
        # A drawn view may have lost its class (a jet that left its partons behind); it then carries no weight.
        target = self.targets.target[batch.jets]
        weight, generator = (
            np.where(target >= 0, column[batch.jets], 0.0).astype(np.float32)
            for column in (self.targets.weight, self.targets.generator)
        )
        return JetBatch(
            torch.from_numpy(batch.features),
            torch.from_numpy(batch.offsets),
            torch.from_numpy(np.maximum(target, 0)),
            torch.from_numpy(weight),
            torch.from_numpy(generator),
            tuple(torch.from_numpy(column[batch.jets]) for column in self.columns),
            None if self.teacher is None else torch.from_numpy(self.teacher[batch.jets]),
        )


def jet_table(
    source: ViewsSource,
    jets: NDArray[np.int64],
    width: int,
    network: Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]],
    *,
    features: Sequence[str] | None = None,
    block: int = 4096,
) -> NDArray[np.float32]:
    """What a network says of these jets, computed once; zero for the others.

    Args:
        source: where the particles are.
        jets: rising jet indices [n].
        width: numbers that the network gives for a jet.
        network: (features [n_particles, n_features], offsets [n + 1]) to [n, width].
        features: what the network takes; all that the views hold if None.
        block: jets at once.

    Returns:
        Of all jets of the source [n_jets, width].
    """
    table = np.zeros((source.index.n_jets, width), np.float32)
    for start in range(0, len(jets), block):
        some = jets[start : start + block]
        table[some] = network(*source.read_jets(some, features=features))
    return table
