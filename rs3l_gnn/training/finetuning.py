"""Fine-tuning of a tagger on an encoder, or on random weights for the supervised baseline."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from numpy.typing import NDArray

from rs3l_gnn.conventions import refuse_existing
from rs3l_gnn.conventions.locks import holds_output
from rs3l_gnn.conventions.seen_events import SEEN_EVENTS, seen_record
from rs3l_gnn.data import ViewsSource, effective_number
from rs3l_gnn.models import (
    EdgeConvConfig,
    Encoder,
    Head,
    Tagger,
    make_encoder,
    save_tagger,
)
from rs3l_gnn.models.stored import seen_events
from rs3l_gnn.training.config import FinetuneConfig
from rs3l_gnn.training.distillation import load_teachers, teacher_logits
from rs3l_gnn.training.epoch_data import EpochData
from rs3l_gnn.training.jet_batches import JetBatch, JetBatches, jet_table
from rs3l_gnn.training.jet_targets import JetTargets
from rs3l_gnn.training.outputs import SavedTraining, chooses, identity, label_record, samples_of, write_training
from rs3l_gnn.training.parts import scale_free_part
from rs3l_gnn.training.penalty import BoundPenalty
from rs3l_gnn.training.process import rank_and_size
from rs3l_gnn.training.restart import with_restarts
from rs3l_gnn.training.runner import TrainingOutcome, prepare_state, run_training, training_threads
from rs3l_gnn.training.tagger_module import FinetuneModule
from rs3l_gnn.training.tilting import Tilting, tilt_finished
from rs3l_gnn.training.warm_start import loaded_encoder

__all__ = ["FinetuneModule", "JetBatch", "finetune", "prepared_finetuning"]

_log = logging.getLogger(__name__)


@holds_output
def finetune(
    config: FinetuneConfig,
    output: Path | str,
    *,
    force: bool = False,
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger] = (),
) -> SavedTraining:
    """Train a head, and the encoder with it if it floats.

    The folder gets ``tagger.safetensors`` (and ``tagger_best``, ``tagger_last``), ``history.csv``, ``timing.csv``,
    ``config.yaml`` and ``provenance.json``. A training that was interrupted goes on where its last epoch ended.

    Args:
        config: settings; ``encoder: null`` gives the supervised baseline from random weights, and ``tagger`` is tilted
            without a training.
        output: folder to write.
        force: replace an existing output.
        callbacks, loggers: of Lightning, beside those of ``config.trainer``; they see the metrics of the history and
            ``step_loss`` by name. What they do to a training, its provenance does not know.

    Raises:
        InputFileError: no file of views, or a damaged one.
        InvalidDataError: generator weights that are not finite, or negative ones that ``weights`` does not allow.
        CheckpointError: the encoder cannot be loaded, or is not of the configured architecture.
        TrainingError: a class without jets, a loss that is not finite, or an unfinished training of other settings.
        OutputError: the output exists or cannot be written.
    """
    output = Path(output)
    refuse_existing(output, force=force)
    if config.tagger is not None:
        return tilt_finished(config, output, force=force)
    with _opened(config) as (source, tagger):
        record = {**identity(config, source.paths, config.seed), "encoder_digest": tagger.encoder.digest}
        state = prepare_state(output, record, force=force)
        prepared = _Preparation.of(source, config, tagger)
        record[SEEN_EVENTS] = [
            *(record for weights in _sources(config) for record in seen_events(weights)),
            seen_record("fine-tuning", samples_of(source.index, prepared.events, prepared.watched), config.splits),
        ]

        def train(seed: int) -> tuple[FinetuneModule, TrainingOutcome]:
            module, data = prepared.build(seed)
            outcome = run_training(
                module,
                data,
                config=config.trainer,
                folder=state,
                callbacks=callbacks,
                loggers=loggers,
                what="fine-tuning",
            )
            return module, outcome

        (module, outcome), failed = with_restarts(config.trainer.restart, state, config.seed, train)
        record |= prepared.record()
        if config.trainer.restart is not None:
            record["failed_trainings"] = failed
        module.tagger.encoder.requires_grad_(requires_grad=True)
        return write_training(
            output,
            module,
            outcome,
            name="tagger",
            save=partial(_save, module.tagger, prepared, record),
            config=config,
            record=record,
            state=state,
            force=force,
        )


def _save(tagger: Tagger, prepared: _Preparation, record: dict[str, Any], path: Path) -> None:
    """Write a tagger, tilted where the configuration says so; the record of the folder is that of the kept epoch."""
    config = prepared.config
    if prepared.tilting is None:
        save_tagger(path, tagger, provenance=record)
        return
    _log.info("%s:", path.stem)
    tilted, told = prepared.tilting.tilted(tagger, config.robustness)
    save_tagger(path, tilted, provenance={**record, "tilt": told})
    if path.stem.endswith(config.trainer.keep):
        record["tilt"] = told


@contextmanager
def prepared_finetuning(config: FinetuneConfig) -> Iterator[tuple[FinetuneModule, EpochData]]:
    """What ``finetune`` trains, for a trainer of your own; see :func:`prepared_pretraining`.

    Args:
        config: settings; those of ``trainer`` that concern Lightning's trainer are not used.

    Yields:
        Module, whose ``tagger`` is what is trained, and data, while the files of views are open; errors as of
        :func:`finetune`.
    """
    with _opened(config) as (source, tagger):
        module, data = _Preparation.of(source, config, tagger).build(config.seed)
        try:
            yield module, data
        finally:
            data.close()


@contextmanager
def _opened(config: FinetuneConfig) -> Iterator[tuple[ViewsSource, Tagger]]:
    """The views, with all that the configuration needs of them, and the tagger to begin with."""
    tagger = initial_tagger(config, config.seed)
    with (
        ViewsSource(config.views, shower_weights=config.needs_shower_weights) as source,
        training_threads(config.trainer.threads, tagger.encoder.config),
    ):
        source.require_features(tagger.encoder.config.features, what="the encoder")
        for clause in source.domain.strange(tagger.encoder.domain):
            _log.warning("encoder %s: %s", config.encoder, clause)
        yield source, tagger


@dataclass(frozen=True)
class _Preparation:
    """What the trainings of all seeds share."""

    source: ViewsSource
    config: FinetuneConfig
    targets: JetTargets
    events: NDArray[np.int64]
    watched: NDArray[np.int64]
    penalties: list[BoundPenalty]
    tilting: Tilting | None
    shares: list[float]
    embed: NDArray[np.float32] | None
    teacher: NDArray[np.float32] | None

    @classmethod
    def of(cls, source: ViewsSource, config: FinetuneConfig, tagger: Tagger) -> _Preparation:
        targets = JetTargets.of(source, config)
        events, watched = targets.events(source.index, config)
        used = np.flatnonzero(
            np.isin(targets.event, np.concatenate([events, watched])) & targets.may_be_drawn(source.index)
        )
        return cls(
            source,
            config,
            targets,
            events,
            watched,
            penalties=[penalty.bind(source.index, targets.draw) for penalty in config.active_penalties],
            tilting=None
            if config.active_tilt is None
            else Tilting.of(
                source, config.active_tilt, targets, config.targets.groups(), trained=events, watched=watched
            ),
            shares=targets.class_shares(used[np.isin(targets.event[used], events)]),
            embed=_embeddings(source, tagger.encoder, used) if config.mode == "fixed" else None,
            teacher=_teachers(source, tagger, used, config),
        )

    def record(self) -> dict[str, Any]:
        """How many events and labels the training has."""
        events, watched, weights = self.events, self.watched, self.targets.generator
        labels = label_record(len(events), len(watched), choosing=chooses(self.config.trainer))
        _log.info("labelled events: %(train)d trained on, %(choice)d choose the epoch, %(total)d in all", labels)
        record: dict[str, Any] = {"events": {"train": len(events), "validation": len(watched)}, "labels": labels}
        if (weights != 1).any():
            record["effective_events"] = effective_number(weights[self.source.index.first[:-1][events]])
        return record

    def build(self, seed: int) -> tuple[FinetuneModule, EpochData]:
        config = self.config
        tagger = initial_tagger(config, seed)
        tagger.encoder.domain = self.source.domain
        training, validating = (
            JetBatches(
                self.targets.batches(
                    self.source, config, some, features=tagger.encoder.config.features, seed=seed, shuffle=shuffle
                ),
                self.targets,
                [one.columns for one in self.penalties],
                self.embed,
                self.teacher,
            )
            for some, shuffle in ((self.events, True), (self.watched, False))
        )
        share = rank_and_size(config.trainer, config.batch_events)
        module = FinetuneModule(tagger, config, len(training.batches), self.penalties, shares=self.shares)
        data = EpochData(
            train=lambda epoch: training.loader(epoch, part=share, prefetch=config.trainer.prefetch),
            validation=lambda: validating.loader(0),
            n_jets=training.batches.n_jets,
        )
        return module, data


def initial_tagger(config: FinetuneConfig, seed: int) -> Tagger:
    """Encoder as configured with a random head that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if config.encoder is None:
            encoder = make_encoder(config.architecture or EdgeConvConfig())
            _log.info("encoder: random weights")
        else:
            encoder = loaded_encoder(config.encoder, config.architecture, key="architecture")
            if config.free_part is not None:
                scale_free_part(encoder, config.free_part)
        names = tuple(config.targets.groups()) if config.head.n_classes > 1 else None
        return Tagger(encoder, Head(config.head, encoder.config.dim), classes=names)


def _embeddings(source: ViewsSource, encoder: Encoder, jets: NDArray[np.int64]) -> NDArray[np.float32]:
    return jet_table(source, jets, encoder.config.dim, encoder.embed, features=encoder.config.features)


def _teachers(
    source: ViewsSource, tagger: Tagger, jets: NDArray[np.int64], config: FinetuneConfig
) -> NDArray[np.float32] | None:
    if config.distillation is None:
        return None
    teachers = load_teachers(config.distillation.teachers, tagger.classes)
    for path, teacher in zip(config.distillation.teachers, teachers, strict=True):
        source.require_features(teacher.encoder.config.features, what=f"the teacher {path}")
    return teacher_logits(source, jets, teachers)


def _sources(config: FinetuneConfig) -> list[str]:
    """Weights that a training starts from or learns from."""
    teachers = () if config.distillation is None else config.distillation.teachers
    return [str(weights) for weights in (config.encoder, *teachers) if weights is not None]
