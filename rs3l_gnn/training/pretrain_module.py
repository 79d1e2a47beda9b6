"""The step of pre-training: embeddings of views, one loss or two, and what tells a useful embedding from another."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rs3l_gnn.models import Encoder, Head
from rs3l_gnn.training.config import PretrainConfig
from rs3l_gnn.training.gather import gather_embeddings
from rs3l_gnn.training.module import StepModule
from rs3l_gnn.training.monitors import alignment, effective_rank, linear_probe_auc, uniformity

__all__ = ["PairBatch", "PretrainModule"]

_log = logging.getLogger(__name__)
_COLLAPSED_RANK = 1.5
_MONITORED_EVENTS = 20_000
"""More say no more about an embedding, but their matrices would fill the memory."""


class PairBatch(NamedTuple):
    """Views of some events, those of an event side by side.

    Attributes:
        x: particles [n_particles, 15].
        offsets: first particle of each jet [n_events * n_views + 1].
        label: class of each event for the probe and the supervised loss, -1 for none [n_events].
        weight: generator weight of each event; None where all are equal, for the whole training [n_events].
    """

    x: Tensor
    offsets: Tensor
    label: Tensor
    weight: Tensor | None = None


class PretrainModule(StepModule):
    """Encoder, projection and loss on views.

    Args:
        encoder: to train.
        projection: what the loss sees of an embedding; None shows it the embedding.
        config: loss, optimiser and epochs.
        batches: batches in an epoch.
    """

    def __init__(self, encoder: Encoder, projection: Head | None, config: PretrainConfig, batches: int) -> None:
        super().__init__(config.optimizer, config.trainer.epochs, batches)
        self.encoder = encoder
        self.projection: nn.Module = nn.Identity() if projection is None else projection
        self._config = config
        self._validation: list[tuple[Tensor, Tensor, Tensor]] = []
        self._validation_losses: list[tuple[int, float, float]] = []
        self._blind_losses: list[tuple[int, float, float]] = []

    def batch_loss(self, batch: PairBatch) -> Tensor:
        """Loss with the views of all processes as negatives."""
        parts = [gather_embeddings(part) for part in self._parts(self.encoder(batch.x, batch.offsets))]
        needs_labels = any(loss.needs_labels for loss in self._config.losses)
        label = gather_embeddings(batch.label) if needs_labels else batch.label
        weight = None if batch.weight is None else gather_embeddings(batch.weight)
        return self._loss(parts, label, weight)

    def _parts(self, z: Tensor) -> list[Tensor]:
        """What each of the losses sees of embeddings."""
        split = self._config.split
        if split is None:
            return [self.projection(z)]
        return [self.projection(z[:, : split.invariant]), z[:, split.invariant :]][: len(self._config.losses)]

    def _loss(self, parts: Sequence[Tensor], label: Tensor, weight: Tensor | None) -> Tensor:
        first, *others = (
            loss.compute(part, label, self._config.views_per_event, weight)
            for loss, part in zip(self._config.losses, parts, strict=True)
        )
        for other in others:
            first = first + (1.0 if self._config.split is None else self._config.split.weight) * other
        return first

    def validate_batch(self, batch: PairBatch) -> None:
        """Every process validates on all batches, so that the numbers do not depend on how many there are."""
        z = self.encoder(batch.x, batch.offsets)
        n_views = self._config.views_per_event
        weight = torch.ones(len(batch.label)) if batch.weight is None else batch.weight.cpu()
        if len(z) >= 2 * n_views and float(weight.sum()) > 0:
            parts = self._parts(z)
            loss = self._loss(parts, batch.label, batch.weight).item()
            self._validation_losses.append((len(z), loss, float(weight.sum())))
            if self._config.trainer.restart is not None:
                blind = self._loss([torch.ones_like(part) for part in parts], batch.label, batch.weight).item()
                self._blind_losses.append((len(z), blind, float(weight.sum())))
        self._validation.append((z.float().cpu(), batch.label.cpu(), weight))

    def validation_metrics(self) -> dict[str, float | None]:
        """Validation loss; alignment, uniformity and rank of what the loss on views sees; probe AUC of all."""
        n_views = self._config.views_per_event
        z, label, weight = _some_events(self._validation, n_views)
        loss, self.blind_loss = _mean_loss(self._validation_losses), _mean_loss(self._blind_losses)
        self._validation, self._validation_losses, self._blind_losses = [], [], []
        seen = z if self._config.split is None else z[:, : self._config.split.invariant]
        rank = effective_rank(seen)
        if rank < _COLLAPSED_RANK and seen.shape[1] > 1:
            _log.warning(
                "epoch %d: the embeddings collapse: effective rank %.2f of %d; raise the temperature or the batch, "
                "or lower the learning rate",
                self.current_epoch + 1,
                rank,
                seen.shape[1],
            )
        binary = np.where(label == 1, 1, np.where(label == 0, 0, -1))
        return {
            "val_loss": loss,
            "alignment": alignment(seen, n_views, weight),
            "uniformity": uniformity(seen),
            "effective_rank": rank,
            "probe_auc": linear_probe_auc(z[::n_views], binary, weights=weight),
        }


def _mean_loss(losses: Sequence[tuple[int, float, float]]) -> float | None:
    """Weighted mean of the losses (size, loss, weight) of batches; a smaller last one would blur the comparison with
    training, since a loss with fewer negatives is smaller."""
    largest = max((size for size, _, _ in losses), default=0)
    whole = [(loss, counted) for size, loss, counted in losses if size == largest]
    return float(np.average([loss for loss, _ in whole], weights=[by for _, by in whole])) if whole else None


def _some_events(
    batches: Sequence[tuple[Tensor, Tensor, Tensor]], n_views: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Embeddings [n_events * n_views, dim], labels and weights [n_events] of every so manyth event of very many."""
    step = -(-sum(len(label) for _, label, _ in batches) // _MONITORED_EVENTS)
    z = torch.cat([z.reshape(-1, n_views, z.shape[1])[::step].flatten(0, 1) for z, _, _ in batches])
    label, weight = (torch.cat([batch[place][::step] for batch in batches]).numpy() for place in (1, 2))
    return z.numpy(), label, weight
