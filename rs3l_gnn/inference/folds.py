"""The networks of k folds as one tagger: each jet has the score of the network that did not see its event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rs3l_gnn.conventions import JetDomain
from rs3l_gnn.inference.inputs import JetInputs
from rs3l_gnn.inference.tagger import JetTagger
from rs3l_gnn.models.digest import joint_digest

__all__ = ["FoldTagger"]


class FoldTagger:
    """Taggers of ``rs3l finetune`` with ``splits: {folds: k, fold: i}``, one for each i.

    The fold of an event is that of its hash, as in the training, for events of other samples and recorded ones too, so
    that all are scored alike.

    Args:
        files: checkpoints, in any order.
        settings: of each, as for :class:`JetTagger`.

    Raises:
        CheckpointError: a file cannot be read.
        ConfigError: they are not the k networks of k folds, or have other classes or inputs than one another.

    Attributes:
        parts: the networks, by the fold that tests them.
        files: as given.
        puppi, precision: as of a :class:`JetTagger`.
        digest: of all of their digests.
        encoder_digest: None, since each fold has an encoder of its own.
        classes, features, domain, pt_min, discriminant: as of a :class:`JetTagger`.
    """

    def __init__(self, files: Sequence[str], **settings: Any) -> None:
        from rs3l_gnn.models.folds import order_of_folds, require_alike  # needs pydantic

        networks = [JetTagger(file, **settings) for file in files]
        order = order_of_folds([(network.name_or_path, network.seen_events) for network in networks])
        self.parts = tuple(networks[place] for place in order)
        require_alike([(part.name_or_path, part.classes, part.features) for part in self.parts])
        first = self.parts[0]
        self.files, self.puppi, self.precision = tuple(map(str, files)), first.puppi, first.precision
        self.name_or_path = ", ".join(part.name_or_path for part in self.parts)
        self.digest = joint_digest(part.digest for part in self.parts)
        self.encoder_digest = None
        self.classes, self.features, self.discriminant = first.classes, first.features, first.discriminant
        self.domain, self.pt_min = first.domain, max(part.pt_min for part in self.parts)

    def require(self, domain: JetDomain, *, where: str = "the events") -> tuple[str, ...]:
        """As :meth:`JetTagger.require`, of every network."""
        return tuple(dict.fromkeys(clause for part in self.parts for clause in part.require(domain, where=where)))

    def in_range(self, pt: Any) -> Any:
        """As :meth:`JetTagger.in_range`, of every network."""
        return np.logical_and.reduce([part.in_range(pt) for part in self.parts])

    def folds_of(self, sample: str, event: ArrayLike) -> NDArray[np.int64]:
        """Fold of each event [n]."""
        from rs3l_gnn.models.folds import fold_of

        return fold_of(sample, event, len(self.parts))

    def seen(self, sample: str, event: ArrayLike) -> NDArray[np.bool_]:
        """True for events that the very network that scores them has seen, which pre-training may have done [n]."""
        from rs3l_gnn.models.folds import by_fold

        numbers = np.asarray(event)
        return by_fold(
            self.folds_of(sample, numbers),
            len(self.parts),
            lambda fold, mine: self.parts[fold].seen(sample, numbers[mine]),
        )

    def combined(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """As :meth:`JetTagger.combined`."""
        return self.parts[0].combined(scores)

    def score(self, inputs: JetInputs, sample: str, event: ArrayLike) -> NDArray[np.float32]:
        """Scores of prepared jets, as :meth:`JetTagger.score` gives them.

        Args:
            inputs: the jets.
            sample: of the events.
            event: number of the event of each jet [n_jets].
        """
        return self.combined(self.class_scores(inputs, sample, event))

    def class_scores(self, inputs: JetInputs, sample: str, event: ArrayLike) -> NDArray[np.float32]:
        """As :meth:`JetTagger.class_scores`; arguments as for :meth:`score`."""
        from rs3l_gnn.models.folds import by_fold

        return by_fold(
            self.folds_of(sample, event),
            len(self.parts),
            lambda fold, mine: self.parts[fold].class_scores(_some(inputs, mine)),
        )


def _some(inputs: JetInputs, jets: NDArray[np.int64]) -> JetInputs:
    """Some of the jets, without their events."""
    from rs3l_gnn.conventions.jagged import offsets_of, ranges

    counts = np.diff(inputs.offsets)[jets]
    rows = ranges(inputs.offsets[:-1][jets], counts)
    axes = None if inputs.axes is None else inputs.axes[jets]
    return replace(
        inputs,
        features=inputs.features[rows],
        offsets=offsets_of(counts),
        counts=np.ones(len(jets), np.int64),
        present=None,
        axes=axes,
    )
