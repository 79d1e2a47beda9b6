"""Cut a histogram into cells: one set of yields for each dataset, channel and variation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, FitError, InputFileError
from rs3l_gnn.fits.config.reading import AxisNames, ReadingConfig
from rs3l_gnn.fits.report import Report
from rs3l_gnn.fits.yields import Yields

if TYPE_CHECKING:
    import hist

__all__ = ["Arranged", "Flow", "Key", "RunHistogram", "arranged", "cut_histogram", "fold_flow"]

Flow = Literal["move", "drop", "error"]
Key = tuple[str, str, str]
"""Dataset, channel, variation."""


@dataclass(frozen=True)
class RunHistogram:
    """One histogram, cut into cells; cells that no run filled are absent."""

    name: str
    edges: NDArray[np.float64]
    channels: tuple[str, ...]
    variations: tuple[str, ...]
    cells: dict[Key, Yields]

    def cell(self, dataset: str, channel: str, variation: str) -> Yields | None:
        """The cell, or None where nothing was filled."""
        return self.cells.get((dataset, channel, variation))


def cut_histogram(
    document: Any, name: str, where: str, *, layout: ReadingConfig, flow: Flow, report: Report
) -> RunHistogram:
    """Cells of a histogram in UHI JSON.

    Args:
        document: the histogram, with one axis of numbers beside those that ``layout`` names; the axes of channels and
            variations may be absent.
        name: for messages.
        where: the file, for messages.
        layout: names of axes and of nominal.
        flow: what becomes of underflow and overflow of the variable.
        report: notes what was moved or dropped.

    Raises:
        InputFileError: it is not a histogram.
        FitError: other axes, or entries outside the named categories.
    """
    import hist

    histogram = _histogram(document, name, where)
    found = arranged(histogram.axes, layout.axes, name, where, n_variables=(1,))
    if histogram.kind != "COUNT":
        raise FitError(f"{where}: histogram {name!r} holds means and not counts", hint="fill hist.storage.Weight()")
    # What other storages call variances are the contents, which is wrong for weights.
    weighted = histogram.storage_type is hist.storage.Weight
    value = found.content(histogram.values(flow=True))
    variance = found.content(histogram.variances(flow=True)) if weighted else np.zeros_like(value)
    for content in (value, variance):
        found.refuse_category_flow(content, name, where)
    axis = histogram.axes[found.variables[0]]
    sides = (bool(axis.traits.underflow), bool(axis.traits.overflow))
    values, variances = (fold_flow(found.named(content), (3,), sides, flow) for content in (value, variance))
    _report_flow(found.named(value), sides, flow, f"{where}, histogram {name}", report)
    datasets, channels, variations = found.labels(layout)
    if variations.count(NOMINAL.name) > 1:
        raise FitError(
            f"{where}: histogram {name!r} has two nominal entries on its variation axis",
            got=f"{NOMINAL.name} and {layout.nominal}, which reading.nominal names",
            hint="leave one of them out when the histogram is made, or leave reading.nominal out",
        )
    cells = {}
    for i, dataset in enumerate(datasets):
        for j, channel in enumerate(channels):
            for k, variation in enumerate(variations):
                if values[i, j, k].any() or variances[i, j, k].any():
                    own = variances[i, j, k] if weighted else None
                    cells[dataset, channel, variation] = Yields(values[i, j, k], own)
    return RunHistogram(name, np.asarray(axis.edges), channels, variations, cells)


def fold_flow(
    content: NDArray[np.float64], axes: tuple[int, ...], sides: tuple[bool, bool], flow: Flow
) -> NDArray[np.float64]:
    """Take underflow and overflow, where ``sides`` says that there are any, into the edge bins or out."""
    lower, upper = sides
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


@dataclass(frozen=True)
class Arranged:
    """Which axis of a histogram is which; None for an axis that it does not have."""

    axes: Sequence[Any]
    places: tuple[int | None, int | None, int | None]
    variables: tuple[int, ...]

    def content(self, array: Any) -> NDArray[np.float64]:
        """The array with axes dataset, channel, variation, and the variables."""
        order = [place for place in (*self.places, *self.variables) if place is not None]
        content = np.transpose(np.asarray(array, dtype=np.float64), order)
        missing = [number for number, place in enumerate(self.places) if place is None]
        return np.expand_dims(content, missing) if missing else content

    def labels(self, layout: ReadingConfig) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Names on the three axes, nominal under its own name."""
        default = ("", layout.channel, layout.nominal)
        rows = [
            (default[number],) if place is None else tuple(str(entry) for entry in self.axes[place])
            for number, place in enumerate(self.places)
        ]
        return rows[0], rows[1], tuple(NOMINAL.name if entry == layout.nominal else entry for entry in rows[2])

    def named(self, content: NDArray[np.float64]) -> NDArray[np.float64]:
        """Without the overflow of the axes of names."""
        return content[tuple(slice(0, count) for count in self._counts())]

    def refuse_category_flow(self, content: NDArray[np.float64], name: str, where: str) -> None:
        # An unknown category goes silently to the overflow of its axis: such entries belong to nothing.
        for position, (place, count) in enumerate(zip(self.places, self._counts(), strict=True)):
            outside = np.take(content, range(count, content.shape[position]), axis=position)
            if place is not None and outside.any():
                axis = self.axes[place].name
                raise FitError(
                    f"{where}: histogram {name!r} has entries outside the names of its {axis} axis",
                    got=f"{outside.sum():g} in the overflow",
                    hint=f"name every {axis} when the histogram is made",
                )

    def _counts(self) -> list[int]:
        return [1 if place is None else len(self.axes[place]) for place in self.places]


def arranged(given: Sequence[Any], axes: AxisNames, name: str, where: str, *, n_variables: tuple[int, ...]) -> Arranged:
    """Tell the axes of a histogram apart.

    Args:
        given: its axes.
        axes: their names.
        name, where: histogram and file, for messages.
        n_variables: how many axes of numbers there may be.

    Raises:
        FitError: other axes.
    """
    names = [str(axis.name) for axis in given]
    places = [names.index(axis) if axis in names else None for axis in (axes.dataset, axes.channel, axes.variation)]
    variables = tuple(number for number in range(len(names)) if number not in places)
    # Text where numbers are expected: an axis of names that the layout does not know.
    words = any(isinstance(next(iter(given[number]), 0), str) for number in variables)
    if places[0] is None or len(variables) not in n_variables or words:
        raise FitError(
            f"{where}: histogram {name!r} does not have the expected axes",
            got=", ".join(names),
            allowed=f"{axes.dataset}, {axes.channel}, {axes.variation} and one variable",
            hint="name its axes in reading.axes",
        )
    return Arranged(given, (places[0], places[1], places[2]), variables)


def _histogram(document: Any, name: str, where: str) -> hist.Hist[Any]:
    import hist

    try:
        return hist.Hist(document)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise InputFileError(f"{where}: histogram {name!r} cannot be read: {error}") from error


def _report_flow(
    content: NDArray[np.float64], sides: tuple[bool, bool], flow: Flow, where: str, report: Report
) -> None:
    for side, present, index in (("underflow", sides[0], 0), ("overflow", sides[1], -1)):
        outside = content[..., index].sum() if present else 0.0
        if outside == 0:
            continue
        detail = f"{outside:g} of {content.sum():g}"
        if flow == "error":
            raise FitError(f"{where} has entries in the {side}", got=detail, hint="widen its axis")
        report.add("flow", "moved" if flow == "move" else "dropped", f"{where}, {side}", detail)
