"""Plots of the histograms: data sets stacked up with their ratio, and the variations of each data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_histograms"]

_MOST_BINS = 25
_MOST_SOURCES = 5
_MOST_DATASETS = 4
_LARGEST_ERROR = 0.5
_LETTERS_IN_LEGEND = 11  # in an entry, on average, for five of them in a row


def plot_histograms(summary: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw every histogram of an analysis.

    For each histogram and channel, one figure: the shapes of the data sets, the ratio of each shape to the first one,
    and for each data set its variations relative to nominal, with the statistical error of nominal as a band.

    Args:
        summary: ``histograms`` as in ``output.coffea``.
        folder: where the PNG files go; made if it is not there.

    Returns:
        The files.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    # A figure of its own, without pyplot: no window system, nothing global left behind.
    with mpl.rc_context({"font.size": 11, "axes.grid": True, "grid.alpha": 0.25}):
        for name, histogram in summary["histograms"].items():
            for channel in list(histogram.axes["channel"]):
                # The ratio of a data set to itself says nothing.
                ratios = [1.2] if len(histogram.axes["dataset"]) > 1 else []
                heights = [3.0, *ratios, *[1.5] * min(len(histogram.axes["dataset"]), _MOST_DATASETS)]
                figure = Figure(figsize=(7, 1.4 * sum(heights) + 0.7), layout="constrained")
                grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
                top = figure.add_subplot(grid[0])
                panels = [top, *(figure.add_subplot(grid[row], sharex=top) for row in range(1, len(heights)))]
                _draw(panels, histogram[{"channel": channel}], title=f"{name}, {channel}")
                # Not every data set has every variation.
                entries: dict[str, Any] = {}
                for panel in panels[1 + len(ratios) :]:
                    entries |= {label: line for line, label in zip(*panel.get_legend_handles_labels(), strict=True)}
                columns = 5 if sum(map(len, entries)) < _LETTERS_IN_LEGEND * len(entries) else 4
                figure.legend(
                    list(entries.values()), list(entries), ncols=columns, fontsize=8, loc="outside lower center"
                )
                path = folder / f"{name}_{channel}.png"
                figure.savefig(path, dpi=110)
                written.append(path)
    return written


def _draw(panels: Sequence[Axes], histogram: Any, *, title: str) -> None:
    top, *others = panels
    axis = histogram.axes[-1]
    merge = -(-len(axis) // _MOST_BINS)
    while len(axis) % merge:
        merge += 1
    edges = np.asarray(axis.edges, dtype=np.float64)[::merge]
    if _is_crowded_at_both_ends(edges):
        # Bins that are equal in the logit look equal; 0 and 1 themselves lie at infinity.
        top.set_xscale("logit")
        top.xaxis.set_minor_formatter("")
        edges = np.array([edges[1] / 2, *edges[1:-1], (1 + edges[-2]) / 2])
    datasets = list(histogram.axes["dataset"])
    ratio, variations = (others[0], others[1:]) if len(datasets) > 1 else (None, others)

    def content(dataset: str, variation: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        one = histogram[{"dataset": dataset, "variation": variation}]
        return _merged(one.values(), merge), _merged(one.variances(), merge)

    shapes = {}
    for dataset in datasets:
        values, variances = content(dataset, "nominal")
        total = values.sum()
        shape = values / total if total else values
        error = np.sqrt(variances) / total if total else variances
        shapes[dataset] = shape, error
        (line,) = top.step(edges, [*shape, shape[-1]], where="post", label=dataset)
        _band(top, edges, shape, error, line.get_color())
    top.set_ylabel("Share of events")
    top.set_title(title, fontsize=11)
    top.legend(ncols=2, fontsize=9)
    top.set_ylim(bottom=0)
    if ratio is not None:
        _draw_ratios(ratio, shapes, edges)
    filled = np.flatnonzero(sum(shape for shape, _ in shapes.values()))
    if len(filled):
        top.set_xlim(edges[filled[0]], edges[filled[-1] + 1])
    shown = _largest_variations(histogram)
    for dataset, panel in zip(datasets[: len(variations)], variations, strict=True):
        _draw_variations(panel, histogram[{"dataset": dataset}], edges, merge, shown=shown, title=dataset)
    panels[-1].set_xlabel(axis.label)
    for panel in panels[:-1]:
        panel.tick_params(which="both", labelbottom=False)


def _draw_ratios(
    panel: Axes, shapes: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]], edges: NDArray[np.float64]
) -> None:
    first, (reference, _) = next(iter(shapes.items()))
    highest = 0.0
    for shape, error in shapes.values():
        quotient, quotient_error = _ratio(shape, reference), _ratio(error, reference)
        (line,) = panel.step(edges, [*quotient, quotient[-1]], where="post")
        _band(panel, edges, quotient, quotient_error, line.get_color())
        highest = max(highest, float(np.nanmax(quotient, initial=0.0)))
    panel.set_ylabel(f"Ratio to {first}")
    if highest > 4:
        panel.set_yscale("symlog", linthresh=2)
    panel.set_ylim(0, None)


def _is_crowded_at_both_ends(edges: NDArray[np.float64]) -> bool:
    widths = np.diff(edges)
    return bool(len(widths) > 2 and edges[0] == 0 and edges[-1] == 1 and widths.max() > 1.5 * widths[[0, -1]].max())


def _largest_variations(histogram: Any) -> list[str]:
    """Both sides of the sources that move the data sets most, in the order of their names."""
    names = [name for name in histogram.axes["variation"] if name != "nominal"]
    moves = {_source(name): 0.0 for name in names}
    for dataset in histogram.axes["dataset"]:
        nominal = histogram[{"dataset": dataset, "variation": "nominal"}].values()
        for name in names:
            varied = histogram[{"dataset": dataset, "variation": name}].values()
            if varied.any() and nominal.any():
                moves[_source(name)] += float(np.abs(varied - nominal).sum() / np.abs(nominal).sum())
    largest = sorted(moves, key=lambda source: -moves[source])[:_MOST_SOURCES]
    return sorted(name for name in names if _source(name) in largest)


def _draw_variations(
    panel: Axes, total: Any, edges: NDArray[np.float64], merge: int, *, shown: Sequence[str], title: str
) -> None:
    nominal = total[{"variation": "nominal"}]
    values, variances = _merged(nominal.values(), merge), _merged(nominal.variances(), merge)
    relative = _ratio(np.sqrt(variances), values)
    # Bins with less than about four events say nothing.
    values, relative = (np.where(relative < _LARGEST_ERROR, array, np.nan) for array in (values, relative))
    panel.fill_between(
        edges,
        [*(1 - relative), 1 - relative[-1]],
        [*(1 + relative), 1 + relative[-1]],
        step="post",
        color="0.85",
        label="statistics",
    )
    seen = [0.05]
    # One colour for a source, broken lines for Down.
    sources = list(dict.fromkeys(_source(name) for name in shown))
    for name in shown:
        varied = _merged(total[{"variation": name}].values(), merge)
        if not varied.any():
            continue
        quotient = _ratio(varied, values)
        style: dict[str, Any] = {"color": f"C{sources.index(_source(name))}", "ls": "--" if _is_down(name) else "-"}
        panel.step(edges, [*quotient, quotient[-1]], where="post", lw=1.2, label=name, **style)
        seen.append(float(np.nanmax(np.abs(quotient - 1), initial=0.0)))
    reach = min(1.2 * max(seen), 1.0)
    panel.set_ylim(1 - reach, 1 + reach)
    panel.set_ylabel(f"{title}:\nvariation / nominal", fontsize=9)


def _source(variation: str) -> str:
    return variation.removesuffix("Up").removesuffix("Down")


def _is_down(variation: str) -> bool:
    return variation.endswith("Down")


def _band(
    panel: Axes, edges: NDArray[np.float64], values: NDArray[np.float64], error: NDArray[np.float64], color: Any
) -> None:
    low, high = values - error, values + error
    panel.fill_between(edges, [*low, low[-1]], [*high, high[-1]], step="post", alpha=0.25, color=color, lw=0)


def _merged(values: Any, merge: int) -> NDArray[np.float64]:
    return np.asarray(np.asarray(values, dtype=np.float64).reshape(-1, merge).sum(axis=1))


def _ratio(values: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(values, reference, out=np.full_like(values, np.nan), where=reference > 0)
