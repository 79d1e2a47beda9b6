"""How far each variation moves scores and rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rs3l_gnn.conventions.plotting import new_figure, place_legends
from rs3l_gnn.conventions.wording import readable_variation
from rs3l_gnn.evaluation.config import ClassConfig, EvaluateConfig
from rs3l_gnn.evaluation.figures.gallery import tagger_styles
from rs3l_gnn.evaluation.meter import percent
from rs3l_gnn.evaluation.results import Metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_distances", "draw_rate_changes"]


def draw_distances(config: EvaluateConfig, metrics: Metrics, which: ClassConfig) -> Figure:
    """Wasserstein distances of every tagger and variation on both scales, with the aim where there is one."""
    names = list(config.trainings)
    variations = list(metrics.robustness[names[0]][which.name])
    figure = _wide_figure(len(variations), 2)
    panels = list(figure.subplots(1, 2))
    for axes, common in zip(panels, (False, True), strict=True):
        width = 0.8 / len(names)
        for place, (name, style) in enumerate(tagger_styles(config).items()):
            shifts = metrics.robustness[name][which.name]
            found = [shifts[variation].on(common=common) for variation in variations]
            axes.bar(
                np.arange(len(variations)) - 0.4 + width * (place + 0.5),
                [one.value for one in found],
                width,
                yerr=[one.error or 0.0 for one in found],
                color=style.colour,
                hatch=style.hatch,
                edgecolor="white" if style.hatch else style.colour,
                linewidth=0,
                error_kw={"capsize": 2.5, "elinewidth": 1.0},
                label=name,
            )
            for position, variation in enumerate(variations):
                ends = np.array([position - 0.4 + width * place, position - 0.4 + width * (place + 1)])
                label = "statistics alone" if place == position == 0 else None
                axes.plot(ends, [shifts[variation].null(common=common)[0]] * 2, color="black", label=label)
        if config.distance_aim is not None:
            reference = metrics.robustness[config.reference_tagger][which.name]
            for place, variation in enumerate(variations):
                goal = config.distance_aim * reference[variation].on(common=common).value
                label = f"{config.distance_aim:g} × {config.reference_tagger}" if place == 0 else None
                axes.plot([place - 0.45, place + 0.45], [goal, goal], color="black", linestyle=":", label=label)
        _name_ticks(axes, variations)
        axes.set_ylabel(f"Wasserstein distance ({'common scale' if common else 'score scale'})")
        axes.set_ylim(bottom=0)
    place_legends(panels, [which.name] * 2)
    return figure


def draw_rate_changes(config: EvaluateConfig, metrics: Metrics, which: ClassConfig) -> Figure:
    """Relative change of the pass rate in every variation, at two of the signal efficiencies."""
    names = list(config.trainings)
    variations = list(metrics.rate_changes[names[0]][which.name])
    efficiencies = dict.fromkeys((config.efficiencies[0], config.efficiencies[len(config.efficiencies) // 2]))
    figure = _wide_figure(len(variations), len(efficiencies))
    panels = list(np.atleast_1d(figure.subplots(1, len(efficiencies))))
    for axes, efficiency in zip(panels, efficiencies, strict=True):
        width = 0.8 / len(names)
        for place, (name, style) in enumerate(tagger_styles(config).items()):
            drawn: dict[str, Any] = {"color": style.colour, "marker": style.marker, "linestyle": "none", "capsize": 2.5}
            for i, variation in enumerate(variations):
                change = metrics.rate_changes[name][which.name][variation][percent(efficiency)].change
                if change is None:
                    continue
                # Open: no error is known.
                error, filling = (None, "white") if change.error is None else (100 * change.error, style.colour)
                x = i - 0.4 + width * (place + 0.5)
                axes.errorbar([x], [100 * change.value], yerr=error, markerfacecolor=filling, **drawn)
            axes.errorbar([], [], yerr=[], label=name, **drawn)
        axes.axhline(0.0, color="black", linewidth=0.8)
        for border in np.arange(len(variations) - 1) + 0.5:
            axes.axvline(border, color="black", alpha=0.15, linewidth=0.8)
        _name_ticks(axes, variations)
        what = "FPR" if which.name == config.background.name else "efficiency"
        axes.set_ylabel(f"Change of {what}, {which.name} [%]")
    place_legends(panels, [f"{config.signal.name} efficiency {percent(efficiency)} %" for efficiency in efficiencies])
    return figure


def _wide_figure(variations: int, panels: int) -> Figure:
    return new_figure(panels * max(1.2 + 1.25 * variations, 4.5), 5.2)


def _name_ticks(axes: Axes, names: Sequence[str]) -> None:
    axes.set_xlim(-0.5, len(names) - 0.5)
    words = [readable_variation(name).replace(" μ", "\nμ") for name in names]
    if len(names) > 5:
        axes.set_xticks(np.arange(len(names)), words, rotation=35, ha="right", rotation_mode="anchor", fontsize="small")
    else:
        axes.set_xticks(np.arange(len(names)), words, fontsize="small")
    axes.minorticks_off()
    axes.tick_params(axis="x", length=0)
