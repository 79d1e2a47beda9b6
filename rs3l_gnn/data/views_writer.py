"""Files of views, written block by block; what they hold stands in :mod:`rs3l_gnn.data.views_file`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    InvalidDataError,
    JetDomain,
    JetLabel,
    Variation,
    atomic_file,
    find_feature,
)
from rs3l_gnn.data.compressed_rows import CompressedRows, compressing_threads
from rs3l_gnn.data.remembering_file import RememberingFile
from rs3l_gnn.data.views import JET_COLUMNS, TABLES, Views

__all__ = ["FORMAT", "VERSION", "Compression", "ViewsWriter", "write_views"]

FORMAT, VERSION = "rs3l-views", 1
# Headers with checksums, and texts that lie in them: HDF5 reads a damaged heap of texts of free length for ever.
_LIBVER = ("v108", "v108")
_CHUNK_ROWS, _LEVEL = 8192, 1
_COLUMN_ROWS = 16384
"""Of a column of particles in one chunk: those of all columns fit into the megabyte that HDF5 remembers."""
Compression = Literal["gzip", "lzf", "none"]
_FILTERS: dict[Compression, dict[str, Any]] = {
    "gzip": {"compression": "gzip", "compression_opts": _LEVEL, "shuffle": True},
    "lzf": {"compression": "lzf", "shuffle": True},
    "none": {},
}
_UNKNOWN = JetDomain()


class ViewsWriter:
    """Append blocks of events to a new file; see :meth:`open`."""

    def __init__(
        self,
        file: Any,
        samples: tuple[str, ...],
        variations: tuple[Variation, ...],
        *,
        names: dict[str, tuple[str, ...]],
        domain: JetDomain,
        labels: tuple[JetLabel, ...],
        features: tuple[str, ...],
        compression: Compression,
        threads: Executor,
        stream: RememberingFile,
    ) -> None:
        self._file, self._stream = file, stream
        self.samples, self.variations, self.names = samples, variations, names
        self.labels, self.features = labels, features
        file.attrs["version"] = VERSION
        texts = {
            "format": FORMAT,
            "features": json.dumps(features),
            "samples": json.dumps(samples),
            "variations": json.dumps([variation.record() for variation in variations]),
        }
        if record := domain.record():
            texts["domain"] = json.dumps(record)
        if features != FEATURE_NAMES:
            texts["units"] = json.dumps([find_feature(name).unit for name in features])
        if labels:
            texts["labels"] = json.dumps([label.record() for label in labels])
        for name, text in texts.items():
            file.attrs[name] = np.bytes_(text.encode())
        compressed = _FILTERS[compression]
        width = len(features)
        chunks = (_COLUMN_ROWS, 1) if compression == "gzip" else (_CHUNK_ROWS, width)
        particles = file.create_dataset(
            "features", (0, width), np.float32, maxshape=(None, width), chunks=chunks, **compressed
        )
        self._particles = CompressedRows(particles, threads) if compression == "gzip" else None
        self._n_particles = self._n_jets = 0
        self._waiting: dict[str, list[NDArray[Any]]] = {}
        for name in ("offsets", "events/first"):
            file.create_dataset(name, data=np.zeros(1, np.int64), maxshape=(None,), chunks=(_CHUNK_ROWS,), **compressed)
        for name, dtype in JET_COLUMNS.items():
            file.create_dataset(f"jets/{name}", (0,), dtype, maxshape=(None,), chunks=(_CHUNK_ROWS,), **compressed)
        for table, columns in names.items():
            n = len(columns)
            rows = file.create_dataset(
                table, (0, n), np.float32, maxshape=(None, n), chunks=(_CHUNK_ROWS, n), **compressed
            )
            rows.attrs["names"] = np.bytes_(json.dumps(columns).encode())

    @classmethod
    @contextmanager
    def open(
        cls,
        path: Path | str,
        samples: tuple[str, ...],
        variations: tuple[Variation, ...],
        *,
        shower_weight_names: tuple[str, ...] = (),
        domain: JetDomain = _UNKNOWN,
        labels: tuple[JetLabel, ...] = (),
        features: tuple[str, ...] = FEATURE_NAMES,
        score_names: tuple[str, ...] = (),
        compression: Compression = "gzip",
        force: bool = False,
    ) -> Iterator[Self]:
        """A writer whose file takes its name when the block ends without an error.

        Args:
            path: the file.
            samples, variations, shower_weight_names, score_names: what the blocks may hold, see :class:`Views`.
            domain: what kind of jets they are.
            labels: those of the user's own that the jets may have.
            features: names of the columns of the particles.
            compression: gzip, which every HDF5 reads; lzf, faster, of h5py; or none.
            force: replace an existing file.

        Raises:
            OutputError: the file exists and ``force`` is False, or it cannot be written.
        """
        tables = {"shower_weights": shower_weight_names, "scores": score_names}
        with atomic_file(path, force=force) as partial, RememberingFile(partial, "w+") as stream:
            try:
                with compressing_threads() as threads, h5py.File(stream, "w", libver=_LIBVER) as file:
                    writer = cls(
                        file,
                        samples,
                        variations,
                        names={table: names for table, names in tables.items() if names},
                        domain=domain,
                        labels=labels,
                        features=features,
                        compression=compression,
                        threads=threads,
                        stream=stream,
                    )
                    yield writer
                    writer._finish()
            except (OSError, RuntimeError):
                # What could not be written cannot be read back: the failed write is the one to report.
                stream.require_written()
                raise
            stream.require_written()

    def append(self, views: Views) -> None:
        """Add the events of one block.

        Raises:
            InvalidDataError: the block has samples, variations, features, shower weights or scores that this file does
                not list.
            OSError: the disk is full; :meth:`open` makes an OutputError of it.
        """
        if views.samples != self.samples or not set(views.variations) <= set(self.variations):
            raise InvalidDataError(
                "a block of views does not fit the file's samples and variations",
                got=f"{views.samples}, {[v.name for v in views.variations]}",
                allowed=f"{self.samples}, {[v.name for v in self.variations]}",
            )
        if views.feature_names != self.features:
            raise InvalidDataError(
                "a block of views has other features than its file", got=views.feature_names, allowed=self.features
            )
        columns = {
            "offsets": views.offsets[1:] + self._n_particles,
            "events/first": views.first[1:] + self._n_jets,
            **{f"jets/{name}": getattr(views, name) for name in JET_COLUMNS},
            **{table: _table(views, table, names) for table, names in self.names.items()},
        }
        if self._particles is None:
            self._extend("features", views.features)
        else:
            self._particles.append(views.features)
        for name, values in columns.items():
            self._waiting.setdefault(name, []).append(values)
        self._n_particles += len(views.features)
        self._n_jets += views.n_jets
        if sum(map(len, self._waiting["offsets"])) >= _CHUNK_ROWS:  # a call of HDF5 takes as long as thousands of rows
            self._write_columns()
        self._stream.require_written()

    def _write_columns(self) -> None:
        while self._waiting:
            name, parts = self._waiting.popitem()
            self._extend(name, np.concatenate(parts))

    def _finish(self) -> None:
        self._write_columns()
        if self._particles is not None:
            self._particles.finish()

    def _extend(self, name: str, values: Any) -> None:
        dataset = self._file[name]
        before = len(dataset)
        dataset.resize(before + len(values), axis=0)
        dataset[before:] = values


def _table(views: Views, table: str, names: tuple[str, ...]) -> NDArray[np.float32]:
    """One of ``TABLES`` of a block [n_jets, n_names], NaN for a block without any."""
    values: NDArray[np.float32] | None = getattr(views, table)
    if values is None:
        return np.full((views.n_jets, len(names)), np.nan, np.float32)
    if (found := getattr(views, TABLES[table])) != names:
        what = table.replace("_", " ")
        raise InvalidDataError(f"a block of views has other {what} than its file", got=found, allowed=names)
    return values


def write_views(path: Path | str, views: Views, *, domain: JetDomain = _UNKNOWN, force: bool = False) -> None:
    """Write views to a new file; ``domain`` says what kind of jets they are.

    Raises:
        OutputError: the file exists and ``force`` is False, or it cannot be written.
    """
    with ViewsWriter.open(
        path,
        views.samples,
        views.variations,
        shower_weight_names=views.shower_weight_names,
        score_names=views.score_names,
        domain=domain,
        labels=views.labels,
        features=views.feature_names,
        force=force,
    ) as writer:
        writer.append(views)
