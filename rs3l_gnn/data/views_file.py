"""HDF5 files of views, read whole or by ranges of events.

Layout: ``features`` [P, C], ``offsets`` [J + 1], ``jets/<column>`` [J], ``events/first`` [N + 1]; attributes
``format``, ``version``, ``features``, ``samples``, ``variations`` (JSON). Optional: the attributes ``domain`` and
``labels`` (JSON of :class:`~rs3l_gnn.conventions.JetDomain` and :class:`~rs3l_gnn.conventions.JetLabel`), ``units`` of
the features where these are not the 15 of the paper (JSON), ``shower_weights`` [J, n_weights] with the attribute
``names`` (JSON), NaN for all but nominal views, and ``scores`` [J, n_scores] of taggers that came with the jets, with
``names`` too; absent in older files.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    InputFileError,
    InvalidDataError,
    JetDomain,
    JetLabel,
    MissingBranchError,
    Rs3lError,
    Variation,
    unit_of,
)
from rs3l_gnn.conventions.expansion import require_bounded
from rs3l_gnn.conventions.inputs import reading, require_file
from rs3l_gnn.data.views import JET_COLUMNS, TABLES, Views
from rs3l_gnn.data.views_writer import FORMAT, VERSION

__all__ = ["ViewsFile", "is_views_file", "read_views", "text_of"]

_CACHE = 8 * 2**20
"""Bytes that HDF5 keeps unpacked of a data set: a chunk of each of more columns than anybody has."""
_DATASETS = ("features", "offsets", "events/first", *(f"jets/{name}" for name in JET_COLUMNS))


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
            self._file = h5py.File(self.path, "r", rdcc_nbytes=_CACHE)
        except FileNotFoundError as error:
            raise InputFileError(f"{self.path} does not exist") from error
        except OSError as error:
            raise InputFileError(f"{self.path} is not a complete HDF5 file: {error}") from error
        try:
            with reading(self.path, "is damaged"):
                self._load_index()
        except Rs3lError:
            self._file.close()
            raise

    def _load_index(self) -> None:
        attributes = self._file.attrs
        if (found := text_of(attributes.get("format"))) != FORMAT:
            raise InputFileError(f"{self.path} is not a file of views", got=f"format {found!r}", allowed=FORMAT)
        if attributes.get("version") != VERSION:
            raise InputFileError(
                f"{self.path} has another version of the format", got=attributes.get("version"), allowed=VERSION
            )
        missing = [name for name in _DATASETS if not isinstance(self._file.get(name), h5py.Dataset)]
        if missing:
            raise MissingBranchError(f"{self.path} lacks {', '.join(missing)}", got=", ".join(self._file))
        names = tuple(json.loads(attributes["features"]))
        self._require_known(names, json.loads(attributes.get("units", "null")))
        records = json.loads(attributes["variations"])
        tables: dict[str, Any] = {}
        for table, field in TABLES.items():
            rows = self._file.get(table)
            if rows is not None and (self._with_shower_weights or table != "shower_weights"):
                tables |= {field: tuple(json.loads(rows.attrs["names"])), table: rows}
        columns = [self._file[name] for name in _DATASETS if name != "features"]
        columns += [rows for name, rows in tables.items() if name in TABLES]
        require_bounded(self.path, sum(int(column.nbytes) for column in columns))
        try:
            self.offsets = self._file["offsets"][:]
            self.index = Views(
                features=np.zeros((0, len(names)), np.float32),
                feature_names=names,
                offsets=np.zeros(len(self.offsets), np.int64),
                first=self._file["events/first"][:],
                samples=tuple(json.loads(attributes["samples"])),
                variations=tuple(Variation.from_record(record, where=str(self.path)) for record in records),
                labels=tuple(
                    JetLabel.from_record(record, where=str(self.path))
                    for record in json.loads(attributes.get("labels", "[]"))
                ),
                **{name: rows[:] if name in TABLES else rows for name, rows in tables.items()},
                **{name: self._file[f"jets/{name}"][:] for name in JET_COLUMNS},
            )
        except OSError as error:
            raise InputFileError(f"{self.path} is damaged: {error}") from error
        domain = JetDomain.from_record(json.loads(attributes.get("domain", "{}")))
        pt = self.index.pt
        self.domain = domain.with_range(float(pt.min()), float(pt.max())) if len(pt) else domain

    def _require_known(self, names: tuple[str, ...], units: list[str] | None) -> None:
        """Refuse features of other units than those of this version, and columns that are not those named."""
        if units is None and names != FEATURE_NAMES:
            raise InputFileError(f"{self.path} does not say the units of its features", got=", ".join(names))
        for name, unit in zip(names, units or (), strict=True) if units else ():
            if unit_of(name) not in (None, unit):  # one of a package that is not here can be read, and not be used
                raise InputFileError(f"{self.path} holds {name!r} in another unit", got=unit, allowed=unit_of(name))
        shape = self._file["features"].shape
        if len(shape) != 2 or shape[1] != len(names):
            raise InputFileError(f"{self.path}: 'features' must have {len(names)} columns", got=shape)

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
        with reading(self.path, "is damaged"):
            particles = self._file["features"]
            require_bounded(self.path, (rows.stop - rows.start) * len(index.feature_names) * particles.dtype.itemsize)
            features = particles[rows]
        finite = np.isfinite(features)
        if not finite.all():
            row, column = (int(i) for i in np.argwhere(~finite)[0])
            raise InvalidDataError(
                f"{self.path}: {index.feature_names[column]!r} in row {rows.start + row} of 'features' is not finite "
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
            score_names=index.score_names,
            labels=index.labels,
            feature_names=index.feature_names,
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
