"""Fine-tuning of a tagger on an encoder, or on random weights for the supervised baseline."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rs3l_gnn.conventions import CheckpointError, Split, refuse_existing
from rs3l_gnn.data import EventBatches, ViewBatch, ViewDraw, Views, ViewsSource, choose_events, effective_number
from rs3l_gnn.models import (
    EdgeConvConfig,
    Encoder,
    EncoderConfig,
    Head,
    Tagger,
    load_encoder,
    make_encoder,
    save_tagger,
)
from rs3l_gnn.training.config import FinetuneConfig
from rs3l_gnn.training.loader import EpochLoader
from rs3l_gnn.training.module import StepModule
from rs3l_gnn.training.monitors import area_under_roc
from rs3l_gnn.training.outputs import SavedTraining, chooses, identity, label_record, write_training
from rs3l_gnn.training.process import rank_and_size
from rs3l_gnn.training.runner import prepare_state, run_training, training_threads
from rs3l_gnn.training.targets import class_weights, flat_weights, jet_targets

__all__ = ["FinetuneModule", "JetBatch", "finetune"]

_log = logging.getLogger(__name__)


class JetBatch(NamedTuple):
    """Jets with their targets.

    Attributes:
        x: particles [n_particles, 15]; with a fixed encoder the embeddings [n_jets, dim] instead.
        offsets: first particle of each jet [n_jets + 1].
        target: class of each jet [n_jets].
        weight: weight of each jet in the loss, of mean 1 over the training jets [n_jets].
        generator: its generator weight alone, for the metrics [n_jets].
    """

    x: Tensor
    offsets: Tensor
    target: Tensor
    weight: Tensor
    generator: Tensor


class FinetuneModule(StepModule):
    """Tagger and cross entropy.

    Args:
        tagger: to train.
        config: classes, optimiser and epochs.
        batches: batches in an epoch.
    """

    def __init__(self, tagger: Tagger, config: FinetuneConfig, batches: int) -> None:
        super().__init__(config.optimizer, config.trainer.epochs, batches)
        # A fixed encoder stays outside: it is neither trained nor part of the checkpoints.
        self.net: nn.Module = tagger.head if config.mode == "fixed" else tagger
        self._config = config
        self._validation: list[tuple[Tensor, ...]] = []

    def parameter_groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Head and encoder, each at its own rate."""
        if not isinstance(self.net, Tagger):
            return [(1.0, list(self.net.parameters()))]
        return [
            (1.0, list(self.net.head.parameters())),
            (self._config.encoder_rate, list(self.net.encoder.parameters())),
        ]

    def on_train_epoch_start(self) -> None:
        """Thaw the encoder when its time has come."""
        super().on_train_epoch_start()
        if isinstance(self.net, Tagger):
            self.net.encoder.requires_grad_(self.current_epoch >= self._config.thaw_after)

    def logits(self, batch: JetBatch) -> Tensor:
        """Logits [n_jets], or [n_jets, n_classes] for three or more classes."""
        out: Tensor = self.net(batch.x) if self._config.mode == "fixed" else self.net(batch.x, batch.offsets)
        return out.float()

    def batch_loss(self, batch: JetBatch) -> Tensor:
        """Weighted mean of the cross entropy."""
        return (_cross_entropy(self.logits(batch), batch.target) * batch.weight).mean()

    def validate_batch(self, batch: JetBatch) -> None:
        """Keep the logits."""
        kept = (self.logits(batch), batch.target, batch.weight, batch.generator)
        self._validation.append(tuple(part.cpu() for part in kept))

    def validation_metrics(self) -> dict[str, float | None]:
        """Validation loss and, by generator weight, the AUC or for three or more classes the share of right answers."""
        logits, target, weight, generator = (torch.cat(parts) for parts in zip(*self._validation, strict=True))
        self._validation = []
        loss = (_cross_entropy(logits, target) * weight).double().mean().item()
        metrics: dict[str, float | None] = {"val_loss": loss}
        if logits.ndim == 1:
            metrics["val_auc"] = area_under_roc(logits.numpy(), target.numpy(), generator.numpy())
        else:
            correct = (logits.argmax(dim=1) == target).double() * generator
            total = generator.double().sum()
            metrics["val_accuracy"] = (correct.sum() / total).item() if total > 0 else None
        return metrics


def finetune(config: FinetuneConfig, output: Path | str, *, force: bool = False) -> SavedTraining:
    """Train a head, and the encoder with it if it floats.

    The folder gets ``tagger.safetensors`` (and ``tagger_best``, ``tagger_last``), ``history.csv``, ``timing.csv``,
    ``config.yaml`` and ``provenance.json``. A training that was interrupted goes on where its last epoch ended.

    Args:
        config: settings; ``encoder: null`` gives the supervised baseline from random weights.
        output: folder to write.
        force: replace an existing output.

    Raises:
        InputFileError: no file of views, or a damaged one.
        InvalidDataError: generator weights that are not finite, or negative ones that ``weights`` does not allow.
        CheckpointError: the encoder cannot be loaded, or is not of the configured architecture.
        TrainingError: a class without jets, a loss that is not finite, or an unfinished training of other settings.
        OutputError: the output exists or cannot be written.
    """
    output = Path(output)
    refuse_existing(output, force=force)
    tagger = initial_tagger(config)
    with ViewsSource(config.views) as source, training_threads(config.trainer.threads, tagger.encoder.config):
        source.require_features(tagger.encoder.config.features, what="the encoder")
        for clause in source.domain.strange(tagger.encoder.domain):
            _log.warning("encoder %s: %s", config.encoder, clause)
        tagger.encoder.domain = source.domain
        record = {**identity(config, source.paths, config.seed), "encoder_digest": tagger.encoder.digest}
        state = prepare_state(output, record, force=force)
        targets = _Targets.of(source, config)
        events, watched = targets.events(source.index, config)
        train = targets.batches(source, config, events, shuffle=True)
        validation = targets.batches(source, config, watched, shuffle=False)
        embed = None
        if config.mode == "fixed":
            used = np.isin(targets.event, np.concatenate([train.events, validation.events]))
            embed = _embeddings(source, tagger.encoder, np.flatnonzero(used & _may_be_drawn(source.index, config)))
        rank, size = rank_and_size(config.trainer, config.batch_events)
        module = FinetuneModule(tagger, config, len(train))

        training = _JetBatches(train, targets, embed)
        validating = _JetBatches(validation, targets, embed)
        outcome = run_training(
            module,
            train=lambda epoch: training.loader(epoch, part=(rank, size), prefetch=config.trainer.prefetch),
            validation=lambda: validating.loader(0),
            n_jets=train.n_jets,
            config=config.trainer,
            folder=state,
            what="fine-tuning",
        )
    record["events"] = {"train": len(train.events), "validation": len(validation.events)}
    record["labels"] = label_record(len(train.events), len(validation.events), choosing=chooses(config.trainer))
    if (targets.generator != 1).any():
        record["effective_events"] = effective_number(targets.generator[source.index.first[:-1][train.events]])
    _log.info("labelled events: %(train)d trained on, %(choice)d choose the epoch, %(total)d in all", record["labels"])

    tagger.encoder.requires_grad_(requires_grad=True)
    return write_training(
        output,
        module,
        outcome,
        name="tagger",
        save=lambda path: save_tagger(path, tagger, provenance=record),
        config=config,
        record=record,
        state=state,
        force=force,
    )


def initial_tagger(config: FinetuneConfig) -> Tagger:
    """Encoder as configured with a random head that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if config.encoder is None:
            encoder = make_encoder(config.architecture or EdgeConvConfig())
            _log.info("encoder: random weights")
        else:
            encoder = load_encoder(config.encoder)
            _require_architecture(config, encoder.config)
            _log.info("encoder: %s, all %d tensors loaded", config.encoder, len(encoder.state_dict()))
        names = tuple(config.targets.groups()) if config.head.n_classes > 1 else None
        return Tagger(encoder, Head(config.head, encoder.config.dim), classes=names)


def _require_architecture(config: FinetuneConfig, found: EncoderConfig) -> None:
    if config.architecture is None:
        return
    wanted = config.architecture.model_dump()
    for key, value in found.model_dump().items():
        if wanted.get(key) != value:
            raise CheckpointError(
                f"architecture.{key} of the configuration contradicts the encoder {config.encoder}",
                got=wanted.get(key),
                allowed=str(value),
                hint="leave architecture out to take the encoder's own",
            )


@dataclass(frozen=True)
class _Targets:
    """Class and weights of every view of the source."""

    target: NDArray[np.int64]
    weight: NDArray[np.float64]
    generator: NDArray[np.float64]
    side: NDArray[np.int8]
    event: NDArray[np.int64]

    @classmethod
    def of(cls, source: ViewsSource, config: FinetuneConfig) -> _Targets:
        index = source.index
        target = jet_targets(index.jettype, config.targets, index.labels)
        # A view counts only if its event is of the same class in the nominal view: an event has one target.
        nominal = np.repeat(target[index.first[:-1]], np.diff(index.first))
        target = np.where(target == nominal, target, -1)
        side = index.split(config.splits)
        training = (side == Split.TRAIN) & (target >= 0)
        n_classes = len(config.targets.groups())
        generator = config.weights.of(index)
        weight = generator.copy()
        per_class = class_weights(target[training], n_classes, generator[training])
        if config.balance:
            weight *= np.where(target >= 0, per_class[target], 1.0)
        edges: dict[str, Sequence[float]] = {str(name): cuts for name, cuts in config.flatten.items()}
        weight *= flat_weights(target, {name: getattr(index, name) for name in edges}, edges, generator)
        return cls(target, weight, generator, side, index.event_of_jet)

    def events(self, index: Views, config: FinetuneConfig) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Events that are trained on, and those whose loss chooses the epoch; rising."""
        usable = (self.target >= 0) & _may_be_drawn(index, config)
        sides = (Split.TRAIN, Split.VALIDATION)
        train, beside = (np.unique(self.event[usable & (self.side == side)]) for side in sides)
        labelled = choose_events(train, config.max_events, index.n_events, config.seed)
        if not config.holds_out:
            return labelled, beside
        n_held = max(round(config.held_out * len(labelled)), 1)
        # Of the labelled events those that a smaller max_events would leave out first.
        trained = choose_events(train, max(len(labelled) - n_held, 0), index.n_events, config.seed)
        return trained, np.setdiff1d(labelled, trained)

    def batches(
        self, source: ViewsSource, config: FinetuneConfig, events: NDArray[np.int64], *, shuffle: bool
    ) -> EventBatches:
        return EventBatches(
            source,
            events,
            ViewDraw(1, anchored=False, weights=config.variations),
            batch_events=min(config.batch_events, max(len(events), 1)),  # a small sample makes one batch
            seed=config.seed,
            shuffle=shuffle,
            buffer_events=config.trainer.buffer_events,
        )


def _may_be_drawn(index: Views, config: FinetuneConfig) -> NDArray[np.bool_]:
    """True for views of the variations that the training draws from [n_jets]."""
    names = [name for name, weight in config.variations.items() if weight > 0]
    return np.asarray(np.isin(index.vartype, [index.vartype_of(name) for name in names]))


def _embeddings(
    source: ViewsSource, encoder: Encoder, jets: NDArray[np.int64], block: int = 4096
) -> Callable[[NDArray[np.int64]], NDArray[np.float32]]:
    """Embeddings of these jets, computed once; gives them by jet index."""
    table = np.zeros((source.index.n_jets, encoder.config.dim), np.float32)
    for start in range(0, len(jets), block):
        some = jets[start : start + block]
        table[some] = encoder.embed(*source.read_jets(some))
    return table.__getitem__


@dataclass(frozen=True)
class _JetBatches:
    """Batches with their targets; ``embed`` replaces the particles by embeddings."""

    batches: EventBatches
    targets: _Targets
    embed: Callable[[NDArray[np.int64]], NDArray[np.float32]] | None

    def loader(self, epoch: int, *, part: tuple[int, int] = (0, 1), prefetch: int = 0) -> EpochLoader[JetBatch]:
        return EpochLoader(partial(self._make, epoch, part), len(self.batches), prefetch)

    def _make(self, epoch: int, part: tuple[int, int], number: int) -> JetBatch:
        if self.embed is None:
            batch = self.batches.batch(epoch, number, part=part)
        else:
            jets = self.batches.jets(epoch, number)[part[0] :: part[1]].ravel()
            batch = ViewBatch(self.embed(jets), np.arange(len(jets) + 1), jets)
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
        )


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    if logits.ndim == 1:
        return nn.functional.binary_cross_entropy_with_logits(logits, target.to(logits.dtype), reduction="none")
    return nn.functional.cross_entropy(logits, target, reduction="none")
