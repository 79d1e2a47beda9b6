"""Contrastive pre-training on views of the same hard event (arXiv:2403.07066)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from numpy.typing import NDArray
from torch import Tensor, nn

from rs3l_gnn.conventions import Split, refuse_existing
from rs3l_gnn.conventions.locks import holds_output
from rs3l_gnn.conventions.seen_events import SEEN_EVENTS, seen_record
from rs3l_gnn.data import EventBatches, ViewDraw, Views, ViewsSource, effective_number, events_on
from rs3l_gnn.models import Encoder, Head, HeadConfig, make_encoder, save_encoder
from rs3l_gnn.training.config import PretrainConfig
from rs3l_gnn.training.gather import gather_embeddings
from rs3l_gnn.training.loader import EpochLoader
from rs3l_gnn.training.module import StepModule
from rs3l_gnn.training.monitors import alignment, effective_rank, linear_probe_auc, uniformity
from rs3l_gnn.training.outputs import SavedTraining, chooses, identity, label_record, samples_of, write_training
from rs3l_gnn.training.process import rank_and_size
from rs3l_gnn.training.restart import with_restarts
from rs3l_gnn.training.runner import TrainingOutcome, prepare_state, run_training, training_threads
from rs3l_gnn.training.targets import jet_targets

__all__ = ["PairBatch", "PretrainModule", "pretrain"]

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


@holds_output
def pretrain(
    config: PretrainConfig,
    output: Path | str,
    *,
    force: bool = False,
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger] = (),
) -> SavedTraining:
    """Pre-train an encoder on pairs of views.

    The folder gets ``encoder.safetensors`` (and ``encoder_best``, ``encoder_last``), ``history.csv``, ``timing.csv``,
    ``config.yaml`` and ``provenance.json``. A training that was interrupted goes on where its last epoch ended.

    Args:
        config: settings.
        output: folder to write.
        force: replace an existing output.
        callbacks, loggers: of Lightning, beside those of ``config.trainer``; they see the metrics of the history and
            ``step_loss`` by name. What they do to a training, its provenance does not know.

    Raises:
        ConfigError: a sample or variation that the views do not have.
        InputFileError: no file of views, or a damaged one.
        InvalidDataError: generator weights that are not finite, or negative ones that ``weights`` does not allow.
        TrainingError: no usable pairs, a loss that is not finite, or an unfinished training of other settings.
        OutputError: the output exists or cannot be written.
    """
    output = Path(output)
    refuse_existing(output, force=force)
    with ViewsSource(config.views) as source, training_threads(config.trainer.threads, config.encoder):
        source.require_features(config.encoder.features, what="the encoder")
        state = prepare_state(output, record := identity(config, source.paths, config.seed), force=force)
        labels = _event_labels(source.index, config)
        weights = _event_weights(source.index, config)
        rank, size = rank_and_size(config.trainer, config.batch_events)

        def run(seed: int) -> tuple[Encoder, PretrainModule, TrainingOutcome, EventBatches, EventBatches]:
            train, validation = _batches(source, config, seed)
            encoder, projection = initial_networks(config, seed)
            encoder.domain = source.domain
            module = PretrainModule(encoder, projection, config, len(train))
            outcome = run_training(
                module,
                train=lambda epoch: EpochLoader(
                    partial(_make, train, labels, weights, epoch, (rank, size)), len(train), config.trainer.prefetch
                ),
                validation=lambda: EpochLoader(
                    partial(_make, validation, labels, weights, 0, (0, 1)), len(validation), 0
                ),
                n_jets=train.n_jets,
                config=config.trainer,
                folder=state,
                callbacks=callbacks,
                loggers=loggers,
                what="pre-training",
            )
            return encoder, module, outcome, train, validation

        (encoder, module, outcome, train, validation), failed = with_restarts(
            config.trainer.restart, state, config.seed, run
        )
    record["events"] = {
        "train": len(train.events),
        "validation": len(validation.events),
        "without_enough_views": train.n_short + validation.n_short,
    }
    samples = samples_of(source.index, train.events, validation.events)
    record[SEEN_EVENTS] = [seen_record("pre-training", samples, config.splits)]
    if weights is not None:
        record["effective_events"] = effective_number(weights[train.events])
    if config.trainer.restart is not None:
        record["failed_trainings"] = failed
    if any(loss.needs_labels for loss in config.losses):
        record["labels"] = label_record(len(train.events), len(validation.events), choosing=chooses(config.trainer))

    return write_training(
        output,
        module,
        outcome,
        name="encoder",
        save=lambda path: save_encoder(path, encoder, provenance=record),
        config=config,
        record=record,
        state=state,
        force=force,
    )


def initial_networks(config: PretrainConfig, seed: int) -> tuple[Encoder, Head | None]:
    """Encoder and projection with random weights that depend on the seed alone; torch's generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = make_encoder(config.encoder)
        if config.projection is None:
            return encoder, None
        # A tagger's head sees directions only, and so does the projection: what it needs must not hide in lengths.
        sizes = HeadConfig(hidden=config.projection.hidden, n_classes=config.projection.dim)
        seen = config.encoder.dim if config.split is None else config.split.invariant
        return encoder, Head(sizes, seen)


def _batches(source: ViewsSource, config: PretrainConfig, seed: int) -> tuple[EventBatches, EventBatches]:
    index = source.index
    draw = ViewDraw.of(index, config.views_per_event, config.variations, anchored=config.anchored)

    def on(part: Split, *, shuffle: bool) -> EventBatches:
        return EventBatches(
            source,
            events_on(index, part, config.splits, config.samples),
            draw,
            batch_events=config.batch_events,
            seed=seed,
            max_events=config.max_events if part is Split.TRAIN else None,
            shuffle=shuffle,
            buffer_events=config.trainer.buffer_events,
            features=config.encoder.features,
        )

    return on(Split.TRAIN, shuffle=True), on(Split.VALIDATION, shuffle=False)


def _event_labels(index: Views, config: PretrainConfig) -> NDArray[np.int64]:
    """Class of each event, from its nominal view [n_events]."""
    return jet_targets(index.jettype[index.first[:-1]], config.probe, index.labels)


def _event_weights(index: Views, config: PretrainConfig) -> NDArray[np.float32] | None:
    """Generator weight of each event, from its first view; None where all are equal [n_events]."""
    weights = config.weights.of(index)[index.first[:-1]]
    return None if (weights == 1).all() else weights.astype(np.float32)


def _make(  # noqa: PLR0917  # all but the number are fixed by the epoch
    batches: EventBatches,
    labels: NDArray[np.int64],
    weights: NDArray[np.float32] | None,
    epoch: int,
    part: tuple[int, int],
    number: int,
) -> PairBatch:
    batch = batches.batch(epoch, number, part=part)
    event = batches.event_of(batch)
    return PairBatch(
        torch.from_numpy(batch.features),
        torch.from_numpy(batch.offsets),
        torch.from_numpy(labels[event]),
        None if weights is None else torch.from_numpy(weights[event]),
    )
