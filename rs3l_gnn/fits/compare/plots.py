"""Pictures of a comparison of taggers: errors by part, biases, and the templates side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.fits.compare.results import PARTS, TaggerResult
from rs3l_gnn.fits.plots.drawing import COLOURS, Canvas, Ruler, colours_of, label_axes, new_figure
from rs3l_gnn.fits.plots.templates import hatched_band
from rs3l_gnn.fits.templates.model import ChannelTemplates, Templates
from rs3l_gnn.fits.templates.period import Built

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Drawn", "draw_comparison"]

Drawn = tuple[Built, Mapping[str, Mapping[str, Any]]]
"""Templates of a tagger, and the channels of the fit to each pseudo-data."""
_MARKERS = "osD^v<>P"


def draw_comparison(canvas: Canvas, results: Mapping[str, TaggerResult], drawn: Mapping[str, Drawn]) -> None:
    """Draw a comparison: ``errors``, ``bias`` where there are pseudo-data, and ``templates_<channel>``."""
    canvas.save(_errors(results), "comparison_errors")
    if any(result.bias for result in results.values()):
        canvas.save(_bias(results), "comparison_bias")
    for channel in next(iter(results.values())).edges:
        canvas.save(_templates(channel, drawn), f"comparison_templates_{channel}")


def _errors(results: Mapping[str, TaggerResult]) -> Figure:
    figure = new_figure(7.0, 4.2)
    axes = figure.subplots()
    width = 0.8 / len(PARTS)
    places = np.arange(len(results))
    colours = (COLOURS[3], COLOURS[0], COLOURS[2], COLOURS[1])
    values = {part: np.array([getattr(result, part) for result in results.values()]) for part in PARTS}
    for number, (part, word) in enumerate(PARTS.items()):
        errors = [result.error_of(part) for result in results.values()]
        bars = None if None in errors else np.array(errors, dtype=np.float64)
        where = places + (number - (len(PARTS) - 1) / 2) * width
        axes.bar(where, values[part], width, yerr=bars, color=colours[number], label=word, capsize=2)
    axes.set_xticks(places, list(results))
    axes.set_yscale("log")
    filled = np.concatenate(list(values.values()))
    axes.set_ylim(0.5 * filled[filled > 0].min(), 4 * filled.max())
    axes.legend(ncols=len(PARTS), frameon=False, loc="upper right")
    label_axes(axes, y="error of the signal strength", title="Asimov data")
    axes.tick_params(axis="x", which="both", length=0)
    return figure


def _bias(results: Mapping[str, TaggerResult]) -> Figure:
    names = list(next(iter(results.values())).bias)
    figure = new_figure(max(2.6 * len(results), 5.0) + 1.0, 1.9 + 0.45 * len(names))
    row = np.atleast_1d(figure.subplots(1, len(results), sharey=True))
    rows = np.arange(len(names))[::-1]
    for axes, (tagger, result) in zip(row, results.items(), strict=True):
        shower = result.mu_error_shower
        axes.axvspan(-shower, shower, color="#c9ecc1", zorder=0, label="± shower error")
        axes.axvline(0, color="black", linewidth=0.8)
        errors = np.array([result.bias_error[name] or 0.0 for name in names])
        values = np.array([result.bias[name] for name in names])
        axes.errorbar(values, rows, xerr=errors, fmt="o", color="black", markersize=4, capsize=2)
        reach = 1.15 * max(float((np.abs(values) + errors).max()), shower, 1e-9)
        axes.set_xlim(-reach, reach)
        axes.locator_params(axis="x", nbins=5)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.set_yticks(rows, names)
        label_axes(axes, title=tagger)
    row[-1].set_xlabel("bias of the signal strength", loc="right")
    handles, labels = row[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", frameon=False, fontsize="small")
    return figure


def _templates(channel: str, drawn: Mapping[str, Drawn]) -> Figure:
    figure = new_figure(3.6 * len(drawn) + 0.6, 5.4)
    grid = figure.subplots(2, len(drawn), sharex="col", height_ratios=[2, 1.2], squeeze=False)
    for column, (tagger, (built, pseudo)) in enumerate(drawn.items()):
        content = next(entry for entry in built.templates.channels if entry.name == channel)
        ruler = _by_efficiency(built.efficiencies.get(channel), content)
        upper, lower = grid[0, column], grid[1, column]
        total = _stack(upper, built.templates, content, ruler)
        band = np.divide(_shower(built.templates, content), total, out=np.zeros_like(total), where=total > 0)
        hatched_band(lower, ruler.edges, np.ones_like(total), band, label="shower nuisances")
        reach = float(band.max())
        for number, (name, channels) in enumerate(pseudo.items()):
            data = np.array(channels[channel]["data"])
            error = np.array(channels[channel].get("data_error", np.zeros_like(data)))
            style = {"fmt": _MARKERS[number % len(_MARKERS)], "color": COLOURS[4 + number % 6], "markersize": 4}
            # Side by side inside the bin.
            part = (number + 1) / (len(pseudo) + 1)
            where = ruler.edges[:-1] + part * np.diff(ruler.edges)
            upper.errorbar(where, data, **style)
            lower.errorbar(where, data / total, yerr=error / total, label=name, capsize=2, **style)
            reach = max(reach, float((np.abs(data / total - 1) + error / total).max()))
        lower.axhline(1, color="black", linewidth=0.8)
        lower.set_ylim(1 - 1.2 * max(reach, 0.01), 1 + 1.2 * max(reach, 0.01))
        ruler.draw(lower)
        label_axes(upper, y="events / bin" if column == 0 else "", title=tagger)
        label_axes(lower, x="signal above the edge", y="ratio to nominal" if column == 0 else "")
    handles = [grid[row, 0].get_legend_handles_labels() for row in (0, 1)]
    figure.legend(
        [handle for pair in handles for handle in pair[0]],
        [label for pair in handles for label in pair[1]],
        loc="outside upper center",
        ncols=8,
        frameon=False,
        fontsize="small",
    )
    return figure


def _by_efficiency(above: NDArray[np.float64] | None, channel: ChannelTemplates) -> Ruler:
    """Bins side by side, labelled by what taggers have in common."""
    if above is None:
        return Ruler.of(channel.edges)
    return Ruler(np.arange(channel.n_bins + 1.0), tuple(f"{100 * fraction:.3g} %" for fraction in above))


def _stack(axes: Axes, templates: Templates, channel: ChannelTemplates, ruler: Ruler) -> NDArray[np.float64]:
    """Draw the samples on top of each other, the signal at the bottom; return their sum [n_bins]."""
    colours = colours_of(templates.sample_names)
    total = np.zeros(channel.n_bins)
    for name in templates.sample_names:
        sample = channel.sample(name)
        if sample is None:
            continue
        axes.stairs(total + sample.values, ruler.edges, baseline=total, fill=True, color=colours[name], label=name)
        total = total + sample.values
    axes.set_yscale("log")
    lowest = min(
        (s.values[s.values > 0].min() for s in channel.samples if s.name in templates.signal), default=total.min()
    )
    axes.set_ylim(max(0.5 * lowest, 1e-6 * total.max()), 5 * total.max())
    return total


def _shower(templates: Templates, channel: ChannelTemplates) -> NDArray[np.float64]:
    """Root of the sum of squares of the shower nuisances' effects on the sum of all samples [n_bins]."""
    variance = np.zeros(channel.n_bins)
    for nuisance in templates.groups.get("shower", ()):
        effect = np.zeros(channel.n_bins)
        for sample in channel.samples:
            for shift in sample.shifts:
                if shift.nuisance == nuisance:
                    effect += (shift.up - shift.down) / 2
        variance += effect**2
    return np.sqrt(variance)
