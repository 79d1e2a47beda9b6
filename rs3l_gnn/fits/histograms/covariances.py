"""Covariances of nominal and varied templates: read from a run, checked, and put into the cells of a histogram."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, FitError, InputFileError
from rs3l_gnn.fits.config.reading import ReadingConfig
from rs3l_gnn.fits.histograms.cells import Flow, Key, RunHistogram, arranged, fold_flow
from rs3l_gnn.fits.yields import Relation, Yields

__all__ = ["cut_covariances", "related"]

# What a run says of variations that it makes from the nominal events; others are samples of their own.
_SAME_EVENTS = frozenset({"weight", "momentum", "candidates", "jets"})
_ROUNDING = 1e-6


def cut_covariances(
    document: Any, cut: RunHistogram, where: str, *, layout: ReadingConfig, flow: Flow
) -> dict[Key, NDArray[np.float64]]:
    """Covariances with nominal of a histogram, from what a run stores beside it, by cell.

    Args:
        document: a histogram in UHI's format, dense or sparse, with the axes of ``cut`` and, where events move between
            bins, the bin in the varied template as the last axis.
        cut: the templates.
        where: the file, for messages.
        layout: names of axes and of nominal.
        flow: what became of underflow and overflow of the templates.

    Returns:
        [n_bins, n_bins] (nominal bin, varied bin), or [n_bins] where the document has no axis of varied bins.

    Raises:
        InputFileError: it is not a histogram.
        FitError: other axes or another binning.
    """
    name = f"paired {cut.name}"
    try:
        axes = [_axis(document, entry) for entry in document["axes"]]
        index, values = _entries(document["storage"])
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise InputFileError(f"{where}: histogram {name!r} cannot be read: {error}") from error
    extents = np.array([axis.extent for axis in axes])
    fits = index.shape == (len(axes), len(values)) and values.ndim == 1
    if not fits or (index < 0).any() or (index >= extents[:, None]).any():
        raise InputFileError(f"{where}: histogram {name!r} has entries that its axes do not have")
    found = arranged(axes, layout.axes, name, where, n_variables=(1, 2))
    axis = axes[found.variables[0]]
    if len(axis) != len(cut.edges) - 1:
        raise FitError(f"{where}: {name} has another binning", got=f"{len(axis)} bins", allowed=len(cut.edges) - 1)
    sides = (bool(axis.traits.underflow), bool(axis.traits.overflow))
    labels = found.labels(layout)
    rows = [np.zeros(index.shape[1], dtype=np.int64) if place is None else index[place] for place in found.places]
    covariances: dict[Key, NDArray[np.float64]] = {}
    for numbers in np.unique(np.stack(rows), axis=1).T:
        if any(number >= len(names) for number, names in zip(numbers, labels, strict=True)):
            continue
        here = np.all(np.stack(rows) == numbers[:, None], axis=0)
        bins = tuple(index[place][here] for place in found.variables)
        dense = np.zeros((axis.extent,) * len(bins))
        dense[bins] = values[here]
        folded = fold_flow(dense, tuple(range(dense.ndim)), sides, flow)
        covariances[labels[0][numbers[0]], labels[1][numbers[1]], labels[2][numbers[2]]] = folded
    return covariances


def _axis(document: Mapping[str, Any], entry: Any) -> Any:
    import hist

    # One axis alone: a dense histogram of all of them may not fit into memory.
    return hist.Hist({**document, "axes": [entry], "storage": {"type": "double"}}).axes[0]


def _entries(storage: Mapping[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    values = np.asarray(storage["values"], dtype=np.float64)
    if "index" in storage:
        return np.asarray(storage["index"], dtype=np.int64), values
    filled = np.nonzero(values)
    return np.stack(filled), values[filled]


def related(
    cut: RunHistogram,
    covariances: Mapping[Key, NDArray[np.float64]],
    variations: Mapping[str, Mapping[str, Any]],
    where: str,
) -> RunHistogram:
    """Say of each varied template how it is related to nominal.

    Where a run kept track of a data set and variation, cells that hold nothing have the covariance zero. Where it did
    not, a re-simulated sample counts as independent. Weights and shifts of the nominal events without a covariance, and
    variations of which nothing is said, have an unknown one: their variances alone do not tell it.

    Args:
        cut: the templates.
        covariances: those that are known.
        variations: what the run says about each variation.
        where: the file, for messages.

    Raises:
        FitError: a covariance has another binning, or is larger than the two variances allow (Cauchy and Schwarz).
    """
    tracked = {(dataset, variation) for dataset, _, variation in covariances}
    cells = dict(cut.cells)
    for (dataset, channel, variation), cell in cut.cells.items():
        if variation == NOMINAL.name:
            continue
        if (dataset, variation) in tracked:
            covariance = covariances.get((dataset, channel, variation), np.zeros(len(cell.values)))
            if covariance.ndim == 2 and np.array_equal(covariance, np.diag(np.diag(covariance))):
                covariance = np.diag(covariance).copy()
            nominal = cut.cell(dataset, channel, NOMINAL.name)
            if nominal is None and covariance.any():
                raise FitError(
                    f"{where}: histogram {cut.name}, {dataset}, {channel}: {variation} is filled and nominal is not",
                    hint="run the nominal sample through the same analysis",
                )
            _check(covariance, nominal, cell, f"{where}: histogram {cut.name}, {dataset}, {channel}, {variation}")
            cells[dataset, channel, variation] = replace(cell, covariance=covariance, relation="known")
        else:
            relation = _without(variations.get(variation))
            cells[dataset, channel, variation] = replace(cell, covariance=None, relation=relation)
    return replace(cut, cells=cells)


def _without(record: Mapping[str, Any] | None) -> Relation:
    return "unknown" if record is None or record.get("kind") in _SAME_EVENTS else "independent"


def _check(covariance: NDArray[np.float64], nominal: Yields | None, varied: Yields, where: str) -> None:
    first = np.zeros(len(varied.values)) if nominal is None else nominal.variances
    second = varied.variances
    if first is None or second is None:
        raise FitError(f"{where}: a covariance without variances")
    if len(covariance) != len(second):
        raise FitError(f"{where}: the covariance has another binning", got=len(covariance), allowed=len(second))
    largest = first * second if covariance.ndim == 1 else np.outer(first, second)
    if (covariance**2 > largest * (1 + _ROUNDING)).any():
        raise FitError(
            f"{where}: the covariance with nominal is larger than the variances allow",
            hint="run the analysis again; templates and covariances do not belong together",
        )
