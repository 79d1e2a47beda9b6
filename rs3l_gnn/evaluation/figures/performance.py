"""ROC curves and rejections, with ratios to the reference tagger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rs3l_gnn.conventions.plotting import new_figure, place_legends, ratio_panels
from rs3l_gnn.evaluation.config import BASELINE, EvaluateConfig
from rs3l_gnn.evaluation.figures.gallery import draw_points, tagger_styles
from rs3l_gnn.evaluation.measured import ratio
from rs3l_gnn.evaluation.meter import ROC_GRID, Meter, percent
from rs3l_gnn.evaluation.results import Metrics, Ratio

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_rejections", "draw_roc"]

_FEWEST = 3  # background jets; a ratio of fewer would only show noise


def draw_roc(meter: Meter, metrics: Metrics) -> Figure:
    """Background against signal efficiency of every tagger with bands, above ratios of 1/FPR to the reference."""
    config = meter.config
    figure, top, bottom = _panels(config)
    n_background = metrics.weights[config.background.name].effective_events
    efficiency = np.array(ROC_GRID)
    for name, style in tagger_styles(config).items():
        curve, numbers = metrics.roc[name], metrics.tagging[name]
        rate = np.array(curve.background_efficiency)
        shown = rate * n_background >= 1
        low, high = (np.maximum(ends, 0.3 / n_background) for ends in (curve.interval_low, curve.interval_high))
        top.plot(
            efficiency[shown],
            rate[shown],
            color=style.colour,
            linestyle="--" if name == BASELINE else style.line,
            label=f"{name}  (AUC {numbers.auc.value:.4f} ± {numbers.auc.error or 0:.4f})",
        )
        top.fill_between(efficiency[shown], low[shown], high[shown], color=style.colour, alpha=0.2, linewidth=0)
        if numbers.n_trainings > 1:
            spread = np.array(curve.spread, dtype=np.float64)
            inner = np.maximum(rate - spread, 0.3 / n_background)
            top.fill_between(
                efficiency[shown], inner[shown], (rate + spread)[shown], color=style.colour, alpha=0.25, linewidth=0
            )
    top.set_yscale("log")
    top.set_ylim(0.5 / n_background, 1.5)
    top.set_xlim(0, 1)
    top.set_ylabel(f"Background efficiency ({config.background.name})")
    place_legends([top], loc="upper left", columns=1)
    if bottom is not None:
        _draw_roc_ratios(bottom, meter, metrics)
    (bottom or top).set_xlabel(f"Signal efficiency ({config.signal.name})")
    return figure


def draw_rejections(meter: Meter, metrics: Metrics) -> Figure:
    """1/FPR at the efficiencies asked for with 68 % intervals, above the ratios to the reference."""
    config, task = meter.config, meter.task(None, None)
    reference = config.reference_tagger
    figure, top, bottom = _panels(config)
    styles, gains = tagger_styles(config), []
    for place, (name, style) in enumerate(styles.items()):
        # Points of one efficiency stand together, however many taggers there are.
        shift = min(0.012, 0.7 * _closest(config.efficiencies) / len(styles)) * (place - (len(styles) - 1) / 2)
        rows = [(e, metrics.tagging[name].rejection[percent(e)].inverse) for e in config.efficiencies]
        known = [(e + shift, row.value, row) for e, row in rows if row.value is not None]
        draw_points(
            top,
            [x for x, _, _ in known],
            [value for _, value, _ in known],
            [row.interval for _, _, row in known],
            style,
            [row.trainings for _, _, row in known],
            label=name,
        )
        if bottom is None or name in (reference, BASELINE):
            continue
        for e in config.efficiencies:
            gain = ratio(*(meter.rate(config.trainings[recipe], task, e) for recipe in (reference, name)))
            gains.append(gain)
            if gain.ratio is not None:
                draw_points(bottom, [e + shift], [gain.ratio], [gain.interval], style)
    top.set_yscale("log")
    top.set_ylabel(f"1 / FPR ({config.background.name})")
    place_legends([top])
    if bottom is not None:
        _limit_ratios(bottom, reference, gains)
    (bottom or top).set_xlabel(f"Signal efficiency ({config.signal.name})")
    return figure


def _closest(efficiencies: Sequence[float]) -> float:
    """The smallest distance of two efficiencies; that of a single one is that to 100 %."""
    return float(np.diff(sorted({*efficiencies, 1.0})).min())


def _panels(config: EvaluateConfig) -> tuple[Figure, Axes, Axes | None]:
    """A panel for ratios only where some tagger has one."""
    if any(name not in (config.reference_tagger, BASELINE) for name in config.trainings):
        figure, ((top,), (bottom,)) = ratio_panels()
        return figure, top, bottom
    figure = new_figure()
    return figure, figure.subplots(), None


def _draw_roc_ratios(axes: Axes, meter: Meter, metrics: Metrics) -> None:
    """1/FPR over that of the reference, where enough background is left."""
    config, task = meter.config, meter.task(None, None)
    reference = config.reference_tagger
    n_background = metrics.weights[config.background.name].effective_events
    shown = []
    for name, style in tagger_styles(config).items():
        if name in (reference, BASELINE):
            continue
        known = []
        rates = zip(*(metrics.roc[other].background_efficiency for other in (name, reference)), strict=True)
        for efficiency, pair in zip(ROC_GRID, rates, strict=True):
            found = ratio(*(meter.rate(config.trainings[recipe], task, efficiency) for recipe in (reference, name)))
            if min(pair) * n_background >= _FEWEST and None not in (found.ratio, *found.interval):
                known.append((efficiency, found))
        x = [efficiency for efficiency, _ in known]
        axes.plot(x, [found.ratio for _, found in known], color=style.colour, linestyle=style.line)  # type: ignore[arg-type]  # none is None
        low, high = (np.array([found.interval[side] for _, found in known], dtype=np.float64) for side in (0, 1))
        axes.fill_between(x, low, high, color=style.colour, alpha=0.2, linewidth=0)
        shown += [found for _, found in known]
    _limit_ratios(axes, reference, shown)


def _limit_ratios(axes: Axes, reference: str, values: Sequence[Ratio]) -> None:
    """A line at one, and limits that hold most of the intervals."""
    centres = [value.ratio for value in values if value.ratio is not None]
    ends = [end for value in values for end in value.interval if end is not None]
    axes.axhline(1.0, color="black", linewidth=0.8)
    low, high = (min([*centres, *ends], default=0.5), max([*centres, *ends], default=1.5))
    # One interval without an end in sight must not flatten all the others.
    high = min(high, 2 * max(centres, default=1.0))
    axes.set_ylim(max(min(low, 0.8) - 0.1, 0.0), max(high, 1.2) * 1.05)
    axes.set_ylabel(f"1/FPR over\n{reference}", fontsize="small", loc="center")
