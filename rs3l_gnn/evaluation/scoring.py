"""Scores of all taggers on the test events."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError, JetType, Split, n2_score
from rs3l_gnn.data import Views, ViewsSource
from rs3l_gnn.evaluation.config import BASELINE, ClassConfig, EvaluateConfig
from rs3l_gnn.models import load_encoder, load_tagger

__all__ = ["ScoredViews", "checkpoint_path", "read_test_views", "score_test_events"]


@dataclass(frozen=True)
class ScoredViews:
    """Test views with the score of every tagger.

    Attributes:
        views: the test views (particles included).
        scores: of each tagger, with the baseline ``n2`` first [n_jets].
        embeddings: of the nominal views, for each encoder to probe [n_events, dim].
        nominal: jet of the nominal view of each event [n_events].
    """

    views: Views
    scores: dict[str, NDArray[np.float64]]
    embeddings: dict[str, NDArray[np.float32]]
    nominal: NDArray[np.int64]

    def in_class(self, which: ClassConfig) -> NDArray[np.bool_]:
        """True for events whose nominal view is of a class [n_events]."""
        numbers = [int(JetType[name]) for name in which.jettypes]
        return np.asarray(np.isin(self.views.jettype[self.nominal], numbers))

    def pairs(self, which: ClassConfig, vartype: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Jets of the nominal and of the varied view, for the events of a class that have both [n]."""
        event = self.views.event_of_jet
        varied = np.flatnonzero((self.views.vartype == vartype) & self.in_class(which)[event])
        return self.nominal[event[varied]], varied


def checkpoint_path(name: str, stem: str) -> str:
    """Weights inside a folder of a training, or the name itself."""
    folder = Path(name)
    return str(folder / f"{stem}.safetensors") if folder.is_dir() else name


def read_test_views(config: EvaluateConfig) -> Views:
    """All views of the test events.

    Raises:
        InputFileError: no file of views, a damaged one, or no test event.
    """
    with ViewsSource(config.views) as source:
        index = source.index
        side = index.split(config.splits)[index.first[:-1]] if index.n_events else np.zeros(0, np.int8)
        events = np.flatnonzero(side == Split.TEST)
        if len(events) == 0:
            raise InputFileError(f"none of the {index.n_events} events is on the test side of the split")
        return source.read_events(events)


def score_test_events(config: EvaluateConfig) -> ScoredViews:
    """Read the test events and score them.

    Raises:
        InputFileError: as for :func:`read_test_views`.
        CheckpointError: a tagger cannot be loaded.
    """
    views = read_test_views(config)
    nominal = views.first[:-1]
    features, offsets = views.take(nominal)
    scores = {"n2": n2_score(views.n2b1)}
    embeddings = {}
    for name, trainings in config.trainings.items():
        if name == BASELINE:
            continue
        tagger = load_tagger(checkpoint_path(trainings[0], "tagger"))
        scores[name] = tagger.score(views.features, views.offsets).astype(np.float64)
        embeddings[name] = tagger.encoder.embed(features, offsets)
    for name, weights in config.encoders.items():
        embeddings[name] = load_encoder(checkpoint_path(weights, "encoder")).embed(features, offsets)
    return ScoredViews(views, scores, embeddings, nominal)
