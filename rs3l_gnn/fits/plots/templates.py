"""Pictures of the templates: before and after the fit, and every variation beside its statistical error."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.fits.likelihood.likelihood import BestFit, Likelihood
from rs3l_gnn.fits.plots.drawing import Canvas, Ruler, colours_of, label_axes, new_figure
from rs3l_gnn.fits.templates.model import ChannelTemplates, SampleTemplates, Templates

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_channel", "draw_templates", "draw_variation", "hatched_band"]

_log = logging.getLogger(__name__)
_MOST_VARIATIONS = 40


def draw_templates(canvas: Canvas, templates: Templates, likelihood: Likelihood, best: BestFit) -> None:
    """Draw every channel before and after the fit, and every variation in it, up to a sensible number."""
    slices = likelihood.channel_slices()
    for title, fitted in (("prefit", None), ("postfit", best)):
        parameters = likelihood.asimov_parameters() if fitted is None else fitted.values
        content = likelihood.expected_by_sample(parameters)
        bands = likelihood.band(fitted)
        for channel in templates.channels:
            yields = {name: values[slices[channel.name]] for name, values in content.items()}
            figure = draw_channel(templates, channel, yields, bands[channel.name], title=title)
            canvas.save(figure, f"{title}_{channel.name}")
    acting = [
        (channel, nuisance.name)
        for channel in templates.channels
        for nuisance in templates.nuisances
        if any(shift.nuisance == nuisance.name for sample in channel.samples for shift in sample.shifts)
    ]
    if len(acting) > _MOST_VARIATIONS:
        _log.info("plots: only the first %d of %d variations are drawn", _MOST_VARIATIONS, len(acting))
    for channel, nuisance in acting[:_MOST_VARIATIONS]:
        canvas.save(draw_variation(templates, channel, nuisance), f"variation_{channel.name}_{nuisance}")


def draw_channel(
    templates: Templates,
    channel: ChannelTemplates,
    yields: Mapping[str, NDArray[np.float64]],
    band: NDArray[np.float64],
    *,
    title: str,
) -> Figure:
    """Stacked samples with their total error, the data, and their ratio.

    Args:
        yields: expected events by sample [n_bins].
        band: error of the total [n_bins].
    """
    import mplhep

    figure = new_figure()
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    colours = colours_of(templates.sample_names)
    present = [name for name in reversed(templates.sample_names) if channel.sample(name) is not None]
    stack = [yields[name] for name in present]
    total = np.sum(stack, axis=0)
    ruler = Ruler.of(channel.edges)
    edges, centres = ruler.edges, ruler.centres
    mplhep.histplot(
        stack,
        bins=edges,
        ax=upper,
        stack=True,
        histtype="fill",
        label=present,
        color=[colours[name] for name in present],
    )
    hatched_band(upper, edges, total, band, label="uncertainty")
    error = np.sqrt(channel.data)
    upper.errorbar(centres, channel.data, yerr=error, fmt="o", color="black", markersize=4, label=templates.data_label)
    upper.set_yscale("log")
    # Low enough to see the smallest sample at the bottom of the stack, but not more than five decades.
    highest, lowest = max(total.max(), channel.data.max()), stack[0][stack[0] > 0].min(initial=np.inf)
    upper.set_ylim(max(0.5 * min(lowest, total[total > 0].min()), 1e-5 * highest), 30 * highest)
    upper.legend(ncols=2, frameon=False)
    label_axes(upper, y="events / bin", title=f"{channel.name}, {title}")
    ratio = np.divide(channel.data, total, out=np.full_like(total, np.nan), where=total > 0)
    ratio_error = np.divide(error, total, out=np.zeros_like(total), where=total > 0)
    ratio_band = np.divide(band, total, out=np.zeros_like(total), where=total > 0)
    hatched_band(lower, edges, np.ones_like(total), ratio_band)
    lower.errorbar(centres, ratio, yerr=ratio_error, fmt="o", color="black", markersize=4)
    lower.axhline(1, color="black", linewidth=0.8)
    reach = float(np.nanmax(np.concatenate([np.abs(ratio - 1) + ratio_error, ratio_band])))
    reach = min(max(1.3 * reach, 0.02), 1.0)
    lower.set_ylim(1 - reach, 1 + reach)
    ruler.draw(lower)
    label_axes(lower, x=templates.variable)
    lower.set_ylabel("data / fit" if title == "postfit" else "data / exp.")
    return figure


def draw_variation(templates: Templates, channel: ChannelTemplates, nuisance: str) -> Figure:
    """Each sample's shift relative to nominal; bars are the statistical errors of the difference."""
    acting = [(sample, shift) for sample in channel.samples for shift in sample.shifts if shift.nuisance == nuisance]
    figure = new_figure(width=max(4.2 * len(acting), 5.0), height=4.2)
    row = np.atleast_1d(figure.subplots(1, len(acting)))
    ruler = Ruler.of(channel.edges)
    for axes, (sample, shift) in zip(row, acting, strict=True):
        reach = 0.0
        for side, values, error, colour in (
            ("up", shift.up, shift.up_error, "#bd1f01"),
            ("down", shift.down, shift.down_error, "#3f90da"),
        ):
            ratio, ratio_error = _relative(sample, values, error)
            rate = values.sum() / sample.values.sum() - 1
            axes.stairs(ratio, ruler.edges, color=colour, baseline=None, label=f"{side}, rate {rate:+.1%}")
            offset = 0.5 if side == "up" else 0.42
            places = ruler.edges[:-1] + offset * np.diff(ruler.edges)
            axes.errorbar(places, ratio, yerr=ratio_error, fmt="none", color=colour, capsize=2)
            reach = max(reach, float(np.nanmax(np.abs(ratio) + ratio_error)))
        own, _ = _relative(sample, sample.values, None)
        _, statistical = _relative(sample, sample.values, np.sqrt(sample.variances))
        hatched_band(axes, ruler.edges, own, statistical, label="nominal, stat.")
        axes.axhline(0, color="black", linewidth=0.8)
        reach = max(1.1 * reach, 1.1 * float(statistical.max()), 0.01)
        axes.set_ylim(-reach, 1.7 * reach)
        ruler.draw(axes)
        axes.legend(frameon=False, fontsize="small")
        label_axes(
            axes, x=templates.variable, y="relative difference", title=f"{channel.name}, {sample.name}, {nuisance}"
        )
    return figure


def _relative(
    sample: SampleTemplates, values: NDArray[np.float64], error: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nominal = sample.values
    safe = np.where(nominal > 0, nominal, 1.0)
    ratio = np.where(nominal > 0, values / safe - 1, 0.0)
    return ratio, np.zeros_like(ratio) if error is None else np.where(nominal > 0, error / safe, 0.0)


def hatched_band(
    axes: Axes, edges: NDArray[np.float64], centre: NDArray[np.float64], error: NDArray[np.float64], label: str = ""
) -> None:
    """Draw an error around a centre, both [n_bins], as a hatched band."""
    low, high = np.append(centre - error, (centre - error)[-1]), np.append(centre + error, (centre + error)[-1])
    axes.fill_between(
        edges, low, high, step="post", facecolor="none", edgecolor="grey", hatch="////", linewidth=0, label=label
    )
