"""Everything that makes scores of particles, under one face: our networks and those of other programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FEATURE_NAMES, JetDomain, columns_of
from rs3l_gnn.conventions.seen_events import seen_by
from rs3l_gnn.data import Views, gather_jets
from rs3l_gnn.evaluation.config import EvaluateConfig
from rs3l_gnn.models import Discriminant, ExportedNetwork, one_score, require_one_score
from rs3l_gnn.models.folds import FoldNetworks, by_fold, fold_of, order_of_folds, require_alike
from rs3l_gnn.models.shared import LastEmbeddings
from rs3l_gnn.models.stored import checkpoint_path, seen_events

__all__ = ["JetInputs", "Scorer", "load_scorer"]


@dataclass(frozen=True)
class JetInputs:
    """Some jets of a block of views.

    Attributes:
        features, offsets: as :meth:`Views.take` gives them.
        names: of the features.
        axes: eta and phi [n_jets, 2].
        samples: names of samples.
        sample, event: index into ``samples`` and number of the event of each jet [n_jets].
        embeddings: what the last encoder made of them.
    """

    features: NDArray[np.float32]
    offsets: NDArray[np.int64]
    names: tuple[str, ...]
    axes: NDArray[np.float64]
    samples: tuple[str, ...]
    sample: NDArray[np.integer]
    event: NDArray[np.integer]
    embeddings: LastEmbeddings = field(default_factory=LastEmbeddings, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, block: Views, jets: NDArray[np.integer]) -> JetInputs:
        """Those of some jets of a block."""
        axes = np.stack([block.eta[jets], block.phi[jets]], axis=1).astype(np.float64)
        return cls(*block.take(jets), block.feature_names, axes, block.samples, block.sample[jets], block.event[jets])

    def some(self, jets: NDArray[np.integer]) -> JetInputs:
        """Those of some of the jets."""
        features, offsets = gather_jets(self.features, self.offsets, jets)
        return JetInputs(
            features, offsets, self.names, self.axes[jets], self.samples, self.sample[jets], self.event[jets]
        )

    def folds(self, folds: int) -> NDArray[np.int64]:
        """Fold that the event of each jet is in, of so many [n_jets]."""
        out = np.zeros(len(self.event), np.int64)
        for number, sample in enumerate(self.samples):
            mine = self.sample == number
            out[mine] = fold_of(sample, self.event[mine], folds)
        return out

    def of_network(self, names: Sequence[str]) -> NDArray[np.float32]:
        """What a network is given that takes ``names``; see :func:`rs3l_gnn.conventions.columns_of`."""
        columns = columns_of(names, self.names)
        return self.features if columns is None else self.features[:, columns]

    def embed(self, encoder: Any, digest: str) -> NDArray[np.float32]:
        """Embeddings by one of our own encoders [n_jets, dim], once for all of its digest that ask in turn."""
        features = encoder.config.features
        return self.embeddings.of(digest, lambda: encoder.embed(self.of_network(features), self.offsets))

    def of_the_paper(self) -> NDArray[np.float32]:
        """The 15 features of the paper, 0 where the views do not hold one [n_particles, 15]."""
        if self.names == FEATURE_NAMES:
            return self.features
        out = np.zeros((len(self.features), len(FEATURE_NAMES)), np.float32)
        for place, name in enumerate(FEATURE_NAMES):
            if name in self.names:
                out[:, place] = self.features[:, self.names.index(name)]
        return out


@dataclass(frozen=True)
class Scorer:
    """A tagger.

    Attributes:
        name: of its weights.
        features: that it takes.
        domain: what it was trained on.
        classes: names of the scores of the network.
        encoder: of our own taggers; None for others, and for several networks.
        encoder_digest: of its weights, None where it is.
    """

    name: str
    features: tuple[str, ...]
    domain: JetDomain
    encoder: Any
    encoder_digest: str | None
    _seen: Callable[[str, NDArray[np.integer]], NDArray[np.bool_]]
    classes: tuple[str, ...]
    _discriminant: Discriminant | None
    _score: Callable[[JetInputs], NDArray[np.float32]]

    def seen(self, views: Views, jets: NDArray[np.integer]) -> NDArray[np.bool_]:
        """True for the jets whose event it was trained on [n]."""
        found = np.zeros(len(jets), dtype=bool)
        for number, sample in enumerate(views.samples):
            mine = views.sample[jets] == number
            found[mine] = self.seen_of(sample, views.event[jets][mine])
        return found

    def seen_of(self, sample: str, event: NDArray[np.integer]) -> NDArray[np.bool_]:
        """The same for events of a sample, by their numbers [n]."""
        return self._seen(sample, event)

    def score(self, inputs: JetInputs) -> NDArray[np.float32]:
        """One score in [0, 1] for each jet [n_jets]."""
        return one_score(self._score(inputs), self.classes, self._discriminant, tagger=self.name)


def load_scorer(config: EvaluateConfig, weights: str) -> Scorer:
    """Load the weights of a training, or the file that a tagger of this name stands for.

    Raises:
        CheckpointError: they cannot be loaded.
        ConfigError: there are several classes, and no discriminant says which make one score; or networks of folds
            that do not go together.
    """
    other = config.others_than_trainings.get(weights)
    discriminant = _discriminant(config, weights)
    if isinstance(other, ExportedNetwork):
        from rs3l_gnn.models import ExportedTagger

        exported = ExportedTagger(other)
        require_one_score(exported.classes, discriminant, tagger=weights)
        return Scorer(
            weights,
            exported.features,
            exported.domain,
            None,
            None,
            partial(seen_by, exported.seen_events, where=weights),
            exported.classes,
            discriminant,
            lambda inputs: exported.score(
                inputs.of_the_paper() if exported.inputs == FEATURE_NAMES else inputs.of_network(exported.inputs),
                inputs.offsets,
                inputs.axes,
            ),
        )
    if isinstance(other, FoldNetworks):
        return _of_folds(weights, other, discriminant)
    return _of_training(weights, discriminant, file=config.file_of(weights))


def _of_training(weights: str, discriminant: Discriminant | None, *, file: str | None = None) -> Scorer:
    from rs3l_gnn.models import load_tagger

    path = checkpoint_path(file or weights, "tagger")
    tagger = load_tagger(path)
    require_one_score(tagger.classes, discriminant, tagger=weights)
    encoder, digest = tagger.encoder, tagger.encoder.digest
    return Scorer(
        weights,
        tuple(encoder.config.features),
        encoder.domain,
        encoder,
        digest,
        partial(seen_by, seen_events(path), where=weights),
        tagger.classes,
        discriminant,
        lambda inputs: tagger.score_embeddings(inputs.embed(encoder, digest)),
    )


def _of_folds(name: str, networks: FoldNetworks, discriminant: Discriminant | None) -> Scorer:
    """Each jet by the network that left its event out."""
    order = order_of_folds([(file, seen_events(checkpoint_path(file, "tagger"))) for file in networks.files])
    parts = [_of_training(networks.files[place], discriminant) for place in order]
    require_alike([(part.name, part.classes, part.features) for part in parts])

    def score(inputs: JetInputs) -> NDArray[np.float32]:
        return by_fold(inputs.folds(len(parts)), len(parts), lambda fold, mine: parts[fold].score(inputs.some(mine)))

    def seen(sample: str, event: NDArray[np.integer]) -> NDArray[np.bool_]:
        folds = fold_of(sample, event, len(parts))
        return by_fold(folds, len(parts), lambda fold, mine: parts[fold].seen_of(sample, event[mine]))

    return Scorer(name, parts[0].features, parts[0].domain, None, None, seen, ("signal",), None, score)


def _discriminant(config: EvaluateConfig, weights: str) -> Discriminant | None:
    for name, trainings in config.trainings.items():
        if name in config.discriminants and weights in trainings:
            return config.discriminants[name]
    return config.discriminant
