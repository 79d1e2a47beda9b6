"""Pictures of the templates: before and after the fit, and every variation beside its statistical error."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.plotting import (
    COLOURS,
    Figures,
    colours_of,
    draw_band,
    new_figure,
    ratio_limits,
    ratio_panels,
)
from rs3l_gnn.fits.likelihood.likelihood import Likelihood
from rs3l_gnn.fits.plots.ruler import Ruler
from rs3l_gnn.fits.plots.wording import readable_parameter, readable_variable
from rs3l_gnn.fits.templates.model import ChannelTemplates, SampleTemplates, Templates

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import FitResults
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["HATCHED", "draw_channel", "draw_stack", "draw_templates", "draw_variation"]

HATCHED = {"facecolor": "none", "edgecolor": "grey", "hatch": "////"}
"""How errors of an expectation look."""

_log = logging.getLogger(__name__)
_MOST_VARIATIONS = 40


def draw_templates(figures: Figures, templates: Templates, likelihood: Likelihood, best: FitResults) -> None:
    """Draw every channel before and after the fit, and every variation in it, up to a sensible number."""
    slices = likelihood.channel_slices()
    for title, fitted in (("prefit", None), ("postfit", best)):
        parameters = likelihood.asimov_parameters() if fitted is None else fitted.bestfit
        content = likelihood.expected_by_sample(parameters)
        bands = likelihood.band(fitted)
        for channel in templates.channels:
            yields = {name: values[slices[channel.name]] for name, values in content.items()}
            figure = draw_channel(templates, channel, yields, bands[channel.name], title=title)
            figures.save(figure, f"{title}_{channel.name}")
    acting = [
        (channel, nuisance.name)
        for channel in templates.channels
        for nuisance in templates.nuisances
        if any(shift.nuisance == nuisance.name for sample in channel.samples for shift in sample.shifts)
    ]
    if len(acting) > _MOST_VARIATIONS:
        _log.info("plots: only the first %d of %d variations are drawn", _MOST_VARIATIONS, len(acting))
    for channel, nuisance in acting[:_MOST_VARIATIONS]:
        figures.save(draw_variation(templates, channel, nuisance), f"variation_{channel.name}_{nuisance}")


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
        title: ``prefit`` or ``postfit``.
    """
    figure, panels = ratio_panels()
    upper, lower = panels[:, 0]
    ruler = Ruler.of(channel.edges)
    total = draw_stack(upper, templates, yields, ruler)
    draw_band(upper, ruler.edges, total - band, total + band, label="uncertainty", **HATCHED)
    data, error = channel.data, np.sqrt(channel.data)
    points = {"fmt": "o", "color": "black", "markersize": 4}
    upper.errorbar(ruler.inside(0.5), data, yerr=error, label=templates.data_label, **points)
    low, high = upper.get_ylim()
    upper.set_ylim(low, max(high, 30 * data.max()))
    upper.legend(ncols=2, title=f"{channel.name}, {'after' if title == 'postfit' else 'before'} the fit")
    upper.set_ylabel("events / bin")
    safe = np.where(total > 0, total, np.nan)
    draw_band(lower, ruler.edges, 1 - band / safe, 1 + band / safe, **HATCHED)
    lower.errorbar(ruler.inside(0.5), data / safe, yerr=error / safe, **points)
    lower.axhline(1, color="black", linewidth=0.8)
    ends = [(data + side * error) / safe for side in (-1, 1)]
    lower.set_ylim(*ratio_limits([*ends, 1 + band / safe], least=0.02))
    ruler.draw(lower)
    lower.set_xlabel(readable_variable(templates.variable))
    lower.set_ylabel("data / fit" if title == "postfit" else "data / exp.", fontsize="medium")
    return figure


def draw_stack(
    axes: Axes, templates: Templates, yields: Mapping[str, NDArray[np.float64]], ruler: Ruler
) -> NDArray[np.float64]:
    """Draw samples on top of each other, the signal at the bottom, on a logarithmic axis; return their sum [n_bins]."""
    present = [name for name in templates.sample_names if name in yields and yields[name].any()]
    colours = colours_of(templates.sample_names)
    total = np.zeros(len(ruler.edges) - 1)
    for name in present:
        top = total + yields[name]
        axes.stairs(top, ruler.edges, baseline=total, fill=True, color=colours[name], label=name)
        total = top
    axes.set_yscale("log")
    # Low enough to see the sample at the bottom of the stack, but not more than five decades.
    first = yields[present[0]]
    lowest = min(first[first > 0].min(), total[total > 0].min())
    axes.set_ylim(max(0.5 * lowest, 1e-5 * total.max()), 30 * total.max())
    return total


def draw_variation(templates: Templates, channel: ChannelTemplates, nuisance: str) -> Figure:
    """Each sample's shift relative to nominal; bars are the statistical errors of the difference."""
    acting = [(sample, shift) for sample in channel.samples for shift in sample.shifts if shift.nuisance == nuisance]
    figure = new_figure(max(4.4 * len(acting), 5.4), 4.6)
    row = np.atleast_1d(figure.subplots(1, len(acting)))
    ruler = Ruler.of(channel.edges)
    for axes, (sample, shift) in zip(row, acting, strict=True):
        reach = 0.01
        for side, place, values, error, colour in (
            ("up", 0.54, shift.up, shift.up_error, COLOURS[2]),
            ("down", 0.46, shift.down, shift.down_error, COLOURS[0]),
        ):
            ratio, ratio_error = _relative(sample, values - sample.values, error)
            rate = values.sum() / sample.values.sum() - 1
            axes.stairs(ratio, ruler.edges, color=colour, baseline=None, label=f"{side}, rate {rate:+.1%}")
            axes.errorbar(ruler.inside(place), ratio, yerr=ratio_error, fmt="none", color=colour, capsize=2)
            reach = max(reach, float((np.abs(ratio) + ratio_error).max()))
        _, statistical = _relative(sample, np.zeros(channel.n_bins), np.sqrt(sample.variances))
        draw_band(axes, ruler.edges, -statistical, statistical, label="nominal, stat.", **HATCHED)
        axes.axhline(0, color="black", linewidth=0.8)
        reach = 1.1 * max(reach, float(statistical.max()))
        axes.set_ylim(-reach, 1.9 * reach)
        ruler.draw(axes)
        axes.legend(title=f"{sample.name} in {channel.name}", loc="upper left")
        axes.set_xlabel(readable_variable(templates.variable))
    row[0].set_ylabel(f"relative change, {readable_parameter(nuisance, templates)}")
    return figure


def _relative(
    sample: SampleTemplates, change: NDArray[np.float64], error: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nominal = np.where(sample.values > 0, sample.values, np.inf)
    return change / nominal, np.zeros(len(nominal)) if error is None else error / nominal
