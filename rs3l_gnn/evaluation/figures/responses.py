"""Responses of every tagger, and what sets them apart from the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.plotting import NameStyle, new_figure, place_legends
from rs3l_gnn.evaluation.config import ClassConfig, EvaluateConfig
from rs3l_gnn.evaluation.figures.gallery import tagger_styles
from rs3l_gnn.evaluation.responses.results import Kind, ResponseResults

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SCALES", "draw_responses", "shown_estimators"]

SCALES: tuple[Kind, ...] = ("shower", "weights")
_Cell = tuple[float, float | None]


def shown_estimators(results: ResponseResults, which: ClassConfig, kinds: Sequence[Kind]) -> list[str]:
    """Names of the estimators of some kinds that a class has, in order."""
    known = {name for classes in results.responses.values() for name in classes[which.name]}
    return [name for name, one in results.response_estimators.items() if name in known and one.kind in kinds]


def draw_responses(
    config: EvaluateConfig, results: ResponseResults, which: ClassConfig, kinds: Sequence[Kind] = SCALES
) -> Figure:
    """Above, the response of every tagger; below, its difference to the reference with the paired error.

    Args:
        config: taggers and reference.
        results: the numbers.
        which: class of jets.
        kinds: of estimators, one place on the axis each.
    """
    names = shown_estimators(results, which, kinds)
    efficiencies = list(dict.fromkeys(key for name in names for key in _efficiencies(results, which, name)))
    width = max(1.2 + 1.25 * len(names), 4.8)
    figure = new_figure(len(efficiencies) * width, 7.6)
    grid = figure.subplots(2, len(efficiencies), squeeze=False, sharex="col", height_ratios=[1.4, 1])
    reference = config.reference_tagger
    what = "d ln ε / d ln μ²" if set(kinds) & set(SCALES) else "ln(ε / ε nominal)"
    for column, efficiency in enumerate(efficiencies):
        upper, lower = grid[:, column]
        for place, (tagger, style) in enumerate(tagger_styles(config).items()):
            at = np.arange(len(names)) - 0.4 + 0.8 / len(config.trainings) * (place + 0.5)
            _points(upper, at, _values(results, tagger, which, names, efficiency), style, tagger)
            if tagger != reference:
                _points(lower, at, _differences(results, tagger, reference, which, names, efficiency), style, tagger)
        words = [results.response_estimators[name].words.replace(" by weights", "\nby weights") for name in names]
        lower.set_xticks(np.arange(len(names)), words, fontsize="small")
        for axes in (upper, lower):
            axes.axhline(0.0, color="black", linewidth=0.8)
            for border in np.arange(len(names) - 1) + 0.5:
                axes.axvline(border, color="black", alpha=0.15, linewidth=0.8)
            axes.set_xlim(-0.5, len(names) - 0.5)
            axes.minorticks_off()
            axes.tick_params(axis="x", length=0)
        upper.set_ylabel(f"{what}, {which.name}")
        lower.set_ylabel(f"difference to {reference}\n(paired)", fontsize="small")
    place_legends(list(grid[0]), [f"{config.signal.name} efficiency {efficiency} %" for efficiency in efficiencies])
    return figure


def _efficiencies(results: ResponseResults, which: ClassConfig, name: str) -> list[str]:
    return [key for classes in results.responses.values() for key in classes[which.name].get(name, {})]


def _values(
    results: ResponseResults, tagger: str, which: ClassConfig, names: Sequence[str], efficiency: str
) -> list[_Cell | None]:
    found = results.responses[tagger][which.name]
    estimates = [found[name][efficiency].response if name in found else None for name in names]
    return [None if one is None else (one.value, one.error) for one in estimates]


def _differences(  # noqa: PLR0917  # two taggers, and where
    results: ResponseResults,
    tagger: str,
    reference: str,
    which: ClassConfig,
    names: Sequence[str],
    efficiency: str,
) -> list[_Cell | None]:
    estimators = results.response_comparisons[f"{tagger} - {reference}"][which.name]
    changes = [estimators[name][efficiency].change if name in estimators else None for name in names]
    return [
        None if change is None or change.difference is None else (change.difference, change.error) for change in changes
    ]


def _points(axes: Axes, at: NDArray[np.floating], cells: Sequence[_Cell | None], drawn: NameStyle, label: str) -> None:
    colour = drawn.colour
    style = {"color": colour, "marker": drawn.marker, "linestyle": "none", "capsize": 2.5}
    for x, cell in zip(at, cells, strict=True):
        if cell is not None:
            # Open: no error is known.
            filling = "white" if cell[1] is None else colour
            axes.errorbar([x], [cell[0]], yerr=cell[1], markerfacecolor=filling, **style)  # type: ignore[arg-type]
    axes.errorbar([], [], yerr=[], label=label, **style)  # type: ignore[arg-type]
