"""ROC curves and rejections, with ratios to the reference tagger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.evaluation.config import BASELINE
from rs3l_gnn.evaluation.figures.gallery import colour_of, with_ratio
from rs3l_gnn.evaluation.measured import ratio
from rs3l_gnn.evaluation.meter import ROC_GRID, Meter, percent

__all__ = ["draw_rejections", "draw_roc", "interval_bars"]

_FEWEST = 3  # background jets; a ratio of fewer would only show noise


def draw_roc(meter: Meter, metrics: Mapping[str, Any]) -> Any:
    """Background against signal efficiency of every tagger with bands, above ratios of 1/FPR to the reference."""
    config = meter.config
    figure, ((top,), (bottom,)) = with_ratio()
    names = list(config.trainings)
    n_background = metrics["weights"][config.background.name]["effective_events"]
    efficiency = np.array(ROC_GRID)
    for name in names:
        curve, numbers = metrics["roc"][name], metrics["tagging"][name]
        colour, style = colour_of(name, names), "--" if name == BASELINE else "-"
        rate = np.array(curve["background_efficiency"])
        shown = rate * n_background >= 1
        low, high = (np.maximum(np.array(curve[key]), 0.3 / n_background) for key in ("interval_low", "interval_high"))
        label = f"{name}  (AUC {numbers['auc']:.4f} $\\pm$ {numbers['auc_error']:.4f})"
        top.plot(efficiency[shown], rate[shown], color=colour, linestyle=style, label=label)
        top.fill_between(efficiency[shown], low[shown], high[shown], color=colour, alpha=0.2, linewidth=0)
        if numbers["n_trainings"] > 1:
            spread = np.array(curve["spread"])
            inner = np.maximum(rate - spread, 0.3 / n_background)
            top.fill_between(
                efficiency[shown], inner[shown], (rate + spread)[shown], color=colour, alpha=0.25, linewidth=0
            )
    top.set_yscale("log")
    top.set_ylim(0.5 / n_background, 2 * 10 ** (0.25 * len(names)))  # room for the legend
    top.set_xlim(0, 1)
    top.set_ylabel(f"Background efficiency ({config.background.name})")
    top.legend(loc="upper left")
    _draw_roc_ratios(bottom, meter, metrics)
    bottom.set_xlabel(f"Signal efficiency ({config.signal.name})")
    return figure


def draw_rejections(meter: Meter, metrics: Mapping[str, Any]) -> Any:
    """1/FPR at the efficiencies asked for with 68 % intervals, above the ratios to the reference."""
    config = meter.config
    task = meter.task(None, None)
    figure, ((top,), (bottom,)) = with_ratio()
    names = list(config.trainings)
    step = 0.012
    gains = []
    for place, name in enumerate(names):
        rows = [(e, metrics["tagging"][name]["rejection"][percent(e)]) for e in config.efficiencies]
        rows = [(e, row) for e, row in rows if row["value"] is not None]
        x = np.array([e for e, _ in rows]) + step * (place - (len(names) - 1) / 2)
        colour = colour_of(name, names)
        errors, arrows = interval_bars([row for _, row in rows])
        values = [row["value"] for _, row in rows]
        top.errorbar(x, values, yerr=errors, color=colour, marker="o", linestyle="none", capsize=3, label=name)
        for position, value, arrow in zip(x, values, arrows, strict=True):
            if arrow:
                top.plot([position], [value], marker=6, color=colour, markersize=12)
        for position, row in zip(x, rows, strict=True):
            dots = [value for value in row[1]["trainings"] if value is not None]
            if len(dots) > 1:
                top.plot([position] * len(dots), dots, ".", color=colour, alpha=0.5, markersize=5)
        if name in (config.reference_tagger, BASELINE):
            continue
        for position, (e, _) in zip(x, rows, strict=True):
            gain = ratio(
                meter.rate(config.trainings[config.reference_tagger], task, e),
                meter.rate(config.trainings[name], task, e),
            )
            gains.append(gain)
            if gain["ratio"] is not None:
                bars, _ = interval_bars([{"value": gain["ratio"], "interval": gain["interval"]}])
                bottom.errorbar([position], [gain["ratio"]], yerr=bars, color=colour, marker="o", capsize=3)
    top.set_yscale("log")
    low, high = top.get_ylim()
    top.set_ylim(low, high * 3)  # room for the legend
    top.set_ylabel(f"1 / FPR ({config.background.name})")
    top.legend(loc="upper right", ncols=2 if len(names) > 3 else 1)
    _ratio_axes(bottom, config.reference_tagger, gains)
    bottom.set_xlabel(f"Signal efficiency ({config.signal.name})")
    return figure


def interval_bars(rows: Sequence[Mapping[str, Any]]) -> tuple[NDArray[np.float64], list[bool]]:
    """Error bars from 68 % intervals [2, n], and which have no upper end (their bars end at the value)."""
    low = [max(row["value"] - row["interval"][0], 0.0) if row["interval"][0] is not None else 0.0 for row in rows]
    high = [max(row["interval"][1] - row["value"], 0.0) if row["interval"][1] is not None else 0.0 for row in rows]
    return np.array([low, high]).reshape(2, len(rows)), [row["interval"][1] is None for row in rows]


def _draw_roc_ratios(axes: Any, meter: Meter, metrics: Mapping[str, Any]) -> None:
    """1/FPR over that of the reference, where enough background is left."""
    config, task = meter.config, meter.task(None, None)
    reference = config.reference_tagger
    n_background = metrics["weights"][config.background.name]["effective_events"]
    gains = []
    for name, trainings in config.trainings.items():
        if name in (reference, BASELINE):
            continue
        values = [
            ratio(*(meter.rate(recipe, task, e) for recipe in (config.trainings[reference], trainings)))
            for e in ROC_GRID
        ]
        rates = [metrics["roc"][other]["background_efficiency"] for other in (name, reference)]
        shown = [min(pair) * n_background >= _FEWEST for pair in zip(*rates, strict=True)]
        _ratio_band(axes, np.array(ROC_GRID), values, colour_of(name, list(config.trainings)), shown)
        gains += [value for value, is_shown in zip(values, shown, strict=True) if is_shown]
    _ratio_axes(axes, reference, gains)


def _ratio_band(
    axes: Any, x: NDArray[np.float64], values: Sequence[Mapping[str, Any]], colour: str, shown: Sequence[bool]
) -> None:
    known = [i for i, value in enumerate(values) if shown[i] and None not in (value["ratio"], *value["interval"])]
    axes.plot(x[known], [values[i]["ratio"] for i in known], color=colour)
    low, high = ([values[i]["interval"][side] for i in known] for side in (0, 1))
    axes.fill_between(x[known], low, high, color=colour, alpha=0.2, linewidth=0)


def _ratio_axes(axes: Any, reference: str, values: Sequence[Mapping[str, Any]]) -> None:
    """A line at one, and limits that hold most of the intervals."""
    centres = [value["ratio"] for value in values if value["ratio"] is not None]
    ends = [end for value in values for end in value["interval"] if end is not None]
    axes.axhline(1.0, color="black", linewidth=1)
    low, high = (min([*centres, *ends], default=0.5), max([*centres, *ends], default=1.5))
    # One interval without an end in sight must not flatten all the others.
    high = min(high, 2 * max(centres, default=1.0))
    axes.set_ylim(max(min(low, 0.8) - 0.1, 0.0), max(high, 1.2) * 1.05)
    axes.set_ylabel(f"1/FPR over\n{reference}", fontsize="small", loc="center")
