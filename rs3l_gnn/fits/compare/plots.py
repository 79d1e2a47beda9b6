"""Pictures of a comparison of taggers: errors by part, biases, and the templates side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.plotting import COLOURS, draw_band, draw_into, new_figure, ratio_limits, ratio_panels
from rs3l_gnn.conventions.wording import readable_variation
from rs3l_gnn.fits.compare.results import PARTS, Comparison, TaggerFits
from rs3l_gnn.fits.config.fit import FitConfig
from rs3l_gnn.fits.plots.ruler import Ruler
from rs3l_gnn.fits.plots.templates import HATCHED, draw_stack
from rs3l_gnn.fits.templates.model import ChannelTemplates, Templates

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_comparison"]

_MARKERS = "osD^v<>P"
_COLOURS = {part: COLOURS[place] for part, place in zip(PARTS, (3, 0, 2, 1), strict=True)}


def draw_comparison(
    folder: Path, config: FitConfig, comparison: Comparison, fitted: Mapping[str, TaggerFits]
) -> list[str]:
    """Draw ``errors``, ``bias`` where there are pseudo-data, and ``templates_<channel>``; the files' names."""
    first = next(iter(comparison.taggers.values()))
    with draw_into(folder, config.plot_style, config.plot_formats) as figures:
        figures.save(_errors(comparison), "comparison_errors")
        if first.bias:
            figures.save(_bias(comparison), "comparison_bias")
        for channel in first.edges:
            own = {tagger: fitted[tagger] for tagger in comparison.taggers}
            figures.save(_templates(channel, own), f"comparison_templates_{channel}")
    return [f"{folder.name}/{name}" for name in figures.files]


def _how(comparison: Comparison) -> str:
    return "paired errors" if comparison.paired else "errors in squares"


def _errors(comparison: Comparison) -> Figure:
    results = comparison.taggers
    reference = list(results)[-1]
    pairs = {pair: entry for pair, entry in comparison.differences.items() if pair.endswith(f" - {reference}")}
    known = any(contrast.error is not None for entry in pairs.values() for contrast in entry.values())
    figure = new_figure(max(6.6, 2.4 * len(results)), 7.2 if known else 5.0)
    upper, *below = figure.subplots(2 if known else 1, 1, squeeze=False, height_ratios=[1.5, 1][: 1 + known])[:, 0]
    width = 0.8 / len(PARTS)
    offsets = (np.arange(len(PARTS)) - (len(PARTS) - 1) / 2) * width
    values = np.array([[getattr(result, part) for result in results.values()] for part in PARTS])
    for row, offset, (part, word) in zip(values, offsets, PARTS.items(), strict=True):
        errors = [result.error_of(part) for result in results.values()]
        bars = None if None in errors else np.array(errors, dtype=np.float64)
        upper.bar(np.arange(len(results)) + offset, row, width, yerr=bars, color=_COLOURS[part], label=word, capsize=2)
    beside = offsets[list(PARTS).index("mu_error_shower")] + 0.25 * width
    shown = {name: (part.value, part.error) for name, part in comparison.shower.items()}
    _noise_free(upper, list(comparison.taggers), shown, beside)
    upper.set_xticks(range(len(results)), list(results))
    upper.set_yscale("log")
    upper.set_ylim(0.5 * values[values > 0].min(), 5 * values.max())
    upper.legend(ncols=3 if comparison.shower else len(PARTS), loc="upper right", title="Asimov data")
    upper.set_ylabel("error of the signal strength")
    upper.tick_params(axis="x", which="both", length=0)
    for axes in below:
        axes.axhline(0, color="black", linewidth=0.8)
        for offset, part in zip(offsets, PARTS, strict=True):
            found = [entry[part] for entry in pairs.values()]
            errors = [contrast.error or 0.0 for contrast in found]
            places = np.arange(len(pairs)) + offset
            axes.errorbar(places, [c.value for c in found], yerr=errors, fmt="o", color=_COLOURS[part], capsize=2)
        noise_free = {pair: one for pair, one in comparison.shower_contrasts.items() if pair in pairs}
        _noise_free(axes, list(pairs), {pair: (one.difference, one.error) for pair, one in noise_free.items()}, beside)
        axes.set_xticks(range(len(pairs)), list(pairs))
        axes.set_xlim(-0.5, len(pairs) - 0.5)
        axes.set_ylabel(f"difference\n({_how(comparison)})")
        axes.tick_params(axis="x", which="both", length=0)
    return figure


def _noise_free(
    axes: Axes, names: Sequence[str], shown: Mapping[str, tuple[float | None, float | None]], offset: float
) -> None:
    """Points beside the shower's bars or points, at what is left of them without the noise of the templates."""
    style: dict[str, Any] = {"fmt": "D", "color": "black", "markersize": 4, "capsize": 3, "markerfacecolor": "white"}
    found = [(names.index(name), value, error) for name, (value, error) in shown.items() if value is not None]
    if found:
        x, values, errors = zip(*found, strict=True)
        axes.errorbar(np.array(x) + offset, values, yerr=errors, label="shower without noise", **style)


def _bias(comparison: Comparison) -> Figure:
    results = comparison.taggers
    names = list(next(iter(results.values())).bias)
    figure = new_figure(max(3.0 * len(results), 5.0) + 1.6, 2.2 + 0.5 * len(names))
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
        axes.locator_params(axis="x", nbins=4)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.set_yticks(rows, [readable_variation(name) for name in names])
        axes.tick_params(axis="y", which="minor", left=False, right=False)
        axes.set_title(tagger, loc="center")
    figure.supxlabel("bias of the signal strength, errors paired with nominal", fontsize="medium")
    handles, labels = row[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", frameon=False)
    return figure


def _templates(channel: str, fitted: Mapping[str, TaggerFits]) -> Figure:
    figure, grid = ratio_panels(len(fitted), width=4.4, height=6.4)
    for column, (tagger, fits) in enumerate(fitted.items()):
        templates = fits.built.templates
        content = next(entry for entry in templates.channels if entry.name == channel)
        above = fits.built.efficiencies.get(channel)
        ruler = Ruler.of(content.edges) if above is None else Ruler.of_fractions(above)
        upper, lower = grid[0, column], grid[1, column]
        total = draw_stack(upper, templates, {sample.name: sample.values for sample in content.samples}, ruler)
        band = _shower(templates, content) / total
        draw_band(lower, ruler.edges, 1 - band, 1 + band, label="shower nuisances", **HATCHED)
        shown = [1 - band, 1 + band]
        for number, (name, result) in enumerate(fits.pseudo.items()):
            data = next(entry.data for entry in result.built.templates.channels if entry.name == channel)
            error = result.built.data_error(channel)
            ratio, bars = data / total, np.zeros_like(data) if error is None else error / total
            style = {"fmt": _MARKERS[number % len(_MARKERS)], "color": COLOURS[4 + number % 6], "markersize": 4}
            # Side by side inside the bin.
            where = ruler.inside((number + 1) / (len(fits.pseudo) + 1))
            upper.errorbar(where, data, **style)
            lower.errorbar(where, ratio, yerr=bars, label=readable_variation(name), capsize=2, **style)
            shown += [ratio - bars, ratio + bars]
        lower.axhline(1, color="black", linewidth=0.8)
        lower.set_ylim(*ratio_limits(shown, most=4.0))
        ruler.draw(lower)
        upper.set_title(tagger, loc="center")
        lower.set_xlabel("signal above the edge")
    grid[0, 0].set_ylabel("events / bin")
    grid[1, 0].set_ylabel("ratio to nominal,\npaired errors", fontsize="medium")
    handles = [grid[row, 0].get_legend_handles_labels() for row in (0, 1)]
    figure.legend(
        [handle for pair in handles for handle in pair[0]],
        [label for pair in handles for label in pair[1]],
        loc="outside upper center",
        ncols=8,
        frameon=False,
    )
    return figure


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
