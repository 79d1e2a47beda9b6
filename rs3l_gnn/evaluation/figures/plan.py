"""Expected errors of a study against its number of events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rs3l_gnn.conventions.plotting import COLOURS, PlotStyle, draw_into, new_figure
from rs3l_gnn.evaluation.responses.plan_results import Plan, PlanRow

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_plan"]

_LINES = ("-", "--", ":", "-.")


def draw_plan(folder: Path, style: PlotStyle, plan: Plan) -> list[str]:
    """One figure a class and tagger; the names of the files."""
    with draw_into(folder, style) as figures:
        for which, tagger in dict.fromkeys((row.which, row.tagger) for row in plan.rows):
            rows = [row for row in plan.rows if (row.which, row.tagger) == (which, tagger)]
            figures.save(_errors(plan, rows), f"plan_{which}_{tagger}")
    return [f"{folder.name}/{name}" for name in figures.files]


def _errors(plan: Plan, rows: list[PlanRow]) -> Figure:
    """Error of the paired difference, and as a dotted line what it may be for the wanted significance."""
    efficiencies = list(dict.fromkeys(row.efficiency for row in rows))
    responses = list(dict.fromkeys(row.words for row in rows))
    figure = new_figure(5.6 * len(efficiencies), 5.6)
    for axes, efficiency in zip(figure.subplots(1, len(efficiencies), squeeze=False)[0], efficiencies, strict=True):
        for row in (one for one in rows if one.efficiency == efficiency):
            colour = COLOURS[responses.index(row.words) % len(COLOURS)]
            for place, trainings in enumerate(dict.fromkeys(point.trainings for point in row.points)):
                points = [point for point in row.points if point.trainings == trainings]
                axes.plot(
                    [point.events for point in points],
                    [point.error_difference for point in points],
                    _LINES[place % len(_LINES)],
                    color=colour,
                    marker=".",
                    label=f"{row.words}, {trainings} training{'s' if trainings > 1 else ''}",
                )
            axes.axhline(row.difference / plan.significance, color=colour, linewidth=0.8, alpha=0.6)
        axes.set_xscale("log")
        axes.set_yscale("log")
        # A response that is hardly there would pull its thin line out of every scale.
        axes.set_ylim(bottom=min(point.error_difference for row in rows for point in row.points) / 3)
        axes.set_xlabel(f"{rows[0].which} events")
        axes.set_ylabel(f"error of {rows[0].tagger} - {plan.reference}")
        axes.legend(title=f"signal efficiency {efficiency} %", fontsize="x-small", loc="best")
    figure.suptitle(
        f"thin lines: the error at which {plan.share:g} times the response of {plan.reference} differs from it by "
        f"{plan.significance:g} σ",
        fontsize="small",
    )
    return figure
