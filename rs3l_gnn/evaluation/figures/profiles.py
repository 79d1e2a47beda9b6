"""Which jets make a response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rs3l_gnn.conventions.plotting import make_room, new_figure
from rs3l_gnn.evaluation.config import ClassConfig, EvaluateConfig
from rs3l_gnn.evaluation.figures.gallery import tagger_styles
from rs3l_gnn.evaluation.responses.observables import OBSERVABLES
from rs3l_gnn.evaluation.responses.results import Profile, ResponseResults

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_profiles", "profiled"]

_ROWS = {"moving": "jets that move\nbetween bins", "passing": "jets that pass\notherwise in a bin"}


def profiled(results: ResponseResults, which: ClassConfig) -> list[str]:
    """Estimators of a class that were taken apart."""
    known = {name for classes in results.response_profiles.values() for name in classes[which.name]}
    return [name for name in results.response_estimators if name in known]


def draw_profiles(config: EvaluateConfig, results: ResponseResults, which: ClassConfig, estimator: str) -> Figure:
    """Both parts of a response in bins of each observable; all points of a tagger in a column sum to its response."""
    of_taggers = {name: classes[which.name].get(estimator, {}) for name, classes in results.response_profiles.items()}
    observables = list(next(profiles for profiles in of_taggers.values() if profiles))
    figure = new_figure(max(3.3 * len(observables) + 1.0, 6.0), 7.0)
    grid = figure.subplots(2, len(observables), squeeze=False, sharey=True, sharex="col")
    for column, name in enumerate(observables):
        for place, (tagger, drawn) in enumerate(tagger_styles(config).items()):
            if name not in of_taggers.get(tagger, {}):
                continue
            profile = of_taggers[tagger][name]
            at = np.arange(len(profile.bins)) - 0.4 + 0.8 / len(config.trainings) * (place + 0.5)
            for axes, part in zip(grid[:, column], _ROWS, strict=True):
                style: dict[str, Any] = {"fmt": drawn.marker, "markersize": 4, "capsize": 2, "color": drawn.colour}
                for x, cell in zip(at, (getattr(one, part) for one in profile.bins), strict=True):
                    if cell is not None:
                        # Open: no error is known.
                        filling = "white" if cell.error is None else drawn.colour
                        axes.errorbar([x], [cell.value], yerr=cell.error, markerfacecolor=filling, **style)
                axes.errorbar([], [], yerr=[], label=tagger, **style)
            _name_bins(grid[1, column], profile)
        for axes in grid[:, column]:
            axes.axhline(0.0, color="black", linewidth=0.8)
        grid[1, column].set_xlabel(OBSERVABLES[name], fontsize="medium")
    for axes, words in zip(grid[:, 0], _ROWS.values(), strict=True):
        axes.set_ylabel(words, fontsize="medium")
    words = results.response_estimators[estimator].words
    make_room(grid[0, 0], 0.05)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=min(len(labels), 6),
        title=f"{which.name}, {words}: contributions to the response",
        frameon=False,
    )
    return figure


def _name_bins(axes: Axes, profile: Profile) -> None:
    # The outermost bins hold what lies beyond: they have no outer edge.
    words = ["", *(f"{one.high:.3g}" for one in profile.bins[:-1]), ""]
    axes.set_xticks(np.arange(len(words)) - 0.5, words, rotation=45, fontsize="x-small")
    axes.set_xlim(-0.5, len(profile.bins) - 0.5)
    axes.tick_params(axis="x", which="minor", length=0)
