"""HDF5 files of views: written block by block, read whole or by ranges of events.

Layout: ``features`` [P, 15], ``offsets`` [J + 1], ``jets/<column>`` [J], ``events/first`` [N + 1]; attributes
``format``, ``version``, ``features``, ``samples``, ``variations`` (JSON). Optional: the attributes ``domain`` and
``labels`` (JSON of :class:`~rs3l_gnn.conventions.JetDomain` and :class:`~rs3l_gnn.conventions.JetLabel`), and
``shower_weights`` [J, n_weights] with the attribute ``names`` (JSON), NaN for all but nominal views;
absent in older files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    InputFileError,
    InvalidDataError,
    JetDomain,
    JetLabel,
    MissingBranchError,
    Rs3lError,
    Variation,
    atomic_file,
)
from rs3l_gnn.conventions.inputs import require_file
from rs3l_gnn.data.compressed_rows import CompressedRows, compressing_threads
from rs3l_gnn.data.remembering_file import RememberingFile
from rs3l_gnn.data.views import JET_COLUMNS, Views

__all__ = ["Compression", "ViewsFile", "ViewsWriter", "is_views_file", "read_views", "write_views"]

_FORMAT, _VERSION = "rs3l-views", 1
# Headers with checksums, and texts that lie in them: HDF5 reads a damaged heap of texts of free length for ever.
_LIBVER = ("v108", "v108")
_DATASETS = ("features", "offsets", "events/first", *(f"jets/{name}" for name in JET_COLUMNS))
_SHOWER_WEIGHTS = "shower_weights"
_CHUNK_ROWS, _LEVEL = 8192, 1
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
        shower_weight_names: tuple[str, ...],
        domain: JetDomain,
        labels: tuple[JetLabel, ...],
        compression: Compression,
        threads: Executor,
        stream: RememberingFile,
    ) -> None:
        self._file, self._stream = file, stream
        self.samples, self.variations, self.shower_weight_names = samples, variations, shower_weight_names
        self.labels = labels
        file.attrs["version"] = _VERSION
        texts = {
            "format": _FORMAT,
            "features": json.dumps(FEATURE_NAMES),
            "samples": json.dumps(samples),
            "variations": json.dumps([variation.record() for variation in variations]),
        }
        if record := domain.record():
            texts["domain"] = json.dumps(record)
        if labels:
            texts["labels"] = json.dumps([label.record() for label in labels])
        for name, text in texts.items():
            file.attrs[name] = np.bytes_(text.encode())
        compressed = _FILTERS[compression]
        width = len(FEATURE_NAMES)
        features = file.create_dataset(
            "features", (0, width), np.float32, maxshape=(None, width), chunks=(_CHUNK_ROWS, width), **compressed
        )
        self._particles = CompressedRows(features, _LEVEL, threads) if compression == "gzip" else None
        for name in ("offsets", "events/first"):
            file.create_dataset(name, data=np.zeros(1, np.int64), maxshape=(None,), chunks=(_CHUNK_ROWS,), **compressed)
        for name, dtype in JET_COLUMNS.items():
            file.create_dataset(f"jets/{name}", (0,), dtype, maxshape=(None,), chunks=(_CHUNK_ROWS,), **compressed)
        if n_weights := len(shower_weight_names):
            weights = file.create_dataset(
                _SHOWER_WEIGHTS,
                (0, n_weights),
                np.float32,
                maxshape=(None, n_weights),
                chunks=(_CHUNK_ROWS, n_weights),
                **compressed,
            )
            weights.attrs["names"] = np.bytes_(json.dumps(shower_weight_names).encode())

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
        compression: Compression = "gzip",
        force: bool = False,
    ) -> Iterator[Self]:
        """A writer whose file takes its name when the block ends without an error.

        Args:
            path: the file.
            samples, variations, shower_weight_names: what the blocks may hold, see :class:`Views`.
            domain: what kind of jets they are.
            labels: those of the user's own that the jets may have.
            compression: gzip, which every HDF5 reads; lzf, faster, of h5py; or none.
            force: replace an existing file.

        Raises:
            OutputError: the file exists and ``force`` is False, or it cannot be written.
        """
        with atomic_file(path, force=force) as partial, RememberingFile(partial, "w+") as stream:
            try:
                with compressing_threads() as threads, h5py.File(stream, "w", libver=_LIBVER) as file:
                    writer = cls(
                        file,
                        samples,
                        variations,
                        shower_weight_names=shower_weight_names,
                        domain=domain,
                        labels=labels,
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
            InvalidDataError: the block has samples, variations or shower weights that this file does not list.
            OSError: the disk is full; :meth:`open` makes an OutputError of it.
        """
        if views.samples != self.samples or not set(views.variations) <= set(self.variations):
            raise InvalidDataError(
                "a block of views does not fit the file's samples and variations",
                got=f"{views.samples}, {[v.name for v in views.variations]}",
                allowed=f"{self.samples}, {[v.name for v in self.variations]}",
            )
        table = _shower_weights(views, self.shower_weight_names)
        offset = self._file["offsets"][-1]
        first = self._file["events/first"][-1]
        if self._particles is None:
            self._extend("features", views.features)
        else:
            self._particles.append(views.features)
        self._extend("offsets", views.offsets[1:] + offset)
        self._extend("events/first", views.first[1:] + first)
        for name in JET_COLUMNS:
            self._extend(f"jets/{name}", getattr(views, name))
        if self.shower_weight_names:
            self._extend(_SHOWER_WEIGHTS, table)
        self._stream.require_written()

    def _finish(self) -> None:
        if self._particles is not None:
            self._particles.finish()

    def _extend(self, name: str, values: Any) -> None:
        dataset = self._file[name]
        before = len(dataset)
        dataset.resize(before + len(values), axis=0)
        dataset[before:] = values


def _shower_weights(views: Views, names: tuple[str, ...]) -> NDArray[np.float32]:
    """Shower weights of a block [n_jets, n_names], NaN for a block without any."""
    if views.shower_weights is None:
        return np.full((views.n_jets, len(names)), np.nan, np.float32)
    if views.shower_weight_names != names:
        raise InvalidDataError(
            "a block of views has other shower weights than its file", got=views.shower_weight_names, allowed=names
        )
    return views.shower_weights


class ViewsFile:
    """An open file of views: its per-jet columns in memory, its particles on disk.

    Args:
        path: the file.
        shower_weights: read the shower weights too, where the file has them; they are of use in an evaluation alone.

    Attributes:
        index: the views with all columns, but without particles (every jet has 0 of them).
        offsets: first particle of each jet in the file [n_jets + 1].
        domain: what kind of jets they are; of files of earlier versions, the range of pT alone.

    Raises:
        InputFileError: missing, truncated, or not a file of views.
        MissingBranchError: a data set is absent; those found are named.
    """

    def __init__(self, path: Path | str, *, shower_weights: bool = False) -> None:
        self.path = Path(path)
        self._with_shower_weights = shower_weights
        require_file(self.path)
        try:
            self._file = h5py.File(self.path, "r")
        except FileNotFoundError as error:
            raise InputFileError(f"{self.path} does not exist") from error
        except OSError as error:
            raise InputFileError(f"{self.path} is not a complete HDF5 file: {error}") from error
        try:
            self._load_index()
        except Rs3lError:
            self._file.close()
            raise
        except Exception as error:  # damaged structures raise anything, from KeyError to JSONDecodeError
            self._file.close()
            raise InputFileError(f"{self.path} is damaged: {' '.join(str(error).split())}") from error

    def _load_index(self) -> None:
        attributes = self._file.attrs
        if (found := text_of(attributes.get("format"))) != _FORMAT:
            raise InputFileError(f"{self.path} is not a file of views", got=f"format {found!r}", allowed=_FORMAT)
        if attributes.get("version") != _VERSION:
            raise InputFileError(
                f"{self.path} has another version of the format", got=attributes.get("version"), allowed=_VERSION
            )
        missing = [name for name in _DATASETS if not isinstance(self._file.get(name), h5py.Dataset)]
        if missing:
            raise MissingBranchError(f"{self.path} lacks {', '.join(missing)}", got=", ".join(self._file))
        names = tuple(json.loads(attributes["features"]))
        if names != FEATURE_NAMES:
            raise InputFileError(f"{self.path} holds other features", got=", ".join(names), allowed=FEATURE_NAMES)
        records = json.loads(attributes["variations"])
        weights = self._file.get(_SHOWER_WEIGHTS) if self._with_shower_weights else None
        try:
            self.offsets = self._file["offsets"][:]
            self.index = Views(
                features=np.zeros((0, len(FEATURE_NAMES)), np.float32),
                offsets=np.zeros(len(self.offsets), np.int64),
                first=self._file["events/first"][:],
                samples=tuple(json.loads(attributes["samples"])),
                variations=tuple(Variation.from_record(record, where=str(self.path)) for record in records),
                shower_weight_names=() if weights is None else tuple(json.loads(weights.attrs["names"])),
                shower_weights=None if weights is None else weights[:],
                labels=tuple(
                    JetLabel.from_record(record, where=str(self.path))
                    for record in json.loads(attributes.get("labels", "[]"))
                ),
                **{name: self._file[f"jets/{name}"][:] for name in JET_COLUMNS},
            )
        except OSError as error:
            raise InputFileError(f"{self.path} is damaged: {error}") from error
        domain = JetDomain.from_record(json.loads(attributes.get("domain", "{}")))
        pt = self.index.pt
        self.domain = domain.with_range(float(pt.min()), float(pt.max())) if len(pt) else domain

    def read(self, start: int = 0, stop: int | None = None) -> Views:
        """Views of the events ``start`` to ``stop`` (indices in this file, not event numbers).

        Raises:
            InputFileError: the file is damaged.
            InvalidDataError: a feature is not finite; file, row and feature are named.
        """
        index = self.index
        stop = index.n_events if stop is None else stop
        jets = slice(int(index.first[start]), int(index.first[stop]))
        rows = slice(int(self.offsets[jets.start]), int(self.offsets[jets.stop]))
        try:
            features = self._file["features"][rows]
        except OSError as error:
            raise InputFileError(f"{self.path} is damaged: {error}") from error
        finite = np.isfinite(features)
        if not finite.all():
            row, column = (int(i) for i in np.argwhere(~finite)[0])
            raise InvalidDataError(
                f"{self.path}: {FEATURE_NAMES[column]!r} in row {rows.start + row} of 'features' is not finite "
                f"({int((~finite).sum())} values in this block)",
                got=features[row, column],
            )
        return Views(
            features=features,
            offsets=self.offsets[jets.start : jets.stop + 1] - rows.start,
            first=index.first[start : stop + 1] - jets.start,
            samples=index.samples,
            variations=index.variations,
            shower_weight_names=index.shower_weight_names,
            labels=index.labels,
            **index.columns(jets),
        )

    def close(self) -> None:
        """Close the file; :attr:`index` stays usable."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def is_views_file(path: Path) -> bool:
    """False for ROOT files and HDF5 files of another format; True for what :class:`ViewsFile` reads, or refuses."""
    if path.suffix == ".root":
        return False
    require_file(path)
    try:
        with h5py.File(path, "r") as file:
            return file.attrs.get("format") is not None or "jet_features" not in file
    except OSError:
        return True


def text_of(attribute: str | bytes | None) -> str | None:
    """Text of an attribute: of fixed length, or of free length as earlier versions wrote it."""
    return attribute.decode() if isinstance(attribute, bytes) else attribute


def read_views(path: Path | str) -> Views:
    """Read a whole file of views; see :class:`ViewsFile` for the errors."""
    with ViewsFile(path, shower_weights=True) as file:
        return file.read()


def write_views(path: Path | str, views: Views, *, domain: JetDomain = _UNKNOWN, force: bool = False) -> None:
    """Write views to a new file; ``domain`` says what kind of jets they are.

    Raises:
        OutputError: the file exists and ``force`` is False, or it cannot be written.
    """
    names = views.shower_weight_names
    with ViewsWriter.open(
        path,
        views.samples,
        views.variations,
        shower_weight_names=names,
        domain=domain,
        labels=views.labels,
        force=force,
    ) as writer:
        writer.append(views)
