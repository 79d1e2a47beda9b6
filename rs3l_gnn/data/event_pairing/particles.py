"""Particles of chosen jets, read in the order of the files, and kept on disk until their turn comes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FEATURE_NAMES, InvalidDataError, hardest_candidates
from rs3l_gnn.conventions.jagged import offsets_of, starts_of
from rs3l_gnn.data.event_format import KINEMATICS
from rs3l_gnn.data.event_pairing.event_files import Chunk, EventFile
from rs3l_gnn.data.event_pairing.view_index import ViewIndex
from rs3l_gnn.data.event_tables import EventTables
from rs3l_gnn.data.feature_fields import further_fields
from rs3l_gnn.data.feature_rows import jet_features
from rs3l_gnn.data.read_ahead import read_ahead
from rs3l_gnn.data.views import gather_jets

__all__ = ["CHUNK_MEMORY", "JetParticles", "ParticleStore", "particle_branches", "read_particles"]

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


def read_particles(
    index: ViewIndex,
    wanted: NDArray[np.int64],
    *,
    puppi: bool,
    maximum: int,
    features: tuple[str, ...] = FEATURE_NAMES,
) -> Iterator[JetParticles]:
    """Particles of some jets of a view, chunk after chunk.

    Args:
        index: the view.
        wanted: places in its table of jets, rising [n].
        puppi: scale candidates by their PUPPI weights.
        maximum: hardest candidates kept for each jet.
        features: names of the columns.

    Raises:
        InputFileError: a file is damaged.
        InvalidDataError: a value of a jet or candidate is not usable; the file is named.
    """
    rows = index.jets.row[wanted]
    for number, file in enumerate(index.view.files):
        first = int(index.first_row[number])
        low, high = np.searchsorted(rows, [first, index.first_row[number + 1]])
        if low == high:
            continue
        start, stop = int(rows[low]) - first, int(rows[high - 1]) + 1 - first
        branches = particle_branches(file, puppi=puppi, features=features)
        # Decompression in one thread, features in that of who asks.
        for chunk in read_ahead(file.chunks(branches, memory=CHUNK_MEMORY, start=start, stop=stop)):
            begin = first + chunk.start
            mine = wanted[slice(*np.searchsorted(rows, [begin, begin + len(chunk.events)]))]
            if len(mine):
                yield _particles(file, chunk, index, mine, begin, puppi=puppi, maximum=maximum, names=features)


def _particles(
    file: EventFile,
    chunk: Chunk,
    index: ViewIndex,
    mine: NDArray[np.int64],
    begin: int,
    *,
    puppi: bool,
    maximum: int,
    names: tuple[str, ...],
) -> JetParticles:
    rows = index.jets.row[mine] - begin
    used = rows[np.diff(rows, prepend=-1) > 0]
    events = chunk.events if len(used) == len(chunk.events) else chunk.events[used]
    tables = EventTables(events, file.form, puppi=puppi, features=names)
    counts = np.asarray(ak.num(tables.jets["pt"], axis=1), dtype=np.int64)
    place = starts_of(counts)[np.searchsorted(used, rows)] + index.jets.place[mine]
    stored = tables.stored_features
    try:
        if stored is not None:
            features, offsets = gather_jets(stored[0], offsets_of(stored[1]), place)
            hardest, offsets = hardest_candidates(features[:, FEATURE_NAMES.index("log_pt")], offsets, maximum)
            columns = [FEATURE_NAMES.index(name) for name in names]
            return JetParticles(mine, features[hardest][:, columns], offsets)
        selected = np.zeros(int(counts.sum()), dtype=bool)
        selected[place] = True
        features, offsets = jet_features(
            tables.jets,
            tables.candidates,
            tables.links,
            file.form,
            selected=ak.unflatten(selected, counts),
            maximum=maximum,
            features=names,
        )
    except InvalidDataError as error:
        raise InvalidDataError(f"{file.path}: {error}") from error
    return JetParticles(mine, features, offsets)


class ParticleStore:
    """Particles of many jets in a file that is gone when it is closed; written in one order, read in any.

    Args:
        n_jets: jets of the view.
        width: features of a particle.
        folder: where the file is; it takes 4 bytes a feature.
    """

    def __init__(self, n_jets: int, width: int, folder: Path) -> None:
        self._width = width
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by the context that opens the store
        self._start = np.zeros(n_jets, dtype=np.int64)
        self._count = np.zeros(n_jets, dtype=np.int32)
        self._rows = 0

    @classmethod
    @contextmanager
    def open(cls, n_jets: int, width: int, folder: Path) -> Iterator[ParticleStore]:
        """A store for the length of a block."""
        store = cls(n_jets, width, folder)
        try:
            yield store
        finally:
            store._file.close()

    def put(self, particles: JetParticles) -> None:
        """Keep particles; each jet comes once."""
        self._start[particles.jets] = self._rows + particles.offsets[:-1]
        self._count[particles.jets] = np.diff(particles.offsets)
        self._file.write(np.ascontiguousarray(particles.features, dtype=np.float32).data)
        self._rows += len(particles.features)

    def get(self, jets: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Features and offsets of some jets, in the order asked for."""
        self._file.flush()
        offsets = offsets_of(self._count[jets])
        features = np.empty((int(offsets[-1]), self._width), np.float32)
        # In the order of the file, so that neighbours there are read together.
        order = np.argsort(self._start[jets], kind="stable")
        order = order[self._count[jets[order]] > 0]
        if not len(order):
            return features, offsets
        size = self._width * features.itemsize
        places = ((values[order] * size).tolist() for values in (self._start[jets], offsets[:-1], offsets[1:]))
        whole, file = features.data.cast("B"), self._file.fileno()
        for start, begin, end in zip(*places, strict=True):
            os.preadv(file, [whole[begin:end]], start)
        return features, offsets
