"""Read the histograms of one or more runs, with what the runs say about themselves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError, InputFileError
from rs3l_gnn.fits.report import Report

if TYPE_CHECKING:
    import hist

__all__ = ["Cell", "Run", "RunHistogram", "read_runs"]

_AXES = ("dataset", "channel", "variation")

Flow = Literal["move", "drop", "error"]


@dataclass(frozen=True)
class Cell:
    """Yields of one dataset, channel and variation in the histogram's own bins [n_bins], in pb."""

    values: NDArray[np.float64]
    variances: NDArray[np.float64]
    covariance: NDArray[np.float64] | None = None
    """Covariance with nominal of the same hard events: [n_bins], or [n_bins, n_bins] (nominal bin, varied bin)."""


@dataclass(frozen=True)
class RunHistogram:
    """One histogram, cut into cells; cells that no run filled are absent."""

    name: str
    edges: NDArray[np.float64]
    channels: tuple[str, ...]
    variations: tuple[str, ...]
    cells: dict[tuple[str, str, str], Cell]

    def cell(self, dataset: str, channel: str, variation: str) -> Cell | None:
        """The cell, or None where nothing was filled."""
        return self.cells.get((dataset, channel, variation))


@dataclass(frozen=True)
class Run:
    """Histograms and metadata of all inputs together."""

    histograms: dict[str, RunHistogram]
    datasets: dict[str, dict[str, Any]]
    variations: dict[str, dict[str, Any]]
    models: dict[str, tuple[str, ...]]
    incomplete: tuple[str, ...] = ()
    paired: bool = False
    report: Report = field(default_factory=Report)


def read_runs(paths: Sequence[Path | str], names: Sequence[str], *, flow: Flow = "move") -> Run:
    """Read the named histograms from every input and join their datasets.

    Args:
        paths: ``histograms.json`` files.
        names: histograms that are needed.
        flow: what becomes of underflow and overflow of the variable.

    Raises:
        InputFileError: a file is missing, not JSON, or not of the expected format.
        FitError: a histogram is missing, two inputs differ in binning or share a dataset, or entries were filled
            outside the named categories.
    """
    report = Report()
    documents = [(Path(path), _read(Path(path))) for path in paths]
    histograms = {}
    for name in names:
        parts = [_cut(document, name, path, flow, report) for path, document in documents]
        histograms[name] = _join(parts, [path for path, _ in documents])
    datasets: dict[str, dict[str, Any]] = {}
    variations: dict[str, dict[str, Any]] = {}
    models: dict[str, set[str]] = {}
    for _, document in documents:
        datasets.update(document.get("datasets", {}))
        variations.update(document.get("variations", {}))
        for tagger, digests in document.get("models", {}).items():
            models.setdefault(tagger, set()).update(digests)
    return Run(
        histograms=histograms,
        datasets=datasets,
        variations=variations,
        models={tagger: tuple(sorted(digests)) for tagger, digests in models.items()},
        incomplete=tuple(str(path) for path, document in documents if not document.get("complete", False)),
        paired=all(name in document.get("paired", {}) for _, document in documents for name in names),
        report=report,
    )


def _read(path: Path) -> dict[str, Any]:
    from uhi.io.json import object_hook

    try:
        document = json.loads(path.read_text(encoding="utf-8"), object_hook=object_hook)
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputFileError(f"{path} is not JSON: {error}", hint="run `rs3l analyze` again") from error
    if not isinstance(document, dict) or document.get("format") != "rs3l-histograms":
        raise InputFileError(f"{path} does not hold histograms of this package", allowed="format rs3l-histograms")
    if document.get("version") != 1:
        raise InputFileError(f"{path} has an unknown version", got=document.get("version"), allowed="1")
    return document


def _cut(document: dict[str, Any], name: str, path: Path, flow: Flow, report: Report) -> RunHistogram:
    import hist

    found = document.get("histograms", {})
    if name not in found:
        raise FitError(f"{path} has no histogram {name!r}", allowed=list(found))
    histogram = _histogram(found[name], name, path)
    extra = [axis.name for axis in histogram.axes if axis.name not in _AXES]
    missing = [axis for axis in _AXES if axis not in histogram.axes.name]
    if missing or len(extra) != 1:
        raise FitError(
            f"{path}: histogram {name!r} does not have the expected axes",
            got=", ".join(histogram.axes.name),
            allowed="dataset, channel, variation and one variable",
        )
    histogram = histogram.project(*_AXES, extra[0])
    axis = histogram.axes[3]
    if histogram.storage_type is not hist.storage.Weight:
        raise FitError(f"{path}: histogram {name!r} has no variances", hint="fill it with hist.storage.Weight()")
    value = np.asarray(histogram.values(flow=True), dtype=np.float64)
    variance = np.asarray(histogram.variances(flow=True), dtype=np.float64)
    labels = [list(histogram.axes[position]) for position in range(3)]
    counts = tuple(len(entries) for entries in labels)
    for content in (value, variance):
        _refuse_category_flow(content, counts, name, path)
    inner = tuple(slice(0, count) for count in counts)
    lower, upper = bool(axis.traits.underflow), bool(axis.traits.overflow)
    values = _fold(value[inner], (3,), lower, upper, flow)
    variances = _fold(variance[inner], (3,), lower, upper, flow)
    _report_flow(value[inner], (lower, upper), flow, f"{path}, histogram {name}", report)
    covariance = _covariances(document, name, path, (lower, upper), flow)
    cells = {}
    for i, dataset in enumerate(labels[0]):
        for j, channel in enumerate(labels[1]):
            for k, variation in enumerate(labels[2]):
                content = values[i, j, k]
                if not content.any() and not variances[i, j, k].any():
                    continue
                key = (dataset, channel, variation)
                cells[key] = Cell(content, variances[i, j, k], covariance.get(key))
    return RunHistogram(name, np.asarray(axis.edges), tuple(labels[1]), tuple(labels[2]), cells)


def _histogram(document: Any, name: str, path: Path) -> hist.Hist[Any]:
    import hist

    try:
        return hist.Hist(document)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InputFileError(f"{path}: histogram {name!r} cannot be read: {error}") from error


def _refuse_category_flow(content: NDArray[np.float64], counts: tuple[int, ...], name: str, path: Path) -> None:
    # An unknown category goes silently to the overflow of its axis: such entries belong to nothing.
    for position, (axis, count) in enumerate(zip(_AXES, counts, strict=True)):
        outside = np.take(content, range(count, content.shape[position]), axis=position)
        if outside.any():
            raise FitError(
                f"{path}: histogram {name!r} has entries outside the names of its {axis} axis",
                got=f"{outside.sum():g} in the overflow",
                hint=f"name every {axis} when the histogram is made",
            )


def _fold(
    content: NDArray[np.float64], axes: tuple[int, ...], lower: bool, upper: bool, flow: Flow
) -> NDArray[np.float64]:
    for axis in axes:
        content = np.moveaxis(content, axis, -1)
        stop = content.shape[-1] - int(upper)
        inner = np.array(content[..., int(lower) : stop], dtype=np.float64)
        if flow == "move":
            if lower:
                inner[..., 0] += content[..., 0]
            if upper:
                inner[..., -1] += content[..., -1]
        content = np.moveaxis(inner, -1, axis)
    return content


def _report_flow(
    content: NDArray[np.float64], sides: tuple[bool, bool], flow: Flow, where: str, report: Report
) -> None:
    for side, present, index in (("underflow", sides[0], 0), ("overflow", sides[1], -1)):
        outside = content[..., index].sum() if present else 0.0
        if outside == 0:
            continue
        detail = f"{outside:g} pb of {content.sum():g} pb"
        if flow == "error":
            raise FitError(f"{where} has entries in the {side}", got=detail, hint="widen its axis")
        report.add("flow", "moved" if flow == "move" else "dropped", f"{where}, {side}", detail)


def _covariances(
    document: dict[str, Any], name: str, path: Path, sides: tuple[bool, bool], flow: Flow
) -> dict[tuple[str, str, str], NDArray[np.float64]]:
    found = document.get("paired", {})
    if name not in found:
        return {}
    histogram = _histogram(found[name], f"paired {name}", path)
    variables = [axis.name for axis in histogram.axes if axis.name not in _AXES]
    missing = [axis for axis in _AXES if axis not in histogram.axes.name]
    if missing or len(variables) not in (1, 2):
        raise FitError(f"{path}: paired histogram {name!r} does not have the expected axes", got=histogram.axes.name)
    histogram = histogram.project(*_AXES, *variables)
    labels = [list(histogram.axes[position]) for position in range(3)]
    content: NDArray[np.float64] = np.asarray(histogram.values(flow=True), dtype=np.float64)[
        tuple(slice(0, len(entries)) for entries in labels)
    ]
    content = _fold(content, tuple(range(3, content.ndim)), *sides, flow)
    return {
        (dataset, channel, variation): content[i, j, k]
        for i, dataset in enumerate(labels[0])
        for j, channel in enumerate(labels[1])
        for k, variation in enumerate(labels[2])
        if content[i, j, k].any()
    }


def _join(parts: Sequence[RunHistogram], paths: Sequence[Path]) -> RunHistogram:
    first = parts[0]
    cells = dict(first.cells)
    for part, path in zip(parts[1:], paths[1:], strict=True):
        if part.edges.shape != first.edges.shape or not np.allclose(part.edges, first.edges, rtol=0, atol=1e-9):
            raise FitError(
                f"histogram {first.name!r} has different binnings in {paths[0]} and {path}",
                got=f"{len(first.edges) - 1} and {len(part.edges) - 1} bins",
                hint="make both runs with the same configuration",
            )
        shared = sorted({key[0] for key in cells} & {key[0] for key in part.cells})
        if shared:
            raise FitError(
                f"datasets appear in two inputs and would count twice: {', '.join(shared)}",
                hint=f"remove them from {path} or from the other input",
            )
        cells.update(part.cells)
    return RunHistogram(
        first.name,
        first.edges,
        tuple(dict.fromkeys(channel for part in parts for channel in part.channels)),
        tuple(dict.fromkeys(variation for part in parts for variation in part.variations)),
        cells,
    )
