"""Figures of a simulation: shapes with ratios, changes of means, pT of views, shower weights beside showers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.plotting import GREY, colours_of, draw_band, draw_steps, make_room, new_figure, ratio_panels
from rs3l_gnn.conventions.wording import readable_variation
from rs3l_gnn.simulation.validation.comparison import YieldRatio, entries, mean_shift, yield_ratio, yields
from rs3l_gnn.simulation.validation.jets import AnchorJets, Variable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_balance", "draw_shapes", "draw_shifts", "draw_weights"]

_FEWEST = 5  # nominal jets in a bin; the ratio of fewer would only show noise


def draw_shapes(views: Mapping[str, AnchorJets], names: Sequence[str], variable: Variable, sample: str) -> Figure:
    """One variable in the nominal view and in some variations, with ratios to nominal and their paired errors.

    Args:
        views: by name of the variation, ``nominal`` among them.
        names: variations to show.
        variable: what is drawn.
        sample: name for the legend.
    """
    figure, axes = ratio_panels()
    nominal = views["nominal"]
    ratios = {name: yield_ratio(nominal, views[name], variable) for name in names}
    labels = {name: readable_variation(name) for name in names}
    counts = yields(nominal, variable)
    _draw(axes[:, 0], variable, counts, entries(nominal, variable), ratios=ratios, labels=labels)
    axes[0, 0].legend(title=f"{sample}, {len(nominal.event)} jets", ncols=2)
    return figure


def draw_weights(views: Mapping[str, AnchorJets], pairs: Mapping[str, str], variable: Variable, sample: str) -> Figure:
    """Shower weights on nominal jets beside showers with the same scales.

    Args:
        views: by name of the variation.
        pairs: weight of the nominal view -> variation that was showered.
        variable: what is drawn.
        sample: name for the legend.
    """
    figure, axes = ratio_panels()
    nominal = views["nominal"]
    ratios, labels = {}, {}
    for weight, name in pairs.items():
        ratios[name] = yield_ratio(nominal, views[name], variable)
        ratios[weight] = yield_ratio(nominal, nominal, variable, factor=nominal.shower_weights[weight])
        labels[name], labels[weight] = f"{readable_variation(name)}, showered", f"{readable_variation(name)}, weights"
    counts = yields(nominal, variable)
    _draw(axes[:, 0], variable, counts, entries(nominal, variable), ratios=ratios, labels=labels, pairs=pairs)
    axes[0, 0].legend(title=f"{sample}, {len(nominal.event)} jets", ncols=2)
    return figure


def draw_shifts(samples: Mapping[str, Mapping[str, AnchorJets]], variable: Variable) -> Figure:
    """Change of the mean of a variable by each variation, a row each, with errors over the same events."""
    names = list(dict.fromkeys(name for views in samples.values() for name in views if name != "nominal"))
    figure = new_figure(7.2, 2.2 + 0.42 * len(names))
    axes = figure.subplots()
    colours = colours_of(list(samples))
    for place, (sample, views) in enumerate(samples.items()):
        shifts = {name: mean_shift(views["nominal"], views[name], variable.name) for name in names if name in views}
        height = 0.22 * (place - (len(samples) - 1) / 2)
        axes.errorbar(
            [shift.shift for shift in shifts.values()],
            [names.index(name) + height for name in shifts],
            xerr=[shift.error for shift in shifts.values()],
            fmt="o",
            color=colours[sample],
            label=sample,
        )
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(range(len(names)), [readable_variation(name) for name in names])
    axes.tick_params(axis="y", which="minor", left=False, right=False)
    axes.set_ylim(len(names) - 0.4, -1.2 - 0.1 * len(samples))
    axes.set_xlabel(f"mean of {variable.axis_label}, varied less nominal")
    axes.legend(ncols=min(len(samples), 4), loc="upper center")
    return figure


def draw_balance(views: Mapping[str, AnchorJets], names: Sequence[str], sample: str) -> Figure:
    """Jet pT of views over that of the nominal view of the same hard event."""
    figure = new_figure()
    axes = figure.subplots()
    edges = np.linspace(0.5, 1.5, 41)
    nominal, colours = views["nominal"], colours_of(names)
    for name in names:
        _, one, other = np.intersect1d(nominal.event, views[name].event, return_indices=True)
        ratio = views[name].pt[other] / nominal.pt[one]
        inside = np.clip(ratio, edges[0], np.nextafter(edges[-1], 0))
        counts = np.histogram(inside, edges, weights=nominal.weight[one])[0]
        share = counts / max(counts.sum(), 1e-300) / np.diff(edges)
        middle = f"{np.median(ratio):.3f}" if len(ratio) else "none"
        draw_steps(axes, edges, share, color=colours[name], label=f"{readable_variation(name)} (median {middle})")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    axes.set_xlabel(r"jet $p_\mathrm{T}$ over that of the nominal view")
    axes.set_ylabel("share of hard events / unit")
    make_room(axes, 0.15 + 0.06 * len(names))
    axes.legend(title=sample)
    return figure


def _draw(
    panels: Sequence[Axes] | NDArray[np.object_],
    variable: Variable,
    nominal: NDArray[np.float64],
    filled: NDArray[np.int64],
    *,
    ratios: Mapping[str, YieldRatio],
    labels: Mapping[str, str],
    pairs: Mapping[str, str] | None = None,
) -> None:
    """Yields as shares of all nominal jets above, ratios below; of a pair, weights are dashed."""
    upper, lower = panels
    edges, unit = variable.edges, nominal.sum() * np.diff(variable.edges)
    solid = [name for name in ratios if name not in (pairs or {})]
    colours = colours_of(solid)
    draw_steps(upper, edges, nominal / unit, color="black", label="nominal")
    shown = []
    for name, found in ratios.items():
        paired = (pairs or {}).get(name)
        colour, style = colours[paired or name], "--" if paired else "-"
        draw_steps(upper, edges, found.varied / unit, color=colour, linestyle=style, label=labels[name])
        enough = filled >= _FEWEST
        ratio, error = (np.where(enough, values, np.nan) for values in (found.ratio, found.error))
        draw_steps(lower, edges, ratio, color=colour, linestyle=style)
        if not paired:
            draw_band(lower, edges, ratio - error, ratio + error, color=colour, alpha=0.25)
        shown.append(_measured_well(ratio, error))
    lower.axhline(1, color="black", linewidth=1)
    lower.set_xlim(edges[0], edges[-1])
    far = np.abs(np.concatenate(shown) - 1) if shown else np.zeros(1)
    reach = min(max(1.3 * float(np.max(far[np.isfinite(far)], initial=0.0)), 0.1), 0.9)
    lower.set_ylim(1 - reach, 1 + reach)
    lower.set_ylabel("ratio")
    lower.set_xlabel(variable.axis_label)
    upper.set_ylabel("share of jets" + (f" / {variable.unit}" if variable.unit else " / unit"))
    if variable.log:
        upper.set_yscale("log")
    else:
        upper.set_ylim(bottom=0)
    make_room(upper, 0.3)


def _measured_well(ratio: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ratios that set the limits: errors below 15 %, or the better half of a small sample; no lone jet in a tail."""
    known = error[np.isfinite(error)]
    limit = max(0.15, float(np.median(known))) if len(known) else 0.15
    return np.where(error <= limit, ratio, np.nan)
