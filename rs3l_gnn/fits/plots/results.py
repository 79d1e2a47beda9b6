"""Pictures of the result: errors by group, pulls, correlations, ranking, scan, limit, toys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rs3l_gnn.fits.likelihood.hypotheses import Limit
from rs3l_gnn.fits.likelihood.inference import Impact, Inference, Scan, Toys
from rs3l_gnn.fits.likelihood.likelihood import BestFit
from rs3l_gnn.fits.plots.drawing import COLOURS, Canvas, label_axes, new_figure
from rs3l_gnn.fits.templates.model import Templates

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_results"]

_MOST_ROWS = 30


def draw_results(
    canvas: Canvas, templates: Templates, best: BestFit, document: Mapping[str, Any], inferred: Inference
) -> None:
    """Draw what the document of a fit holds, and what was inferred besides."""
    canvas.save(_errors(document), "errors")
    if templates.nuisances:
        canvas.save(_pulls(templates, document), "pulls")
        canvas.save(_correlation(templates, best), "correlation")
    if inferred.ranking:
        canvas.save(_ranking(document, inferred.ranking), "ranking")
    if inferred.scan is not None:
        canvas.save(_scan(document, inferred.scan), "scan")
    if inferred.limit is not None:
        canvas.save(_limit(inferred.limit, templates.data_label), "limit")
    if inferred.toys is not None:
        canvas.save(_toys(inferred.toys), "toys")


def _errors(document: Mapping[str, Any]) -> Figure:
    figure = new_figure(6.0, 3.6)
    axes = figure.subplots()
    parts = {"total": document["mu_error"], **document["mu_errors"]}
    names = list(parts)[::-1]
    axes.barh(names, [parts[name] for name in names], color=[COLOURS[0] if n == "total" else COLOURS[3] for n in names])
    for position, name in enumerate(names):
        axes.text(parts[name], position, f" {parts[name]:.3g}", va="center")
    axes.set_xlim(0, 1.2 * parts["total"])
    label_axes(axes, x="error of the signal strength", title=f"mu = {document['mu']:.3g} ± {document['mu_error']:.2g}")
    return figure


def _pulls(templates: Templates, document: Mapping[str, Any]) -> Figure:
    names = [nuisance.name for nuisance in templates.nuisances if nuisance.name in document["parameters"]]
    names = names[:_MOST_ROWS][::-1]
    figure = new_figure(6.0, 1.4 + 0.32 * len(names))
    axes = figure.subplots()
    axes.axvspan(-2, 2, color="#fff3b0", zorder=0)
    axes.axvspan(-1, 1, color="#c9ecc1", zorder=0)
    found = [document["parameters"][name] for name in names]
    axes.errorbar(
        [entry["pull"] for entry in found],
        np.arange(len(names)),
        xerr=[entry["constraint"] for entry in found],
        fmt="o",
        color="black",
        markersize=4,
    )
    axes.set_yticks(np.arange(len(names)), names)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.set_xlim(-3, 3)
    label_axes(axes, x="(fitted - prior) / prior error", title="pulls and constraints")
    return figure


def _correlation(templates: Templates, best: BestFit) -> Figure:
    wanted = {templates.poi, *(n.name for n in templates.nuisances), *(free.name for free in templates.free_rates)}
    rows = [index for index, label in enumerate(best.labels) if label in wanted]
    rows = sorted(rows, key=lambda index: best.labels[index] != templates.poi)[:_MOST_ROWS]
    labels = [best.labels[index] for index in rows]
    size = 2.5 + 0.45 * len(rows)
    figure = new_figure(size + 0.8, size)
    axes = figure.subplots()
    matrix = best.correlation[np.ix_(rows, rows)]
    image = axes.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu")
    axes.set_xticks(range(len(rows)), labels, rotation=90)
    axes.set_yticks(range(len(rows)), labels)
    for i in range(len(rows)):
        for j in range(len(rows)):
            colour = "white" if abs(matrix[i, j]) > 0.6 else "black"
            axes.text(j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", fontsize=7, color=colour)
    figure.colorbar(image, ax=axes, shrink=0.8)
    axes.set_title("correlations", loc="left", fontsize="medium")
    return figure


def _ranking(document: Mapping[str, Any], ranking: Sequence[Impact]) -> Figure:
    impacts = ranking[:_MOST_ROWS][::-1]
    names = [impact.name for impact in impacts]
    figure = new_figure(8.0, 1.6 + 0.34 * len(names))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1, 1.3])
    rows = np.arange(len(names))
    found = [document["parameters"][name] for name in names]
    pulls = [0.0 if entry["pull"] is None else entry["pull"] for entry in found]
    constraints = [0.0 if entry["constraint"] is None else entry["constraint"] for entry in found]
    left.errorbar(pulls, rows, xerr=constraints, fmt="o", color="black", markersize=4)
    left.axvline(0, color="grey", linewidth=0.8)
    left.set_xlim(-2, 2)
    left.set_yticks(rows, names)
    label_axes(left, x="pull", title="ranking")
    for side, (word, colour) in enumerate((("up", COLOURS[2]), ("down", COLOURS[0]))):
        before, after = [impact.pre_fit[side] for impact in impacts], [impact.post_fit[side] for impact in impacts]
        right.barh(rows, before, height=0.7, facecolor="none", edgecolor=colour, label=f"pre-fit {word}")
        right.barh(rows, after, height=0.7, facecolor=colour, alpha=0.8, label=f"post-fit {word}")
    right.axvline(0, color="black", linewidth=0.8)
    right.locator_params(axis="x", nbins=5)
    largest = max(abs(value) for impact in impacts for value in (*impact.pre_fit, *impact.post_fit))
    right.set_xlim(-1.15 * largest or -1, 1.15 * largest or 1)
    label_axes(right, x="change of the signal strength")
    handles, labels = right.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=4, frameon=False, fontsize="small")
    return figure


def _scan(document: Mapping[str, Any], scan: Scan) -> Figure:
    figure = new_figure(6.0, 4.2)
    axes = figure.subplots()
    axes.plot(scan.values, scan.rise, color=COLOURS[0], marker="o", markersize=4)
    for level, word in ((1.0, "68 %"), (3.841, "95 %")):
        axes.axhline(level, color="grey", linestyle="--", linewidth=0.8)
        axes.text(
            0.5, level, f" {word}", transform=axes.get_yaxis_transform(), va="bottom", color="grey", fontsize="small"
        )
    axes.axvline(document["mu"], color="black", linewidth=0.8)
    axes.set_ylim(0, None)
    label_axes(axes, x="signal strength", y="-2 ln(L / L max)", title="scan")
    return figure


def _limit(result: Limit, data_label: str) -> Figure:
    figure = new_figure(6.0, 4.2)
    axes = figure.subplots()
    values, expected = result.values, result.expected_cls
    axes.fill_between(values, expected[:, 0], expected[:, 4], color="#fff3b0", label="without signal ± 2 sigma")
    axes.fill_between(values, expected[:, 1], expected[:, 3], color="#c9ecc1", label="without signal ± 1 sigma")
    axes.plot(values, expected[:, 2], color="black", linestyle="--", label="expected without signal")
    axes.plot(values, result.observed_cls, color="black", marker="o", markersize=3, label=data_label)
    axes.axhline(1 - result.confidence_level, color=COLOURS[2], linewidth=0.8)
    axes.set_yscale("log")
    axes.set_ylim(1e-3, 2)
    axes.legend(frameon=False, fontsize="small")
    title = f"{data_label} {result.observed:.3g}, expected without signal {result.expected[2]:.3g}"
    label_axes(axes, x="signal strength", y="CLs", title=f"{result.confidence_level:.0%} limit: {title}")
    return figure


def _toys(toys: Toys) -> Figure:
    figure = new_figure(6.0, 4.2)
    axes = figure.subplots()
    counts, edges = np.histogram(np.clip(toys.pulls, -4, 4), bins=24, range=(-4, 4))
    axes.stairs(counts, edges, fill=True, color=COLOURS[0], label=f"{len(toys.values)} toys")
    grid = np.linspace(-4, 4, 200)
    scale = len(toys.values) * (edges[1] - edges[0]) / np.sqrt(2 * np.pi)
    axes.plot(grid, scale * np.exp(-(grid**2) / 2), color="black", label="normal distribution")
    axes.legend(frameon=False)
    title = f"coverage {toys.coverage:.1%}, mean pull {toys.pulls.mean():+.3f}"
    label_axes(axes, x="(fitted - true) / error", y="toys", title=title)
    return figure
