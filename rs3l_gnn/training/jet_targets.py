"""Which views a fine-tuning sees, with the class and the weights of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import Split
from rs3l_gnn.data import EventBatches, ViewDraw, Views, ViewsSource, choose_events
from rs3l_gnn.training.config import FinetuneConfig
from rs3l_gnn.training.targets import class_weights, flat_weights, jet_targets

__all__ = ["JetTargets"]


@dataclass(frozen=True)
class JetTargets:
    """Class and weights of every view of the source.

    Attributes:
        target: class of each view, -1 for none [n_jets].
        weight: weight in the loss, with balance and flattening [n_jets].
        generator: generator weight alone [n_jets].
        side: side of the split [n_jets].
        event: index of the event [n_jets].
        draw: which views of an event a batch may hold.
    """

    target: NDArray[np.int64]
    weight: NDArray[np.float64]
    generator: NDArray[np.float64]
    side: NDArray[np.int8]
    event: NDArray[np.int64]
    draw: ViewDraw

    @classmethod
    def of(cls, source: ViewsSource, config: FinetuneConfig) -> JetTargets:
        """Targets of the views of a source.

        Raises:
            ConfigError: an unknown label, or edges of bins that do not rise.
            InvalidDataError: generator weights that cannot be used.
            TrainingError: a class without jets, or without weight.
        """
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
        draw = ViewDraw.of(index, config.views_per_event, config.variations, anchored=config.anchored)
        return cls(target, weight, generator, side, index.event_of_jet, draw)

    def may_be_drawn(self, index: Views) -> NDArray[np.bool_]:
        """True for views that a batch may hold [n_jets]; errors as :meth:`ViewDraw.jet_weights`."""
        return self.draw.jet_weights(index) > 0

    def class_shares(self, jets: NDArray[np.int64]) -> list[float]:
        """Shares of the classes in the weights of some jets [n_classes]."""
        known = jets[self.target[jets] >= 0]
        sums = np.bincount(self.target[known], weights=self.weight[known], minlength=int(self.target.max()) + 1)
        return [float(share) for share in sums / sums.sum()]

    def events(self, index: Views, config: FinetuneConfig) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Events that are trained on, and those whose loss chooses the epoch; rising."""
        usable = (self.target >= 0) & self.may_be_drawn(index)
        usable &= np.repeat(self.draw.has_enough(index, np.arange(index.n_events)), np.diff(index.first))
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
        self,
        source: ViewsSource,
        config: FinetuneConfig,
        events: NDArray[np.int64],
        *,
        features: Sequence[str],
        seed: int,
        shuffle: bool,
    ) -> EventBatches:
        """Batches of some events, with what a network of these features takes."""
        return EventBatches(
            source,
            events,
            self.draw,
            batch_events=min(config.batch_events, max(len(events), 1)),  # a small sample makes one batch
            seed=seed,
            shuffle=shuffle,
            buffer_events=config.trainer.buffer_events,
            features=features,
        )
