"""Replicas that a run made event by event: the same events fluctuate in all taggers, views and variations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError, InputFileError, file_digest
from rs3l_gnn.conventions.expansion import open_arrays
from rs3l_gnn.conventions.inputs import reading
from rs3l_gnn.fits.histograms.cells import Flow, Key, RunHistogram, fold_flow
from rs3l_gnn.fits.yields import Yields

__all__ = ["EventReplicas", "ReplicaFile"]


@dataclass(frozen=True)
class ReplicaFile:
    """Replicas beside the histograms of a run; ``digest`` is the hash that the run says they have."""

    path: Path
    digest: str

    @classmethod
    def of(cls, record: Mapping[str, Any] | None, histograms: Path) -> ReplicaFile | None:
        """What ``histograms.json`` says about replicas; None if it says nothing.

        Raises:
            InputFileError: it does not say where they are, or names another place than the folder of the histograms.
        """
        if record is None:
            return None
        file, digest = record.get("file"), record.get("digest")
        if not (isinstance(file, str) and isinstance(digest, str) and file == Path(file).name):
            raise InputFileError(
                f"{histograms}: 'replicas' must name a file beside it, and its digest", got=record, hint="run it again"
            )
        return cls(histograms.parent / file, digest)


@dataclass(frozen=True)
class EventReplicas:
    """Contents of all cells in each replica: histogram -> cell -> [n, n_bins], in pb."""

    n: int
    contents: dict[str, dict[Key, NDArray[np.float64]]]

    @classmethod
    def read(cls, files: Sequence[ReplicaFile], names: Sequence[str], *, flow: Flow) -> EventReplicas:
        """Read the replicas of the named histograms.

        Args:
            files: of all inputs of a run; they have the same number of replicas, else the smallest number counts.
            names: histograms.
            flow: what became of underflow and overflow of the templates.

        Raises:
            InputFileError: a file is missing, of another run, or not of this format.
            FitError: it lacks a histogram.
        """
        numbers = []
        contents: dict[str, dict[Key, NDArray[np.float64]]] = {name: {} for name in names}
        for file in files:
            number, found = _read(file, names, flow)
            numbers.append(number)
            for name, cells in found.items():
                contents[name] |= cells
        return cls(min(numbers, default=0), contents)

    def replica(self, histogram: RunHistogram, number: int, *, data: frozenset[str]) -> RunHistogram:
        """A histogram as the events of one replica fill it.

        The variance of a bin follows its content, which is right for weights of one size; where weights of both signs
        leave less than one effective entry, it stays. The covariance with nominal follows the root of both.

        Args:
            histogram: as all events fill it.
            number: of the replica.
            data: observed data sets, which stay.

        Raises:
            FitError: a cell has no replicas.
        """
        known = self.contents[histogram.name]
        missing = sorted(key for key in histogram.cells if key not in known and key[0] not in data)
        if missing:
            raise FitError(
                f"the replicas lack cells of the histogram {histogram.name!r}",
                got=", ".join(map("/".join, missing)),
                hint="run the analysis again; histograms and replicas do not belong together",
            )
        factors = {key: _factor(cell, known[key][number]) for key, cell in histogram.cells.items() if key in known}
        cells = dict(histogram.cells)
        for key, factor in factors.items():
            cell = cells[key]
            nominal = factors.get((key[0], key[1], "nominal"), np.zeros(len(factor)))
            covariance = cell.covariance
            if covariance is not None:
                both = nominal * factor if covariance.ndim == 1 else np.outer(nominal, factor)
                covariance = covariance * np.sqrt(both)
            variances = None if cell.variances is None else cell.variances * factor
            cells[key] = replace(cell, values=known[key][number], variances=variances, covariance=covariance)
        return replace(histogram, cells=cells)


def _factor(cell: Yields, values: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio = np.divide(values, cell.values, out=np.ones(len(values)), where=cell.values != 0)
    # Weights of one sign have at least one effective entry; below, the content says nothing about the variance.
    telling = cell.values**2 >= (0.0 if cell.variances is None else cell.variances) * (1 - 1e-9)
    return np.where(telling, np.maximum(ratio, 0.0), 1.0)


def _read(file: ReplicaFile, names: Sequence[str], flow: Flow) -> tuple[int, dict[str, dict[Key, NDArray[np.float64]]]]:
    if not file.path.is_file():
        raise InputFileError(
            f"{file.path} does not exist, which the histograms beside it name",
            hint="copy it, too, or set comparison.replicas to 0",
        )
    if file_digest(file.path) != file.digest:
        raise InputFileError(f"{file.path} is not the one of the histograms beside it", hint="run the analysis again")
    with reading(file.path, "does not hold replicas"), open_arrays(file.path) as archive:
        header = json.loads(str(archive["header"]))
        if (header["format"], header["version"]) != ("rs3l-replicas", 1):
            raise InputFileError(
                f"{file.path} is of another format",
                got=f"{header['format']}, version {header['version']}",
                allowed="rs3l-replicas, version 1",
            )
        lacking = [name for name in names if name not in header["cells"]]
        if lacking:
            raise FitError(f"{file.path} has no replicas of {', '.join(lacking)}", allowed=list(header["cells"]))
        found = {}
        for name in names:
            content = fold_flow(archive[name], (2,), (True, True), flow)
            found[name] = {(c[0], c[1], c[2]): rows for c, rows in zip(header["cells"][name], content, strict=True)}
        replicas = int(header["replicas"])
    return replicas, found
