"""Scores of all trainings on the test events, each computed once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError, Split, jettype_numbers, n2_score, progress
from rs3l_gnn.data import Views, ViewsSource
from rs3l_gnn.evaluation.config import BASELINE, ClassConfig, EvaluateConfig
from rs3l_gnn.evaluation.domains import domain_remarks
from rs3l_gnn.evaluation.joining import JoinedEvents, join_events
from rs3l_gnn.evaluation.responses.observables import particle_observables
from rs3l_gnn.evaluation.scorers import JetInputs, Scorer, load_scorer
from rs3l_gnn.evaluation.stored_scores import StoredScores, require_stored, stored_scores
from rs3l_gnn.models.shared import by_encoder
from rs3l_gnn.models.stored import checkpoint_path

__all__ = ["ScoredViews", "Scores", "find_test_events", "score_test_events"]

_BLOCK_EVENTS = 2048
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scores:
    """What one training says.

    Attributes:
        nominal: score of the nominal view of each event [n_events].
        views: score of every view [n_jets]; None if only the nominal ones were scored.
    """

    nominal: NDArray[np.float64]
    views: NDArray[np.float64] | None


@dataclass(frozen=True)
class ScoredViews:
    """Test views with the scores of every training.

    Attributes:
        events: the test events; their views have no particles.
        scores: by the name of the weights, the baseline ``n2`` among them.
        weights: generator weight of every view, see :func:`~rs3l_gnn.data.generator_weights` [n_jets].
        embeddings: of the nominal views, of the first training of each tagger and of each further encoder, by the name
            of the tagger or encoder [n_events, dim].
        remarks: how the views differ from what the networks were trained on.
        observables: those of the particles that are asked for, of every view [n_jets].
    """

    events: JoinedEvents
    weights: NDArray[np.float64]
    scores: Mapping[str, Scores]
    embeddings: Mapping[str, NDArray[np.float32]]
    remarks: tuple[str, ...] = ()
    observables: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def views(self) -> Views:
        """The test views."""
        return self.events.views

    @property
    def nominal(self) -> NDArray[np.int64]:
        """Jet of the nominal view of each event [n_events]."""
        return self.events.nominal

    @property
    def nominal_weights(self) -> NDArray[np.float64]:
        """Generator weight of the nominal view of each event [n_events]."""
        return self.weights[self.nominal]

    def in_class(self, which: ClassConfig) -> NDArray[np.bool_]:
        """True for events whose nominal view is of a class [n_events].

        Raises:
            ConfigError: a label that is neither in the registry nor one of the views.
        """
        numbers = jettype_numbers(which.jettypes, self.views.labels, where=f"class {which.name!r}")
        return np.asarray(np.isin(self.views.jettype[self.nominal], list(numbers)))

    def pairs(self, which: ClassConfig, vartype: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Events of a class that have a varied view, and the jet of that view [n]."""
        event = self.views.event_of_jet
        varied = np.flatnonzero((self.views.vartype == vartype) & self.in_class(which)[event])
        return event[varied], varied


def find_test_events(config: EvaluateConfig) -> ScoredViews:
    """The test events without scores of networks; nothing but the columns of the files is read.

    Raises:
        InputFileError: no file of views, a damaged one, or no test event.
        InvalidDataError, ConfigError: generator weights that cannot be used.
    """
    with ViewsSource(config.views) as source:
        events = join_events(source, config.splits, Split[config.side.upper()], variations=config.variations)
    return ScoredViews(events, config.weights.of(events.views), {}, {})


def score_test_events(config: EvaluateConfig) -> ScoredViews:
    """Score the test events block by block, so that memory holds the particles of one block alone.

    Raises:
        InputFileError: as for :func:`find_test_events`.
        CheckpointError: a tagger cannot be loaded.
        ConfigError: a tagger has several classes, and no discriminant says which make one score.
        InvalidDataError: the views lack features that a network takes, or scores that should be stored there.
    """
    needs: dict[str, bool] = {}
    for trainings, variations in config.recipes():
        for weights in trainings:
            needs[weights] = needs.get(weights, False) or variations
    needs.pop(BASELINE, None)
    if config.variations == ():
        needs = dict.fromkeys(needs, False)
    with ViewsSource(config.views, shower_weights=True) as source:
        events = join_events(source, config.splits, Split[config.side.upper()], variations=config.variations)
        stored, remarks = _stored(config, source, events)
        needs = {weights: every for weights, every in needs.items() if weights not in stored}
        parts = _score(config, source, events, needs)
    n2 = n2_score(events.views.n2b1)
    scores = {name: Scores(values[events.nominal], values) for name, values in {BASELINE: n2, **stored}.items()}
    for name, everything in needs.items():
        values = parts.scores[name]
        scores[name] = Scores(values[events.nominal] if everything else values, values if everything else None)
    remarks = (*parts.remarks, *remarks)
    return ScoredViews(events, config.weights.of(events.views), scores, parts.embeddings, remarks, parts.observables)


def _stored(
    config: EvaluateConfig, source: ViewsSource, events: JoinedEvents
) -> tuple[dict[str, NDArray[np.float64]], tuple[str, ...]]:
    """Scores of all views that came with the jets, by the tagger, and remarks on them."""
    scores, remarks = {}, []
    for name, tagger in config.others_than_trainings.items():
        if isinstance(tagger, StoredScores):
            column = tagger.column or name
            require_stored(source, column, tagger=name)
            scores[name], remark = stored_scores(events.views, column, tagger=name)
            if remark is not None:
                _log.warning("%s", remark)
                remarks.append(remark)
    return scores, tuple(remarks)


@dataclass(frozen=True)
class _Parts:
    scores: dict[str, NDArray[np.float64]]
    embeddings: dict[str, NDArray[np.float32]]
    remarks: tuple[str, ...]
    observables: dict[str, NDArray[np.float64]]


def _score(config: EvaluateConfig, source: ViewsSource, events: JoinedEvents, needs: Mapping[str, bool]) -> _Parts:
    taggers = {weights: load_scorer(config, weights) for weights in needs}
    encoders = _encoders(config, taggers)
    remarks = (*_compare(source, events, taggers, encoders), *_refuse_seen(config, events, taggers))
    if not needs and not encoders and (config.responses is None or config.responses.profile is None):
        return _Parts({}, {}, remarks, {})  # no particles are needed
    n_jets, n_events = events.views.n_jets, events.views.n_events
    scores = {weights: np.empty(n_jets if every else n_events) for weights, every in needs.items()}
    blocks: dict[str, list[tuple[NDArray[np.int64], NDArray[np.float32]]]] = {name: [] for name in encoders}
    target = np.full(source.index.n_jets, -1)
    target[events.source_jet] = np.arange(n_jets)
    event_of_jet = events.views.event_of_jet
    observables: dict[str, NDArray[np.float64]] = {}
    is_nominal = events.views.is_nominal()
    total = sum(n_jets if every else n_events for every in needs.values()) + n_events * len(encoders)
    digests = {name: encoder.digest for name, encoder in encoders.items()}
    tagger_order = by_encoder(needs, {name: tagger.encoder_digest for name, tagger in taggers.items()})
    encoder_order = by_encoder(encoders, digests)
    with progress("scores", total, "jets") as counter:
        for start in range(0, len(events.source_events), _BLOCK_EVENTS):
            chosen = events.source_events[start : start + _BLOCK_EVENTS]
            block = source.read_events(chosen)
            jet = target[source.index.jets_of(chosen)]
            _observe(config, observables, n_jets, jet, block)
            inputs = {}
            for every in {*needs.values(), False}:
                wanted = np.flatnonzero((jet >= 0) & (is_nominal[jet] | every))
                inputs[every] = jet[wanted], JetInputs.of(block, wanted)
            for weights in tagger_order:
                every = needs[weights]
                place, jets = inputs[every]
                scores[weights][place if every else event_of_jet[place]] = taggers[weights].score(jets)
                counter.advance(len(place))
            place, jets = inputs[False]
            for name in encoder_order:
                blocks[name].append((event_of_jet[place], jets.embed(encoders[name], digests[name])))
                counter.advance(len(place))
    return _Parts(scores, {name: _assemble(rows, n_events) for name, rows in blocks.items()}, remarks, observables)


def _observe(
    config: EvaluateConfig,
    found: dict[str, NDArray[np.float64]],
    n_jets: int,
    jet: NDArray[np.int64],
    block: Views,
) -> None:
    """Fill in what the profiles of the responses ask of the particles of a block, of every view."""
    profile = None if config.responses is None else config.responses.profile
    if profile is None:
        return
    wanted = np.flatnonzero(jet >= 0)
    features, offsets = block.take(wanted)
    values = particle_observables(
        features, offsets, profile.observables, soft_z=profile.soft_z, columns=block.feature_names
    )
    for name, numbers in values.items():
        found.setdefault(name, np.zeros(n_jets))[jet[wanted]] = numbers


def _encoders(config: EvaluateConfig, taggers: Mapping[str, Scorer]) -> dict[str, Any]:
    from rs3l_gnn.models import load_encoder

    firsts = {name: taggers.get(trainings[0]) for name, trainings in config.trainings.items()}
    named = {name: first.encoder for name, first in firsts.items() if first is not None and first.encoder is not None}
    return {**named, **{name: load_encoder(checkpoint_path(path, "encoder")) for name, path in config.encoders.items()}}


def _compare(
    source: ViewsSource, events: JoinedEvents, taggers: Mapping[str, Scorer], encoders: Mapping[str, Any]
) -> tuple[str, ...]:
    features = {name: tagger.features for name, tagger in taggers.items()}
    features |= {name: tuple(encoder.config.features) for name, encoder in encoders.items()}
    for name, needed in features.items():
        source.require_features(needed, what=name)
    trained = {name: tagger.domain for name, tagger in taggers.items()}
    trained |= {name: encoder.domain for name, encoder in encoders.items()}
    remarks = domain_remarks(source.domain, trained, events.views.pt[events.nominal])
    for remark in remarks:
        _log.warning("%s", remark)
    return remarks


def _refuse_seen(config: EvaluateConfig, events: JoinedEvents, taggers: Mapping[str, Scorer]) -> list[str]:
    """Refuse events that a tagger was trained on, or say how many there are where that is allowed."""
    remarks = []
    for name, tagger in taggers.items():
        n = int(tagger.seen(events.views, events.nominal).sum())
        if n and not config.allow_training_events:
            raise InvalidDataError(
                f"{name} was trained on {n} of the {len(events.nominal)} events that are evaluated here",
                hint="set splits to those of its training; if these are other events, give their sample another name "
                "(sample_names of pair); allow_training_events: true keeps them, and says so",
            )
        if n:
            remarks.append(f"{name}: trained on {n} of the {len(events.nominal)} events that are evaluated here")
            _log.warning("%s", remarks[-1])
    return remarks


def _assemble(rows: list[tuple[NDArray[np.int64], NDArray[np.float32]]], n_events: int) -> NDArray[np.float32]:
    out = np.empty((n_events, rows[0][1].shape[1]), np.float32)
    for place, values in rows:
        out[place] = values
    return out
