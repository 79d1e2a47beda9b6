"""The events of one file without particles: keys, weights, hard partons and jets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, InvalidDataError
from rs3l_gnn.conventions.expressions import Expression
from rs3l_gnn.conventions.jagged import first_not_finite
from rs3l_gnn.data.event_format import KINEMATICS, find_branch, require_fields
from rs3l_gnn.data.event_pairing.anchors import find_anchors
from rs3l_gnn.data.event_pairing.chunk_jets import ChunkJets
from rs3l_gnn.data.event_pairing.event_files import Chunk, EventFile
from rs3l_gnn.data.event_pairing.jet_matching import Places, match_nearest
from rs3l_gnn.data.event_pairing.jet_table import JetTable, read_jets
from rs3l_gnn.data.event_pairing.partons import Fingerprint, read_fingerprint
from rs3l_gnn.data.event_pairing.read_plan import ReadPlan
from rs3l_gnn.data.event_pairing.shower_weights import read_shower_weights

__all__ = ["EventColumns", "FileIndex"]

_MEMORY = 32_000_000
"""Bytes of a chunk, as stored; what is made of it takes some times as much."""
_LARGEST_NUMBER = 2**63


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

    def select(self, keep: NDArray[np.bool_]) -> EventColumns:
        """The events where ``keep`` is True [n_events]."""
        partons = self.partons
        left = None if partons is None else Fingerprint(partons.kinds[keep], partons.sums[keep])
        return EventColumns(self.keys[keep], self.number[keep], self.weight[keep], left)


@dataclass(frozen=True)
class FileIndex:
    """Events and jets of a file, or of some files one after another.

    Attributes:
        events: their columns.
        jets: those that pass the selection; rows count from the first event.
        anchors: of the hard events; of nominal files alone, and None where none are used.
        generator: directions of the generator jets of the jets, NaN where there is none; None where they are not used
            [2, n_jets].
    """

    events: EventColumns
    jets: JetTable
    anchors: Places | None
    generator: NDArray[np.float64] | None

    @classmethod
    def read(cls, file: EventFile, plan: ReadPlan, *, nominal: bool) -> FileIndex | None:
        """Read everything but particles; None for a file without events.

        Raises:
            InputFileError: the file is damaged.
            InvalidDataError: a key that is no whole number or too large, or a value that is not finite.
        """
        parts = list(_read_chunks(file, plan, nominal=nominal))
        return cls.join(parts, [0] * len(parts)) if parts else None

    @classmethod
    def join(cls, parts: Sequence[FileIndex], first_rows: Sequence[int]) -> FileIndex:
        """Parts one after another; ``first_rows`` is added to the rows of each."""
        anchors = [(part.anchors, first) for part, first in zip(parts, first_rows, strict=True) if part.anchors]
        directions = [part.generator for part in parts if part.generator is not None]
        return cls(
            EventColumns.join([part.events for part in parts]),
            JetTable.join(
                [replace(part.jets, row=part.jets.row + first) for part, first in zip(parts, first_rows, strict=True)]
            ),
            Places(
                np.concatenate([places.event + first for places, first in anchors]),
                np.concatenate([places.eta for places, _ in anchors]),
                np.concatenate([places.phi for places, _ in anchors]),
            )
            if anchors
            else None,
            np.concatenate(directions, axis=1) if directions else None,
        )


def _read_chunks(file: EventFile, plan: ReadPlan, *, nominal: bool) -> Iterator[FileIndex]:
    branches, keys = plan.branches(file, nominal=nominal), plan.key_branches(file)
    for chunk in file.chunks(branches, memory=_MEMORY):
        jets = file.form.jets(chunk.events)
        require_fields(f"{file.path}: the jets lack", jets, KINEMATICS)
        table, chosen = read_jets(jets, chunk.start, plan.config.selection)
        if plan.condition is not None:
            keep = _holds(plan.condition, _chunk_jets(file, chunk, table, chosen))
            table, chosen = table.select(keep), chosen[keep]
        _require_finite(file, chunk, table)
        here = table.row - chunk.start
        mine = _chunk_jets(file, chunk, table, chosen)
        table = replace(table, jettype=plan.labels.types(mine), scores=_scores(mine, plan))
        if nominal and plan.shower_weights:
            table = replace(table, shower_weights=_shower_weights(file, chunk, plan)[here])
        yield FileIndex(
            _event_columns(file, chunk, keys, plan, mine),
            table,
            find_anchors(mine.generated, chunk.start) if plan.anchors and nominal else None,
            _generator_directions(chunk, table, plan),
        )


def _chunk_jets(file: EventFile, chunk: Chunk, table: JetTable, chosen: NDArray[np.int64]) -> ChunkJets:
    places = Places(table.row - chunk.start, table.numbers["eta"], table.numbers["phi"])
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


def _generator_directions(chunk: Chunk, table: JetTable, plan: ReadPlan) -> NDArray[np.float64] | None:
    """Directions of the nearest generator jets, each of which has one jet [2, n_jets]."""
    if plan.generator_jets is None:
        return None
    eta, phi = (find_branch(chunk.events, name) for name in plan.generator_jets)
    counts = np.asarray(ak.num(eta, axis=1), dtype=np.int64)
    event = np.repeat(np.arange(len(counts)), counts) + chunk.start
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
