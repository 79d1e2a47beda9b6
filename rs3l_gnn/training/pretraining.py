"""Contrastive pre-training on views of the same hard event (arXiv:2403.07066)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from numpy.typing import NDArray

from rs3l_gnn.conventions import Split, refuse_existing
from rs3l_gnn.conventions.locks import holds_output
from rs3l_gnn.conventions.seen_events import SEEN_EVENTS, seen_record
from rs3l_gnn.data import EventBatches, ViewDraw, Views, ViewsSource, effective_number, events_on
from rs3l_gnn.models import Encoder, Head, HeadConfig, make_encoder, save_encoder
from rs3l_gnn.models.stored import seen_events
from rs3l_gnn.training.config import PretrainConfig
from rs3l_gnn.training.epoch_data import EpochData
from rs3l_gnn.training.loader import EpochLoader
from rs3l_gnn.training.outputs import SavedTraining, chooses, identity, label_record, samples_of, write_training
from rs3l_gnn.training.pretrain_module import PairBatch, PretrainModule
from rs3l_gnn.training.process import rank_and_size
from rs3l_gnn.training.restart import with_restarts
from rs3l_gnn.training.runner import TrainingOutcome, prepare_state, run_training, training_threads
from rs3l_gnn.training.targets import jet_targets
from rs3l_gnn.training.warm_start import loaded_encoder

__all__ = ["PairBatch", "PretrainModule", "prepared_pretraining", "pretrain"]


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
        CheckpointError: the weights to go on from cannot be loaded, or are of another architecture.
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
        record = identity(config, source.paths, config.seed)
        if config.start_from is not None:
            record["encoder_digest"] = loaded_encoder(config.start_from, config.encoder, key="encoder").digest
        state = prepare_state(output, record, force=force)

        def run(seed: int) -> tuple[_Prepared, TrainingOutcome]:
            prepared = _prepare(source, config, seed)
            outcome = run_training(
                prepared.module,
                prepared.data,
                config=config.trainer,
                folder=state,
                callbacks=callbacks,
                loggers=loggers,
                what="pre-training",
            )
            return prepared, outcome

        (prepared, outcome), failed = with_restarts(config.trainer.restart, state, config.seed, run)
    train, validation = prepared.train, prepared.validation
    record["events"] = {
        "train": len(train.events),
        "validation": len(validation.events),
        "without_enough_views": train.n_short + validation.n_short,
    }
    samples = samples_of(source.index, train.events, validation.events)
    before = [] if config.start_from is None else seen_events(config.start_from)
    record[SEEN_EVENTS] = [*before, seen_record("pre-training", samples, config.splits)]
    if prepared.weights is not None:
        record["effective_events"] = effective_number(prepared.weights[train.events])
    if config.trainer.restart is not None:
        record["failed_trainings"] = failed
    if any(loss.needs_labels for loss in config.losses):
        record["labels"] = label_record(len(train.events), len(validation.events), choosing=chooses(config.trainer))

    return write_training(
        output,
        prepared.module,
        outcome,
        name="encoder",
        save=lambda path: save_encoder(path, prepared.module.encoder, provenance=record),
        config=config,
        record=record,
        state=state,
        force=force,
    )


@contextmanager
def prepared_pretraining(config: PretrainConfig) -> Iterator[tuple[PretrainModule, EpochData]]:
    """What ``pretrain`` trains, for a trainer of your own.

    ``with prepared_pretraining(config) as (module, data): Trainer(...).fit(module, datamodule=data)``, with
    ``reload_dataloaders_every_n_epochs=1`` and ``use_distributed_sampler=False``; ``module.encoder`` is trained.

    Args:
        config: settings; those of ``trainer`` that concern Lightning's trainer are not used.

    Yields:
        Module and data, while the files of views are open; errors as of :func:`pretrain`.
    """
    with ViewsSource(config.views) as source, training_threads(config.trainer.threads, config.encoder):
        source.require_features(config.encoder.features, what="the encoder")
        prepared = _prepare(source, config, config.seed)
        try:
            yield prepared.module, prepared.data
        finally:
            prepared.data.close()


@dataclass(frozen=True)
class _Prepared:
    module: PretrainModule
    data: EpochData
    train: EventBatches
    validation: EventBatches
    weights: NDArray[np.float32] | None


def _prepare(source: ViewsSource, config: PretrainConfig, seed: int) -> _Prepared:
    labels, weights = _event_labels(source.index, config), _event_weights(source.index, config)
    train, validation = _batches(source, config, seed)
    encoder, projection = initial_networks(config, seed)
    encoder.domain = source.domain
    share = rank_and_size(config.trainer, config.batch_events)
    data = EpochData(
        train=lambda epoch: EpochLoader(
            partial(_make, train, labels, weights, epoch, share), len(train), config.trainer.prefetch
        ),
        validation=lambda: EpochLoader(partial(_make, validation, labels, weights, 0, (0, 1)), len(validation), 0),
        n_jets=train.n_jets,
    )
    return _Prepared(PretrainModule(encoder, projection, config, len(train)), data, train, validation, weights)


def initial_networks(config: PretrainConfig, seed: int) -> tuple[Encoder, Head | None]:
    """Encoder and projection; random weights depend on the seed alone, and torch's generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = _first_encoder(config)
        if config.projection is None:
            return encoder, None
        # A tagger's head sees directions only, and so does the projection: what it needs must not hide in lengths.
        sizes = HeadConfig(hidden=config.projection.hidden, n_classes=config.projection.dim)
        seen = config.encoder.dim if config.split is None else config.split.invariant
        return encoder, Head(sizes, seen)


def _first_encoder(config: PretrainConfig) -> Encoder:
    if config.start_from is None:
        return make_encoder(config.encoder)
    return loaded_encoder(config.start_from, config.encoder, key="encoder")


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
