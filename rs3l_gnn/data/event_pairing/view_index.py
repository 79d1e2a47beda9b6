"""All events of one data set without particles: keys, weights, hard partons and jets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, InvalidDataError, MissingBranchError, Variation
from rs3l_gnn.conventions.expressions import Expression, parse_expression
from rs3l_gnn.conventions.jagged import first_not_finite
from rs3l_gnn.data.event_format import KINEMATICS, find_branch, require_fields
from rs3l_gnn.data.event_pairing.anchors import find_anchors
from rs3l_gnn.data.event_pairing.chunk_jets import ChunkJets, branch_of
from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.event_files import Chunk, EventFile
from rs3l_gnn.data.event_pairing.generated import generated_branches
from rs3l_gnn.data.event_pairing.jet_matching import Places, match_nearest
from rs3l_gnn.data.event_pairing.jet_table import JET_NUMBERS, JetTable, read_jets
from rs3l_gnn.data.event_pairing.keys import first_repeated
from rs3l_gnn.data.event_pairing.labels import JetLabels
from rs3l_gnn.data.event_pairing.partons import Fingerprint, parton_branches, read_fingerprint
from rs3l_gnn.data.event_pairing.shower_weights import WeightBranches, read_shower_weights
from rs3l_gnn.data.shower_order import PS_WEIGHT

__all__ = ["EventColumns", "ReadPlan", "ViewFiles", "ViewIndex"]

_MEMORY = 32_000_000
"""Bytes of a chunk, as stored; what is made of it takes some times as much."""
_LARGEST_NUMBER = 2**63
_NANO_KEY = ("run", "luminosityBlock", "event")


@dataclass(frozen=True)
class ViewFiles:
    """Files of one data set, which holds one variation of a sample.

    Attributes:
        dataset: its name.
        variation: what it holds.
        files: all of its files.
        metadata: of the data set.
    """

    dataset: str
    variation: Variation
    files: tuple[EventFile, ...]
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class ReadPlan:
    """What is read of all views of a sample.

    Attributes:
        config: settings.
        partons: source of the hard partons, None to compare none.
        anchors: True if generator particles give the anchors.
        flags: True if the files say which jet is the anchor's.
        labels: of the jets.
        generator_jets: branches with eta and phi of the generator jets, None if they are not used.
        caps: number of a label -> most jets of it.
        shower_weights: of nominal events, by what they vary.
    """

    config: EventPairConfig
    partons: str | None
    anchors: bool
    flags: bool
    labels: JetLabels
    generator_jets: tuple[str, ...] | None
    caps: Mapping[int, int]
    shower_weights: tuple[str, ...] = ()

    def key_branches(self, file: EventFile) -> tuple[str, ...]:
        """Branches of the key of a file's events: as configured, NanoAOD's three, or the format's number."""
        if self.config.event_key is not None:
            return self.config.event_key
        if set(_NANO_KEY) <= set(file.names):
            return _NANO_KEY
        number = file.form.number_branch(file.names)
        return () if number is None else (number,)

    def branches(self, file: EventFile, *, nominal: bool) -> list[str]:
        """Branches of a file.

        Raises:
            MissingBranchError: some are absent.
        """
        keys = self.key_branches(file)
        if not keys:
            raise MissingBranchError(
                f"{file.path} has no numbers of events that views could be matched by",
                hint="name branches that tell its events apart as event_key",
            )
        file.require(keys, what="the key of an event")
        needed = file.form.branches(KINEMATICS, candidates=False)
        file.require(needed, what="the jets")
        fields = (*KINEMATICS, *JET_NUMBERS, "anchor") if self.flags else (*KINEMATICS, *JET_NUMBERS)
        if self.config.weight is not None:
            file.require([self.config.weight], what="the weights of events")
        weight = self.config.weight or file.form.weight_branch(file.names)
        numbers = (file.form.number_branch(file.names), weight)
        found = [*keys, *needed, *(name for name in numbers if name is not None), *file.jet_branches(fields)]
        if self.partons is not None:
            found += parton_branches(self.partons, file.names) or []
        if self.anchors and nominal:
            found += generated_branches(file.names) or []
        if nominal:
            weights = self.weight_branches(file)
            file.require(list(weights), what="the shower weights")
            found += weights
        names = dict.fromkeys(name for expression in self.scores.values() for name in expression.names)
        found += [branch_of(file, name, what="the scores") for name in names]
        if self.condition is not None:
            found += [branch_of(file, name, what="the selection") for name in self.condition.names]
        return list(dict.fromkeys([*found, *(self.generator_jets or ()), *self.labels.branches(file)]))

    def weight_branches(self, file: EventFile) -> WeightBranches:
        """Branches of shower weights in a nominal file: as configured, or PSWeight where the file says its order."""
        if self.config.shower_weights != "auto":
            return self.config.weight_branches
        return {PS_WEIGHT: file.weight_order} if any(file.weight_order) else {}

    @property
    def condition(self) -> Expression | None:
        """What holds for the jets that count, beside the cuts."""
        where = self.config.selection.where
        return None if where is None else parse_expression(where)

    @property
    def scores(self) -> dict[str, Expression]:
        """Taggers whose scores the files hold."""
        return {name: parse_expression(text) for name, text in self.config.scores.items()}


@dataclass(frozen=True)
class EventColumns:
    """One row for each event.

    Attributes:
        keys: whole numbers that tell them apart [n_events, n_numbers].
        number: what the split depends on [n_events].
        weight: of the generator [n_events].
        partons: fingerprint of the hard partons; None where none is compared.
    """

    keys: NDArray[np.uint64]
    number: NDArray[np.int64]
    weight: NDArray[np.float32]
    partons: Fingerprint | None

    @classmethod
    def join(cls, parts: Sequence[EventColumns]) -> EventColumns:
        """Parts one after another."""
        prints = [part.partons for part in parts if part.partons is not None]
        return cls(
            keys=np.concatenate([part.keys for part in parts]),
            number=np.concatenate([part.number for part in parts]),
            weight=np.concatenate([part.weight for part in parts]),
            partons=Fingerprint(np.concatenate([p.kinds for p in prints]), np.concatenate([p.sums for p in prints]))
            if prints
            else None,
        )


@dataclass(frozen=True)
class ViewIndex:
    """Events and jets of one view.

    Attributes:
        view: its files.
        first_row: row of the first event of each file, and the end [n_files + 1].
        events: their columns.
        jets: those that pass the selection.
        anchors: of the hard events; of a nominal view alone, and None where none are used.
        generator_eta, generator_phi: direction of the generator jet of each jet, NaN where there is none; None where
            they are not used [n_jets].
    """

    view: ViewFiles
    first_row: NDArray[np.int64]
    events: EventColumns
    jets: JetTable
    anchors: Places | None = None
    generator_eta: NDArray[np.float64] | None = None
    generator_phi: NDArray[np.float64] | None = None

    @classmethod
    def read(cls, view: ViewFiles, plan: ReadPlan, *, nominal: bool) -> ViewIndex:
        """Read everything but particles, each file once.

        Raises:
            InputFileError: a file is damaged.
            InvalidDataError: a key that is no whole number or too large, a value that is not finite, or the same event
                twice.
        """
        first_row = np.cumsum([0, *(file.entries for file in view.files)])
        parts = [
            part
            for file, start in zip(view.files, first_row, strict=False)
            for part in _read_file(file, int(start), plan, nominal=nominal)
        ]
        if not parts:
            raise InvalidDataError(f"data set {view.dataset!r} has no events")
        events = EventColumns.join([part.events for part in parts])
        _refuse_repeated(view, first_row, events.keys)
        anchors = [part.anchors for part in parts if part.anchors is not None]
        directions = [part.generator for part in parts if part.generator is not None]
        eta, phi = np.concatenate(directions, axis=1) if directions else (None, None)
        return cls(
            view,
            first_row,
            events,
            JetTable.join([part.jets for part in parts]),
            Places(*(np.concatenate([getattr(a, name) for a in anchors]) for name in ("event", "eta", "phi")))
            if anchors
            else None,
            eta,
            phi,
        )

    @property
    def n_events(self) -> int:
        """Events of all files."""
        return int(self.first_row[-1])


@dataclass(frozen=True)
class _Part:
    events: EventColumns
    jets: JetTable
    anchors: Places | None
    generator: NDArray[np.float64] | None


def _read_file(file: EventFile, first_row: int, plan: ReadPlan, *, nominal: bool) -> Iterator[_Part]:
    branches, keys = plan.branches(file, nominal=nominal), plan.key_branches(file)
    for chunk in file.chunks(branches, memory=_MEMORY):
        jets = file.form.jets(chunk.events)
        require_fields(f"{file.path}: the jets lack", jets, KINEMATICS)
        table, chosen = read_jets(jets, first_row + chunk.start, plan.config.selection)
        if plan.condition is not None:
            keep = _holds(plan.condition, _chunk_jets(file, chunk, table, first_row, chosen))
            table, chosen = table.select(keep), chosen[keep]
        _require_finite(file, chunk, table)
        here = table.row - first_row - chunk.start
        mine = _chunk_jets(file, chunk, table, first_row, chosen)
        table = replace(table, jettype=plan.labels.types(mine), scores=_scores(mine, plan))
        if nominal and plan.shower_weights:
            table = replace(table, shower_weights=_shower_weights(file, chunk, plan)[here])
        yield _Part(
            _event_columns(file, chunk, keys, plan, mine),
            table,
            find_anchors(mine.generated, first_row + chunk.start) if plan.anchors and nominal else None,
            _generator_directions(chunk, table, first_row, plan),
        )


def _chunk_jets(file: EventFile, chunk: Chunk, table: JetTable, first_row: int, chosen: NDArray[np.int64]) -> ChunkJets:
    places = Places(table.row - first_row - chunk.start, table.numbers["eta"], table.numbers["phi"])
    return ChunkJets(file, chunk.events, places, chosen)


def _holds(condition: Expression, jets: ChunkJets) -> NDArray[np.bool_]:
    values = jets.of_jets(condition.evaluate(jets.column), "selection.where")
    if values.dtype != np.bool_:
        raise ConfigError("selection.where gives numbers where a condition is needed", got=repr(condition.source))
    return values


def _shower_weights(file: EventFile, chunk: Chunk, plan: ReadPlan) -> NDArray[np.float32]:
    """Of each event [n_events, n_weights]."""
    return read_shower_weights(chunk.events, plan.weight_branches(file), plan.shower_weights, where=file.path)


def _scores(jets: ChunkJets, plan: ReadPlan) -> NDArray[np.float32] | None:
    """As the file holds them [n_jets, n_scores]."""
    columns = [
        jets.of_jets(expression.evaluate(jets.column), f"scores.{name}").astype(np.float32)
        for name, expression in plan.scores.items()
    ]
    return np.stack(columns, axis=1) if columns else None


def _event_columns(file: EventFile, chunk: Chunk, keys: Sequence[str], plan: ReadPlan, jets: ChunkJets) -> EventColumns:
    events = chunk.events
    columns = [_whole_numbers(file, name, find_branch(events, name)) for name in keys]
    number = file.form.numbers(events)
    number = columns[-1] if number is None else number
    too_large = number >= _LARGEST_NUMBER
    if too_large.any():
        row = int(np.argmax(too_large))
        raise InvalidDataError(
            f"{file.path}: the number of event {chunk.start + row} does not fit into a file of views",
            got=int(number[row]),
            allowed="0 to 2^63 - 1",
        )
    wanted = plan.config.weight
    weight = file.form.weights(events) if wanted is None else np.asarray(find_branch(events, wanted), dtype=np.float64)
    weight = np.ones(len(number)) if weight is None else weight
    if (place := first_not_finite(weight)) is not None:
        raise InvalidDataError(f"{file.path}: the weight of event {chunk.start + place[0]} is {weight[place]}")
    return EventColumns(
        keys=np.stack(columns, axis=1),
        number=number.astype(np.int64),
        weight=weight.astype(np.float32),
        partons=None if plan.partons is None else read_fingerprint(plan.partons, events, lambda: jets.generated),
    )


def _whole_numbers(file: EventFile, name: str, values: ak.Array) -> NDArray[np.uint64]:
    flat = np.asarray(ak.flatten(values, axis=1) if values.ndim > 1 else values)
    if len(flat) != len(values) or not (np.issubdtype(flat.dtype, np.integer) or flat.dtype == bool):
        raise InvalidDataError(
            f"{file.path}: branch {name} of the key holds no whole number for each event", got=str(values.type)
        )
    if (negative := np.asarray(flat < 0)).any():
        raise InvalidDataError(f"{file.path}: branch {name} of the key is negative", got=int(flat[np.argmax(negative)]))
    return flat.astype(np.uint64)


def _generator_directions(chunk: Chunk, table: JetTable, first_row: int, plan: ReadPlan) -> NDArray[np.float64] | None:
    """Directions of the nearest generator jets, each of which has one jet [2, n_jets]."""
    if plan.generator_jets is None:
        return None
    eta, phi = (find_branch(chunk.events, name) for name in plan.generator_jets)
    counts = np.asarray(ak.num(eta, axis=1), dtype=np.int64)
    event = np.repeat(np.arange(len(counts)), counts) + first_row + chunk.start
    generated = Places(event, *(np.asarray(ak.flatten(angle, axis=1), dtype=np.float64) for angle in (eta, phi)))
    jets = Places(table.row, table.numbers["eta"], table.numbers["phi"])
    partner, _ = match_nearest(jets, generated, plan.config.jets.radius)
    found = partner >= 0
    directions = np.full((2, len(partner)), np.nan)
    directions[:, found] = np.stack([generated.eta, generated.phi])[:, partner[found]]
    return directions


def _require_finite(file: EventFile, chunk: Chunk, table: JetTable) -> None:
    for name in KINEMATICS:
        place = first_not_finite(table.numbers[name])
        if place is not None:
            raise InvalidDataError(f"{file.path}: the {name} of a jet behind entry {chunk.start} is not finite")


def _refuse_repeated(view: ViewFiles, first_row: NDArray[np.int64], keys: NDArray[np.uint64]) -> None:
    repeated = first_repeated(keys)
    if repeated is None:
        return
    paths = [view.files[int(np.searchsorted(first_row, row, side="right")) - 1].path for row in repeated]
    key = ", ".join(str(number) for number in keys[repeated[0]])
    where = f"twice in {paths[0]}" if paths[0] == paths[1] else f"in {paths[0]} and in {paths[1]}"
    raise InvalidDataError(
        f"data set {view.dataset!r} holds the event ({key}) {where}",
        hint="name the file once, or give branches that tell its events apart as event_key",
    )
