"""All events of one data set without particles."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError, Variation
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.file_index import EventColumns, FileIndex
from rs3l_gnn.data.event_pairing.jet_matching import Places
from rs3l_gnn.data.event_pairing.jet_table import JetTable
from rs3l_gnn.data.event_pairing.keys import first_repeated

__all__ = ["ViewFiles", "ViewIndex"]


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
        pieces: first event and end of the parts of each file whose particles are read together [n_files]; None where
            files are not cut.
    """

    view: ViewFiles
    first_row: NDArray[np.int64]
    events: EventColumns
    jets: JetTable
    anchors: Places | None = None
    generator_eta: NDArray[np.float64] | None = None
    generator_phi: NDArray[np.float64] | None = None
    pieces: tuple[Sequence[tuple[int, int]], ...] | None = None

    @classmethod
    def join(cls, view: ViewFiles, files: Sequence[FileIndex | None]) -> ViewIndex:
        """What was read of each file, None for those without events.

        Raises:
            InvalidDataError: no events, or the same event twice.
        """
        first_row = np.cumsum([0, *(file.entries for file in view.files)])
        parts = {number: part for number, part in enumerate(files) if part is not None}
        if not parts:
            raise InvalidDataError(f"data set {view.dataset!r} has no events")
        whole = FileIndex.join([*parts.values()], [int(first_row[number]) for number in parts])
        _refuse_repeated(view, first_row, whole.events.keys)
        eta, phi = (None, None) if whole.generator is None else whole.generator
        return cls(view, first_row, whole.events, whole.jets, whole.anchors, eta, phi)

    def without(self, files: Collection[int]) -> tuple[ViewIndex, NDArray[np.bool_]]:
        """The view without some of its files, by their numbers, and which of its jets are left [n_jets].

        Raises:
            InvalidDataError: no event is left.
        """
        left = [number for number in range(len(self.view.files)) if number not in files]
        entries = np.diff(self.first_row)
        events = np.repeat(np.isin(np.arange(len(entries)), left), entries)
        if not events.any():
            raise InvalidDataError(f"data set {self.view.dataset!r} has no events in files that can be read")
        row, jets = np.cumsum(events) - 1, events[self.jets.row]
        table, anchors = self.jets.select(jets), self.anchors
        if anchors is not None:
            near = events[anchors.event]
            anchors = Places(row[anchors.event[near]], anchors.eta[near], anchors.phi[near])
        eta, phi = (None if one is None else one[jets] for one in (self.generator_eta, self.generator_phi))
        view = replace(self.view, files=tuple(self.view.files[number] for number in left))
        pieces = None if self.pieces is None else tuple(self.pieces[number] for number in left)
        first_row, columns = np.cumsum([0, *entries[left]]), self.events.select(events)
        return ViewIndex(view, first_row, columns, replace(table, row=row[table.row]), anchors, eta, phi, pieces), jets

    @property
    def n_events(self) -> int:
        """Events of all files."""
        return int(self.first_row[-1])


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
