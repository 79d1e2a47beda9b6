"""Pictures of the result: errors by group, pulls, correlations, ranking, scan, limit, toys; most are cabinetry's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rs3l_gnn.conventions.plotting import COLOURS, GREY, Figures, make_room, new_figure
from rs3l_gnn.conventions.wording import plus_minus, significant
from rs3l_gnn.fits.likelihood.inference import Toys
from rs3l_gnn.fits.plots.wording import readable_group, readable_parameter
from rs3l_gnn.fits.result import FitResult

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import FitResults, LimitResults, RankingResults, ScanResults
    from matplotlib.figure import Figure

__all__ = ["draw_results"]

_MOST_ROWS = 30
_PULL = "(fitted - prior) / prior error"


def draw_results(figures: Figures, result: FitResult) -> None:
    """Draw what a fit found, and what was inferred besides."""
    done = result.inference
    figures.save(_errors(result), "errors")
    if result.built.templates.nuisances:
        figures.save(_pulls(result), "pulls")
        figures.save(_correlation(result), "correlation")
    if done.ranking is not None and done.ranking.labels:
        figures.save(_ranking(result, done.ranking), "ranking")
    if done.scan is not None:
        figures.save(_scan(done.scan), "scan")
    if done.limit is not None:
        figures.save(_limit(done.limit, result.built.templates.data_label), "limit")
    if done.toys is not None:
        figures.save(_toys(done.toys), "toys")


def _drawn(draw: Callable[..., Any], results: Any, **options: Any) -> Figure:
    import matplotlib as mpl

    # cabinetry's sizes are made for matplotlib's own font size, and in some figures it sets a style for good.
    with mpl.rc_context({"font.size": 10}):
        figure: Figure = draw(results, save_figure=False, close_figure=True, **options)
    return figure


def _selected(result: FitResult, names: list[str]) -> FitResults:
    """Some parameters under readable names, in units of their priors where they have one."""
    rows = [result.best.labels.index(name) for name in names]
    found = [result.parameters[name] for name in names]
    return result.best._replace(
        bestfit=np.array([np.nan if p.pull is None else p.pull for p in found]),
        uncertainty=np.array([np.nan if p.constraint is None else p.constraint for p in found]),
        labels=[readable_parameter(name, result.built.templates) for name in names],
        corr_mat=result.best.corr_mat[np.ix_(rows, rows)],
    )


def _errors(result: FitResult) -> Figure:
    parts = {"total": result.mu_error, **{readable_group(name): size for name, size in result.mu_errors.items()}}
    names = list(parts)[::-1]
    figure = new_figure(6.6, 1.6 + 0.42 * len(names))
    axes = figure.subplots()
    axes.barh(names, [parts[name] for name in names], color=[GREY if name == "total" else COLOURS[0] for name in names])
    for position, name in enumerate(names):
        axes.text(parts[name], position, f" {significant(parts[name])}", va="center", fontsize="small")
    axes.set_xlim(0, 1.2 * parts["total"])
    axes.tick_params(axis="y", which="both", length=0)
    axes.set_xlabel(f"error of the signal strength {plus_minus(result.mu, result.mu_error)}")
    return figure


def _pulls(result: FitResult) -> Figure:
    from cabinetry import visualize

    templates = result.built.templates
    names = [nuisance.name for nuisance in templates.nuisances if nuisance.name in result.parameters][:_MOST_ROWS]
    figure = _drawn(visualize.pulls, _selected(result, names))
    figure.axes[0].set_xlabel(_PULL)
    return figure


def _correlation(result: FitResult) -> Figure:
    from cabinetry import visualize

    templates = result.built.templates
    free = [templates.poi, *(rate.name for rate in templates.free_rates)]
    names = [*free, *(nuisance.name for nuisance in templates.nuisances if nuisance.name in result.parameters)]
    return _drawn(visualize.correlation_matrix, _selected(result, names[:_MOST_ROWS]))


def _ranking(result: FitResult, ranking: RankingResults) -> Figure:
    from cabinetry import visualize

    chosen = _selected(result, ranking.labels)
    named = ranking._replace(bestfit=chosen.bestfit, uncertainty=chosen.uncertainty, labels=chosen.labels)
    figure = _drawn(visualize.ranking, named, max_pars=_MOST_ROWS)
    pulls, impacts = figure.axes
    pulls.set_xlabel(_PULL)
    impacts.set_xlabel("change of the signal strength")
    return figure


def _scan(scan: ScanResults) -> Figure:
    from cabinetry import visualize

    figure = _drawn(visualize.scan, scan._replace(name="signal strength"))
    figure.axes[0].set_ylabel("-2 ln(L / L max)")
    return figure


def _limit(limit: LimitResults, data_label: str) -> Figure:
    from cabinetry import visualize

    figure = _drawn(visualize.limit, limit)
    (axes,) = figure.axes
    axes.set_xlabel("signal strength")
    axes.set_ylabel("CLs")
    found = f"{data_label}: {significant(limit.observed_limit)}, without signal: {significant(limit.expected_limit[2])}"
    axes.legend(title=f"limit at {limit.confidence_level:.0%}\n{found}")
    return figure


def _toys(toys: Toys) -> Figure:
    figure = new_figure(6.6, 5.0)
    axes = figure.subplots()
    counts, edges = np.histogram(np.clip(toys.pulls, -4, 4), bins=24, range=(-4, 4))
    axes.stairs(counts, edges, fill=True, color=COLOURS[0], label=f"{len(toys.values)} toys")
    grid = np.linspace(-4, 4, 200)
    scale = len(toys.values) * (edges[1] - edges[0]) / np.sqrt(2 * np.pi)
    axes.plot(grid, scale * np.exp(-(grid**2) / 2), color="black", label="normal distribution")
    axes.set_ylim(0, None)
    make_room(axes)
    axes.legend(title=f"coverage {toys.coverage:.1%}, mean pull {toys.pulls.mean():+.3f}")
    axes.set_xlabel("(fitted - true signal strength) / error")
    axes.set_ylabel("toys")
    return figure
