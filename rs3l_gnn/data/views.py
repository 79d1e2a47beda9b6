"""All views of each hard event, in memory: ragged particles, one row a jet, jets of an event together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    NOMINAL,
    InvalidDataError,
    JetLabel,
    SplitFractions,
    UnknownVariationError,
    Variation,
    check_offsets,
    jettype_names,
    merge_labels,
    split_of,
)
from rs3l_gnn.conventions.jagged import offsets_of, parents_of, ranges, starts_of
from rs3l_gnn.data.list_copies import put_lists

__all__ = ["JET_COLUMNS", "TABLES", "Views", "concatenate_views", "gather_jets", "group_views"]

JET_COLUMNS: dict[str, type[np.generic]] = {
    "event": np.int64,
    "sample": np.int16,
    "vartype": np.int16,
    "jettype": np.int16,
    "pt": np.float32,
    "eta": np.float32,
    "phi": np.float32,
    "mass": np.float32,
    "msoftdrop": np.float32,
    "n2b1": np.float32,
    "weight": np.float32,
}
"""Columns with one entry a jet, and their types in files."""
TABLES = {"shower_weights": "shower_weight_names", "scores": "score_names"}
"""Fields with a row a jet that may be absent -> field with the names of their columns."""


def gather_jets(
    features: NDArray[np.float32], offsets: NDArray[np.int64], jets: NDArray[np.integer]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Particles of some jets, in the order asked for.

    Args:
        features: particles of all jets [n_particles, n_features].
        offsets: first particle of each jet [n_jets + 1].
        jets: indices of the wanted jets [n_wanted]; repeats are allowed.

    Returns:
        Features [n_particles', n_features] and offsets [n_wanted + 1].
    """
    counts = offsets[1:][jets] - offsets[:-1][jets]
    return features[ranges(offsets[:-1][jets], counts)], offsets_of(counts)


@dataclass(frozen=True)
class Views:
    """Jets of all variations of hard events.

    The nominal view of an event comes first, then the others by rising ``vartype``; a view may be missing.

    Attributes:
        features: particles [n_particles, n_features], columns as ``feature_names`` says.
        offsets: first particle of each jet [n_jets + 1].
        first: first jet of each event [n_events + 1].
        event: number of the hard event in its sample [n_jets].
        sample: index into ``samples`` [n_jets].
        vartype: ``Variation.vartype`` [n_jets].
        jettype: ``conventions.JetType`` of this view [n_jets].
        pt: jet transverse momentum in GeV [n_jets]; likewise eta, phi, mass and msoftdrop (GeV).
        n2b1: the ratio N2 with beta = 1, 0 for jets of fewer than three particles [n_jets].
        weight: generator weight [n_jets].
        samples: names of the samples.
        variations: the variations that occur.
        shower_weight_names: what each shower weight varies, such as ``isr:muRfac=2.0``; none in older files.
        shower_weights: weight of a nominal view under another shower, relative to its generator weight, NaN for views
            without [n_jets, n_weights]; None where the file has none or they were not asked for.
        labels: those of the user's own that ``jettype`` may hold.
        feature_names: what the columns of ``features`` are.
        score_names: of taggers whose scores came with the jets.
        scores: of these taggers as the event files hold them, any numbers; NaN for views of files without
            [n_jets, n_scores]; None where no file has any.
    """

    features: NDArray[np.float32]
    offsets: NDArray[np.int64]
    first: NDArray[np.int64]
    event: NDArray[np.int64]
    sample: NDArray[np.int16]
    vartype: NDArray[np.int16]
    jettype: NDArray[np.int16]
    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    phi: NDArray[np.float32]
    mass: NDArray[np.float32]
    msoftdrop: NDArray[np.float32]
    n2b1: NDArray[np.float32]
    weight: NDArray[np.float32]
    samples: tuple[str, ...]
    variations: tuple[Variation, ...]
    shower_weight_names: tuple[str, ...] = ()
    shower_weights: NDArray[np.float32] | None = None
    labels: tuple[JetLabel, ...] = ()
    feature_names: tuple[str, ...] = FEATURE_NAMES
    score_names: tuple[str, ...] = ()
    scores: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.features.ndim != 2 or self.features.shape[1] != len(self.feature_names):
            raise InvalidDataError(
                f"features must have shape [n_particles, {len(self.feature_names)}]", got=self.features.shape
            )
        check_offsets(self.offsets, len(self.features))
        check_offsets(self.first, self.n_jets)
        for name in JET_COLUMNS:
            if getattr(self, name).shape != (self.n_jets,):
                raise InvalidDataError(
                    f"column {name!r} must have one entry for each of {self.n_jets} jets",
                    got=getattr(self, name).shape,
                )
        for table, names in TABLES.items():
            values, width = getattr(self, table), len(getattr(self, names))
            if values is not None and values.shape != (self.n_jets, width):
                raise InvalidDataError(f"{table} must have shape [{self.n_jets}, {width}]", got=values.shape)

    @property
    def n_jets(self) -> int:
        """Number of views of all events."""
        return len(self.offsets) - 1

    @property
    def n_events(self) -> int:
        """Number of hard events."""
        return len(self.first) - 1

    @property
    def event_of_jet(self) -> NDArray[np.int64]:
        """Index (not number) of the hard event of each jet [n_jets]."""
        return parents_of(np.diff(self.first))

    def jets_of(self, events: NDArray[np.integer]) -> NDArray[np.int64]:
        """Indices of all jets of some events, event after event."""
        counts = np.diff(self.first)[events]
        before = starts_of(counts)
        return np.asarray(np.arange(counts.sum()) + np.repeat(self.first[events] - before, counts), dtype=np.int64)

    def vartype_of(self, name: str) -> int:
        """Number of a variation in this file.

        Raises:
            UnknownVariationError: no view has it.
        """
        for variation in self.variations:
            if variation.name == name:
                return variation.vartype
        raise UnknownVariationError(
            f"variation {name!r} does not occur in these views", allowed=[v.name for v in self.variations]
        )

    def label_counts(self) -> dict[str, int]:
        """Events by the label of their first view, the nominal one; what no label stands for appears as its number."""
        names = jettype_names(self.labels)
        numbers, counts = np.unique(self.jettype[self.first[:-1]], return_counts=True)
        return {names.get(int(number), str(number)): int(count) for number, count in zip(numbers, counts, strict=True)}

    def is_nominal(self) -> NDArray[np.bool_]:
        """True for nominal views [n_jets]."""
        return np.asarray(self.vartype == NOMINAL.vartype)

    def split(self, fractions: SplitFractions) -> NDArray[np.int8]:
        """Side of the split of each jet, equal for all views of an event [n_jets]; numbers of ``conventions.Split``."""
        sides = np.zeros(self.n_jets, dtype=np.int8)
        for index, name in enumerate(self.samples):
            mine = self.sample == index
            sides[mine] = split_of(name, self.event[mine], fractions)
        return sides

    def take(self, jets: NDArray[np.integer]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Features and offsets of some jets, as :func:`gather_jets`."""
        return gather_jets(self.features, self.offsets, jets)

    def with_features(self, names: Sequence[str]) -> Views:
        """The same views with these features alone, in this order.

        Raises:
            InvalidDataError: they lack one.
        """
        if absent := [name for name in names if name not in self.feature_names]:
            raise InvalidDataError(f"the views do not hold {', '.join(absent)}", got=", ".join(self.feature_names))
        columns = [self.feature_names.index(name) for name in names]
        return replace(self, features=self.features[:, columns], feature_names=tuple(names))

    def columns(self, jets: slice | NDArray[np.integer]) -> dict[str, Any]:
        """What stands once for each jet, of some jets: ``JET_COLUMNS`` and ``TABLES``, by field name."""
        found: dict[str, Any] = {name: getattr(self, name)[jets] for name in JET_COLUMNS}
        for table in TABLES:
            values = getattr(self, table)
            found[table] = None if values is None else values[jets]
        return found

    def select_jets(self, keep: NDArray[np.bool_]) -> Views:
        """The views where ``keep`` [n_jets] is True; events left without any view go."""
        jets = np.flatnonzero(keep)
        features, offsets = self.take(jets)
        per_event = np.bincount(self.event_of_jet[jets], minlength=self.n_events)
        first = offsets_of(per_event[per_event > 0])
        return replace(self, features=features, offsets=offsets, first=first, **self.columns(jets))

    def select_events(self, keep: NDArray[np.bool_]) -> Views:
        """All views of the events where ``keep`` [n_events] is True."""
        return self.select_jets(np.repeat(keep, np.diff(self.first)))


def group_views(
    particles: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]],
    group: NDArray[np.integer],
    columns: Mapping[str, NDArray[Any]],
    *,
    samples: tuple[str, ...],
    variations: tuple[Variation, ...],
    shower_weight_names: tuple[str, ...] = (),
    shower_weights: NDArray[np.float32] | None = None,
    labels: tuple[JetLabel, ...] = (),
    feature_names: tuple[str, ...] = FEATURE_NAMES,
    score_names: tuple[str, ...] = (),
    scores: NDArray[np.float32] | None = None,
) -> Views:
    """Put jets that are read variation by variation in the order of views.

    Args:
        particles: features and offsets of each variation.
        group: which views go together, from 0 on without a gap, for the jets of all variations one after another
            [n_jets].
        columns: ``JET_COLUMNS`` of the same jets.
        samples, variations, shower_weight_names, labels, feature_names, score_names: as in :class:`Views`.
        shower_weights: of the same jets [n_jets, n_weights].
        scores: of the same jets [n_jets, n_scores].
    """
    order = np.lexsort((columns["vartype"], group))  # nominal, -1, comes first
    counts = np.concatenate([np.diff(offsets) for _, offsets in particles])
    offsets = offsets_of(counts[order])
    start = np.empty(len(order), np.int64)
    start[order] = offsets[:-1]
    features = np.empty((int(offsets[-1]), len(feature_names)), np.float32)
    first = 0
    for part, of_part in particles:
        jets = slice(first, first := first + len(of_part) - 1)
        put_lists(features, start[jets], np.ascontiguousarray(part), of_part)
    return Views(
        features=features,
        offsets=offsets,
        first=offsets_of(np.bincount(group)),
        samples=samples,
        variations=variations,
        shower_weight_names=shower_weight_names,
        shower_weights=None if shower_weights is None else shower_weights[order],
        labels=labels,
        feature_names=feature_names,
        score_names=score_names,
        scores=None if scores is None else scores[order],
        **{name: columns[name][order].astype(dtype) for name, dtype in JET_COLUMNS.items()},
    )


def concatenate_views(parts: list[Views]) -> Views:
    """Views of several files after one another.

    Raises:
        InvalidDataError: nothing to join, or two parts disagree on their features, or on what the number of a
            variation or label means.
    """
    if not parts:
        raise InvalidDataError("there are no views to join")
    if len(kinds := {part.feature_names for part in parts}) > 1:
        raise InvalidDataError(
            "views with different features do not go together",
            got="; ".join(", ".join(names) for names in sorted(kinds)),
            hint="pair them again with the same features",
        )
    samples = tuple(dict.fromkeys(name for part in parts for name in part.samples))
    variations: dict[int, Variation] = {}
    for part in parts:
        for variation in part.variations:
            if variations.setdefault(variation.vartype, variation) != variation:
                raise InvalidDataError(
                    f"vartype {variation.vartype} means different variations in different files",
                    got=f"{variations[variation.vartype].name} and {variation.name}",
                )
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in JET_COLUMNS}
    columns["sample"] = np.concatenate(
        [np.array([samples.index(name) for name in part.samples], np.int16)[part.sample] for part in parts]
    )
    tables: dict[str, Any] = {}
    for table, field in TABLES.items():
        tables[field] = tuple(dict.fromkeys(name for part in parts for name in getattr(part, field)))
        tables[table] = _join_tables([(getattr(part, table), getattr(part, field)) for part in parts], parts)
    return Views(
        features=np.concatenate([part.features for part in parts]),
        offsets=_join_offsets([part.offsets for part in parts]),
        first=_join_offsets([part.first for part in parts]),
        samples=samples,
        variations=tuple(variations[number] for number in sorted(variations)),
        labels=merge_labels(part.labels for part in parts),
        feature_names=parts[0].feature_names,
        **tables,
        **columns,
    )


def _join_tables(
    tables: Sequence[tuple[NDArray[np.float32] | None, tuple[str, ...]]], parts: list[Views]
) -> NDArray[np.float32] | None:
    """Tables of all parts under the same names; NaN where a part lacks one."""
    if all(table is None for table, _ in tables):
        return None
    names = list(dict.fromkeys(name for _, mine in tables for name in mine))
    joined = []
    for (table, mine), part in zip(tables, parts, strict=True):
        whole = np.full((part.n_jets, len(names)), np.nan, np.float32)
        if table is not None:
            whole[:, [names.index(name) for name in mine]] = table
        joined.append(whole)
    return np.concatenate(joined)


def _join_offsets(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    counts = np.concatenate([np.diff(part) for part in parts])
    return offsets_of(counts)
