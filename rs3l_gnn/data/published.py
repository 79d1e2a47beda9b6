"""The public RS3L data set (Zenodo record 10633815) as views.

HDF5 layout: one row a jet, rows 2i and 2i + 1 two views of one event; ``features`` [2N, 100, 15] padded with zeros,
``jet_features`` [2N, 6] = pt, eta, phi, e, msd, n2, ``jettype`` and ``vartype`` [2N]. ROOT layout: tree ``events``, one
entry a jet, with the features in ``pfcand_*`` and the jet in ``jet_*``; it does not say which jets belong together, so
every jet is an event of its own there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    PUBLISHED_JETS,
    VARIATIONS,
    InputFileError,
    InvalidDataError,
    MissingBranchError,
    Variation,
    mass_of,
)
from rs3l_gnn.conventions.expansion import bound_baskets, require_bounded
from rs3l_gnn.conventions.inputs import reading, require_file
from rs3l_gnn.conventions.jagged import offsets_of, starts_of
from rs3l_gnn.data.formats.published import PUBLISHED_BRANCHES, published_features
from rs3l_gnn.data.sound_lists import sound
from rs3l_gnn.data.views import Views
from rs3l_gnn.data.views_writer import ViewsWriter

__all__ = ["PublishedFile", "convert_published", "read_published"]

bound_baskets()

_HDF5 = ("features", "jet_features", "jettype", "vartype")
_JET = ("pt", "eta", "phi", "e", "msd", "n2")
_JET_BRANCHES = (*(f"jet_{name}" for name in _JET), "jettype", "vartype")
_BY_NUMBER = {variation.vartype: variation for variation in VARIATIONS.values()}

_Jets = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Jet columns [n, 6] and (jettype, vartype) [n, 2], in the order of the file."""
_Particles = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Features [n_particles, 15] and how many of them each jet has [n]."""


class PublishedFile:
    """An open published file: its per-jet columns in memory, its particles on disk.

    Args:
        path: HDF5 file, or ROOT file if its name ends in ``.root``.
        sample: name of the sample, for the split of the events; the name of the file without its ending if None.
        first_event: number of the first event.

    Attributes:
        index: the views with all columns, but without particles (every jet has 0 of them).
        domain: what kind of jets they are, those of the publication.

    Raises:
        InputFileError: the file is missing, damaged, of another layout, or has an unknown ``vartype``.
        MissingBranchError: a data set or branch is absent; those found are named.
    """

    def __init__(self, path: Path | str, *, sample: str | None = None, first_event: int = 0) -> None:
        self.path = Path(path)
        self._sample = self.path.stem if sample is None else sample
        self._first_event = first_event
        self._is_root = self.path.suffix == ".root"
        self._per_event = 1 if self._is_root else 2
        require_file(self.path)
        with self._errors():
            self._file: Any = uproot.open(self.path) if self._is_root else h5py.File(self.path, "r")
        try:
            with self._errors():
                self._jets = _root_jets(self.path, self._file) if self._is_root else _hdf5_jets(self.path, self._file)
            n_jets = len(self._jets[0])
            self._variations = _variations(self.path, self._jets[1][:, 1])
            nothing = np.zeros((0, len(FEATURE_NAMES)), np.float32), np.zeros(n_jets, np.int64)
            self.index = self._views(0, n_jets // self._per_event, nothing)
            pt = self.index.pt
            self.domain = PUBLISHED_JETS.with_range(float(pt.min()), float(pt.max())) if n_jets else PUBLISHED_JETS
        except Exception:
            self._file.close()
            raise

    def read(self, start: int = 0, stop: int | None = None) -> Views:
        """Views of the events ``start`` to ``stop`` (indices in this file, not event numbers).

        Raises:
            InputFileError: the file is damaged.
            InvalidDataError: a feature is not finite; file, row and feature are named.
        """
        stop = self.index.n_events if stop is None else stop
        rows = slice(start * self._per_event, stop * self._per_event)
        with self._errors():
            if self._is_root:
                particles = _root_particles(self._file, rows)
            else:
                require_bounded(self.path, (rows.stop - rows.start) * _row_bytes(self._file["features"]))
                particles = _hdf5_particles(self._file, rows)
        _require_finite(self.path, particles, rows.start)
        return self._views(start, stop, particles)

    def close(self) -> None:
        """Close the file; :attr:`index` stays usable."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def _errors(self) -> AbstractContextManager[None]:
        return reading(self.path, "cannot be read as a ROOT file" if self._is_root else "is not a complete HDF5 file")

    def _views(self, start: int, stop: int, particles: _Particles) -> Views:
        rows = slice(start * self._per_event, stop * self._per_event)
        jets, kinds = (column[rows] for column in self._jets)
        features, counts = particles
        event = np.arange(len(jets)) // self._per_event
        order = np.lexsort((kinds[:, 1], event))  # nominal, -1, comes first
        before = starts_of(counts)
        offsets = offsets_of(counts[order])
        place = np.arange(offsets[-1]) + np.repeat(before[order] - offsets[:-1], counts[order])
        pt, eta, phi, energy, msoftdrop, n2 = jets[order].T
        return Views(
            features=features[place],
            offsets=offsets,
            first=np.arange(0, len(jets) + 1, self._per_event, dtype=np.int64),
            event=self._first_event + start + event.astype(np.int64),
            sample=np.zeros(len(jets), np.int16),
            vartype=kinds[order, 1].astype(np.int16),
            jettype=kinds[order, 0].astype(np.int16),
            pt=pt.astype(np.float32),
            eta=eta.astype(np.float32),
            phi=phi.astype(np.float32),
            mass=mass_of(energy, pt * np.cosh(eta)).astype(np.float32),
            msoftdrop=msoftdrop.astype(np.float32),
            n2b1=n2.astype(np.float32),
            weight=np.ones(len(jets), np.float32),
            samples=(self._sample,),
            variations=self._variations,
        )


def convert_published(
    paths: Sequence[Path | str], output: Path | str, *, sample: str = "rs3l", force: bool = False
) -> int:
    """Write published files as one file of views, block by block.

    Args:
        paths: HDF5 or ROOT files.
        output: the file of views.
        sample: name for the split of the events, which are numbered through all files.
        force: replace an existing output.

    Returns:
        Views written.

    Raises:
        InputFileError: a file is missing, damaged, of another layout, or has an unknown ``vartype``.
        InvalidDataError: a feature is not finite; file, row and feature are named.
        OutputError: the output exists or cannot be written.
    """
    n_views = event = 0
    variations = tuple(_BY_NUMBER[number] for number in sorted(_BY_NUMBER))
    with ViewsWriter.open(output, (sample,), variations, domain=PUBLISHED_JETS, force=force) as writer:
        for path in paths:
            for views in read_published(path, sample=sample, first_event=event):
                writer.append(views)
                n_views += views.n_jets
                event += views.n_events
    return n_views


def read_published(
    path: Path | str, *, sample: str = "rs3l", first_event: int = 0, block_events: int = 1000
) -> Iterator[Views]:
    """Views of a published file, in blocks; arguments and errors as for :func:`convert_published`."""
    with PublishedFile(path, sample=sample, first_event=first_event) as file:
        for start in range(0, file.index.n_events, block_events):
            yield file.read(start, min(start + block_events, file.index.n_events))


def _hdf5_jets(path: Path, file: Any) -> _Jets:
    missing = [name for name in _HDF5 if name not in file]
    if missing:
        raise MissingBranchError(f"{path} lacks {', '.join(missing)}", got=", ".join(file))
    shape = file["features"].shape
    if len(shape) != 3 or shape[0] % 2 or shape[2] != len(FEATURE_NAMES):
        raise InputFileError(
            f"{path}: 'features' must hold pairs of rows with {len(FEATURE_NAMES)} features", got=shape
        )
    require_bounded(path, sum(int(file[name].nbytes) for name in ("jettype", "vartype", "jet_features")))
    kinds = np.stack([file["jettype"][:].ravel(), file["vartype"][:].ravel()], axis=1)
    jets = file["jet_features"][:]
    if jets.shape != (shape[0], len(_JET)) or len(kinds) != shape[0]:
        raise InputFileError(f"{path}: its data sets differ in length", got=f"{shape[0]}, {len(jets)}, {len(kinds)}")
    return jets.astype(np.float64), kinds.astype(np.int64)


def _row_bytes(padded: Any) -> int:
    return int(np.prod(padded.shape[1:], dtype=object)) * int(padded.dtype.itemsize)


def _hdf5_particles(file: Any, rows: slice) -> _Particles:
    padded = file["features"][rows]
    valid = (padded != 0).any(axis=2)
    return padded[valid].astype(np.float32), valid.sum(axis=1)


def _root_jets(path: Path, file: Any) -> _Jets:
    if "events" not in file:
        raise InputFileError(f"{path} has no tree 'events'", got=", ".join(file.keys(cycle=False)))
    tree = file["events"]
    missing = [name for name in (*PUBLISHED_BRANCHES, *_JET_BRANCHES) if name not in tree]
    if missing:
        raise MissingBranchError(f"{path} lacks {', '.join(missing)}", got=", ".join(tree.keys()))
    columns = [np.asarray(tree[name].array()) for name in _JET_BRANCHES]
    return np.stack(columns[:-2], axis=1).astype(np.float64), np.stack(columns[-2:], axis=1).astype(np.int64)


def _root_particles(file: Any, rows: slice) -> _Particles:
    found = file["events"].arrays(list(PUBLISHED_BRANCHES), entry_start=rows.start, entry_stop=rows.stop)
    return published_features(sound(found, file.file_path))


def _variations(path: Path, vartype: NDArray[np.int64]) -> tuple[Variation, ...]:
    numbers = [int(number) for number in np.unique(vartype)]
    unknown = [number for number in numbers if number not in _BY_NUMBER]
    if unknown:
        raise InputFileError(f"{path} has unknown values of vartype", got=unknown, allowed=sorted(_BY_NUMBER))
    return tuple(_BY_NUMBER[number] for number in numbers)


def _require_finite(path: Path, particles: _Particles, row: int) -> None:
    features, counts = particles
    finite = np.isfinite(features)
    if not finite.all():
        particle, column = (int(i) for i in np.argwhere(~finite)[0])
        jet = row + int(np.searchsorted(np.cumsum(counts), particle, side="right"))
        raise InvalidDataError(
            f"{path}: {FEATURE_NAMES[column]!r} in row {jet} is not finite", got=features[particle, column]
        )
