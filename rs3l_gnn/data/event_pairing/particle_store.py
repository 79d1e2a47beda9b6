"""Particles of many jets, kept on disk until their turn comes."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.jagged import offsets_of
from rs3l_gnn.data.event_pairing.particles import JetParticles

__all__ = ["ParticleStore", "in_order"]

_BLOCK = 2048
"""Jets that are given together; as many as a chunk of a file holds."""


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
        self._there = np.zeros(n_jets, dtype=bool)
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
        self._there[particles.jets] = True
        self._file.write(np.ascontiguousarray(particles.features, dtype=np.float32).data)
        self._rows += len(particles.features)

    def lacking(self, jets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some jets that were not put."""
        return jets[~self._there[jets]]

    def select(self, keep: NDArray[np.bool_]) -> None:
        """Forget the jets where ``keep`` is False; the others are counted anew [n_jets]."""
        self._start, self._count, self._there = self._start[keep], self._count[keep], self._there[keep]

    def blocks(self, jets: NDArray[np.int64]) -> Generator[JetParticles]:
        """Particles of some jets in the order asked for, a few thousand jets at a time."""
        for start in range(0, len(jets), _BLOCK):
            block = jets[start : start + _BLOCK]
            yield JetParticles(block, *self.get(block))

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


def in_order(
    parts: Generator[JetParticles], wanted: NDArray[np.int64], width: int, folder: Path
) -> Generator[JetParticles]:
    """Parts that come in any order, in that of their jets; those that come early wait on disk.

    Args:
        parts: neighbours among the wanted jets each; together all of them.
        wanted: the jets in their order [n].
        width: features of a particle.
        folder: for those that wait.
    """
    early: dict[int, NDArray[np.int64]] = {}
    done = 0
    with closing(parts), ParticleStore.open(int(wanted.max(initial=-1)) + 1, width, folder) as store:
        for part in parts:
            if part.jets[0] != wanted[done]:
                store.put(part)
                early[int(part.jets[0])] = part.jets
                continue
            done += len(part.jets)
            yield part
            while done < len(wanted) and int(wanted[done]) in early:
                jets = early.pop(int(wanted[done]))
                done += len(jets)
                yield JetParticles(jets, *store.get(jets))
