"""How far each variation moves scores and rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rs3l_gnn.evaluation.config import ClassConfig, EvaluateConfig
from rs3l_gnn.evaluation.figures.gallery import colour_of, new_figure
from rs3l_gnn.evaluation.meter import percent

__all__ = ["draw_distances", "draw_rate_changes"]


def draw_distances(config: EvaluateConfig, metrics: Mapping[str, Any], which: ClassConfig) -> Any:
    """Wasserstein distances of every tagger and variation on both scales, with the aim where there is one."""
    names = list(config.trainings)
    variations = list(metrics["robustness"][names[0]][which.name])
    figure = new_figure(4 + 2.4 * len(variations) * 2, 7)
    panels = figure.subplots(1, 2, gridspec_kw={"wspace": 0.22})
    scales = (("wasserstein", "score scale"), ("wasserstein_common", "common scale"))
    for axes, (key, scale) in zip(panels, scales, strict=True):
        width = 0.8 / len(names)
        for place, name in enumerate(names):
            shifts = metrics["robustness"][name][which.name]
            axes.bar(
                np.arange(len(variations)) - 0.4 + width * (place + 0.5),
                [shifts[variation][key] for variation in variations],
                width,
                yerr=[shifts[variation][f"{key}_error"] for variation in variations],
                color=colour_of(name, names),
                error_kw={"capsize": 3, "elinewidth": 1.5},
                label=name,
            )
            for position, variation in enumerate(variations):
                ends = np.array([position - 0.4 + width * place, position - 0.4 + width * (place + 1)])
                label = "statistics alone" if place == position == 0 else None
                axes.plot(ends, [shifts[variation][f"{key}_null"]] * 2, color="black", linewidth=2, label=label)
        if config.distance_aim is not None:
            reference = metrics["robustness"][config.reference_tagger][which.name]
            for place, variation in enumerate(variations):
                goal = config.distance_aim * reference[variation][key]
                label = f"{config.distance_aim:g} $\\times$ {config.reference_tagger}" if place == 0 else None
                axes.plot([place - 0.45, place + 0.45], [goal, goal], color="black", linestyle=":", label=label)
        _name_ticks(axes, variations)
        axes.set_ylabel(f"Wasserstein distance ({scale})")
        axes.set_ylim(0, axes.get_ylim()[1] * 1.35)
        axes.legend(title=which.name, ncols=2, loc="upper right")
    return figure


def draw_rate_changes(config: EvaluateConfig, metrics: Mapping[str, Any], which: ClassConfig) -> Any:
    """Relative change of the pass rate in every variation, at two of the signal efficiencies."""
    names = list(config.trainings)
    variations = list(metrics["rate_changes"][names[0]][which.name])
    efficiencies = dict.fromkeys((config.efficiencies[0], config.efficiencies[len(config.efficiencies) // 2]))
    figure = new_figure(3 + 2.4 * len(variations) * len(efficiencies), 7)
    panels = np.atleast_1d(figure.subplots(1, len(efficiencies), gridspec_kw={"wspace": 0.22}))
    for axes, efficiency in zip(panels, efficiencies, strict=True):
        width = 0.8 / len(names)
        for place, name in enumerate(names):
            rows = [metrics["rate_changes"][name][which.name][v][percent(efficiency)] for v in variations]
            colour = colour_of(name, names)
            for i, row in enumerate(rows):
                if row["change"] is None:
                    continue
                error = row["change_error"]
                axes.errorbar(
                    [i - 0.4 + width * (place + 0.5)],
                    [100 * row["change"]],
                    yerr=None if error is None else [100 * error],
                    color=colour,
                    marker="o",
                    markerfacecolor="white" if error is None else colour,
                    linestyle="none",
                    capsize=3,
                )
            axes.errorbar([], [], yerr=[], color=colour, marker="o", linestyle="none", capsize=3, label=name)
        axes.axhline(0.0, color="black", linewidth=1)
        for border in np.arange(len(variations) - 1) + 0.5:
            axes.axvline(border, color="black", alpha=0.15, linewidth=0.8)
        _name_ticks(axes, variations)
        axes.set_xlim(-0.5, len(variations) - 0.5)
        what = "FPR" if which.name == config.background.name else "efficiency"
        axes.set_ylabel(f"Change of {what}, {which.name} [%]")
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.4 * (high - low))
        axes.legend(title=f"{config.signal.name} efficiency {percent(efficiency)} %", ncols=2, loc="upper right")
    return figure


def _name_ticks(axes: Any, names: Sequence[str]) -> None:
    axes.set_xticks(np.arange(len(names)), names)
    axes.minorticks_off()
    axes.tick_params(axis="x", length=0)
