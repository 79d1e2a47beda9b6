"""Particles of chosen jets, read in the order of the files, or file by file on workers."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FEATURE_NAMES, InputFileError, InvalidDataError, hardest_candidates
from rs3l_gnn.conventions.jagged import offsets_of, starts_of
from rs3l_gnn.data.event_format import KINEMATICS
from rs3l_gnn.data.event_pairing.chunk_run import ChunkRun, Failure, FileChunk
from rs3l_gnn.data.event_pairing.event_files import Chunk, EventFile
from rs3l_gnn.data.event_pairing.view_index import ViewIndex
from rs3l_gnn.data.event_tables import EventTables
from rs3l_gnn.data.feature_fields import further_fields
from rs3l_gnn.data.feature_rows import jet_features
from rs3l_gnn.data.read_ahead import read_ahead
from rs3l_gnn.data.views import gather_jets

__all__ = ["CHUNK_MEMORY", "JetParticles", "ParticleSettings", "particle_branches", "read_particles"]

CHUNK_MEMORY = 6_000_000
"""Bytes of a chunk, as stored. What is made of it then fits into memory that is at hand already, which is faster than
fetching new memory from the system for each larger array."""


@dataclass(frozen=True)
class JetParticles:
    """Particles of some jets.

    Attributes:
        jets: indices in the table of jets, rising [n].
        features: particles [n_particles, n_features].
        offsets: first particle of each jet [n + 1].
    """

    jets: NDArray[np.int64]
    features: NDArray[np.float32]
    offsets: NDArray[np.int64]


def particle_branches(file: EventFile, *, puppi: bool, features: Sequence[str] = FEATURE_NAMES) -> list[str]:
    """Branches of candidates, links and of what jets need for their axes, and those that features need beside.

    Raises:
        MissingBranchError: some are absent.
    """
    needed = file.form.branches(KINEMATICS, candidates=True, puppi=puppi)
    # Numbers that NanoAOD's formats list: they are no part of the particles.
    needed = [name for name in needed if name not in ("run", "luminosityBlock", "event")]
    file.require(needed, what="the candidates")
    fields = file.form.further_fields(file.names)
    needed += [fields[field] for field in further_fields(features) if field in fields]
    more = [*file.jet_branches((*KINEMATICS, "rawFactor")), *file.form.more_branches(file.names)]
    return list(dict.fromkeys([*needed, *more]))


@dataclass(frozen=True)
class ParticleSettings:
    """What is made of candidates.

    Attributes:
        puppi: scale candidates by their PUPPI weights.
        maximum: hardest candidates kept for each jet.
        features: names of the columns.
    """

    puppi: bool
    maximum: int
    features: tuple[str, ...] = FEATURE_NAMES

    def branches(self, file: EventFile) -> list[str]:
        """Branches of a file; errors as :func:`particle_branches`."""
        return particle_branches(file, puppi=self.puppi, features=self.features)

    def pieces(self, file: EventFile, entries: int | None) -> list[tuple[int, int]]:
        """Events of a file that are read together, ``entries`` if not None; errors as ``EventFile.pieces``."""
        return file.pieces(self.branches(file), memory=CHUNK_MEMORY, entries=entries)


@dataclass(frozen=True)
class ParticleChunk(FileChunk):
    """Some jets of a file.

    Attributes:
        rows: event of each jet in the file, rising [n].
        places: place of each jet in its collection, rising within an event [n].
        settings: what is made of the candidates.
    """

    rows: NDArray[np.int64]
    places: NDArray[np.int32]
    settings: ParticleSettings

    def identity(self) -> dict[str, Any]:
        """Jets and settings."""
        chosen = hashlib.sha256(self.rows.tobytes() + self.places.tobytes()).hexdigest()
        return {"jets": chosen, "settings": repr(self.settings)}

    def parts(self) -> Iterator[tuple[slice, NDArray[np.float32], NDArray[np.int64]]]:
        """Which jets, their particles, and the first one of each jet [n + 1], part after part.

        Raises:
            InputFileError: the file is damaged.
            InvalidDataError: a value of a jet or candidate is not usable; the file is named.
        """
        branches = self.settings.branches(self.file)
        chunks = self.file.chunks(branches, memory=CHUNK_MEMORY, start=self.entrystart, stop=self.entrystop)
        # Decompression in one thread, features in that of who asks.
        for chunk in read_ahead(chunks):
            mine = slice(*np.searchsorted(self.rows, [chunk.start, chunk.start + len(chunk.events)]))
            if mine.start < mine.stop:
                yield mine, *_particles(self.file, chunk, self.rows[mine], self.places[mine], self.settings)

    def result(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """All particles, and the first one of each jet [n + 1]."""
        parts = [(features, offsets) for _, features, offsets in self.parts()]
        if len(parts) == 1:
            return parts[0]
        counts = np.concatenate([np.diff(offsets) for _, offsets in parts])
        return np.concatenate([features for features, _ in parts]), offsets_of(counts)


def read_particles(
    index: ViewIndex,
    wanted: NDArray[np.int64],
    settings: ParticleSettings,
    run: ChunkRun,
    failed: dict[int, str] | None = None,
) -> Generator[JetParticles]:
    """Particles of some jets of a view, in the order of the jets, or in any order if workers read them.

    Args:
        index: the view.
        wanted: places in its table of jets, rising [n].
        settings: what is made of the candidates.
        run: who reads.
        failed: gets the numbers of files that cannot be read, and why, if the run leaves these out.

    Raises:
        InputFileError: a file is damaged.
        InvalidDataError: a value of a jet or candidate is not usable; the file is named.
    """
    chunks, jets, numbers = [], [], []
    for number, file in enumerate(index.view.files):
        first, last = int(index.first_row[number]), int(index.first_row[number + 1])
        mine = wanted[slice(*np.searchsorted(index.jets.row[wanted], [first, last]))]
        if not len(mine):
            continue
        pieces = [(0, file.entries)] if index.pieces is None else index.pieces[number]
        rows = index.jets.row[mine] - first
        for start, stop in pieces:
            here = slice(*np.searchsorted(rows, [start, stop]))
            if here.start < here.stop:
                chosen = rows[here]
                begin, end = int(chosen[0]), int(chosen[-1]) + 1
                chunks.append(ParticleChunk(file, begin, end, chosen, index.jets.place[mine[here]], settings))
                jets.append(mine[here])
                numbers.append(number)
    if run.in_pieces:
        for place, result in run.results(chunks):
            if not isinstance(result, Failure):
                yield JetParticles(jets[place], *result)
            elif failed is None:
                raise InputFileError(result.error)
            else:
                failed.setdefault(numbers[place], result.error)
        return
    for chunk, own in zip(chunks, jets, strict=True):
        for part, features, offsets in chunk.parts():
            yield JetParticles(own[part], features, offsets)


def _particles(
    file: EventFile, chunk: Chunk, rows: NDArray[np.int64], places: NDArray[np.int32], settings: ParticleSettings
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Of the jets at some places of their collections in some events of a file."""
    rows, names = rows - chunk.start, settings.features
    used = rows[np.diff(rows, prepend=-1) > 0]
    events = chunk.events if len(used) == len(chunk.events) else chunk.events[used]
    tables = EventTables(events, file.form, puppi=settings.puppi, features=names)
    counts = np.asarray(ak.num(tables.jets["pt"], axis=1), dtype=np.int64)
    place = starts_of(counts)[np.searchsorted(used, rows)] + places
    stored = tables.stored_features
    try:
        if stored is not None:
            features, offsets = gather_jets(stored[0], offsets_of(stored[1]), place)
            log_pt = features[:, FEATURE_NAMES.index("log_pt")]
            hardest, offsets = hardest_candidates(log_pt, offsets, settings.maximum)
            return features[hardest][:, [FEATURE_NAMES.index(name) for name in names]], offsets
        selected = np.zeros(int(counts.sum()), dtype=bool)
        selected[place] = True
        return jet_features(
            tables.jets,
            tables.candidates,
            tables.links,
            file.form,
            selected=ak.unflatten(selected, counts),
            maximum=settings.maximum,
            features=names,
        )
    except InvalidDataError as error:
        raise InvalidDataError(f"{file.path}: {error}") from error
