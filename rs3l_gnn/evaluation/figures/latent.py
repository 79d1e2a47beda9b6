"""The directions of embeddings: corner plots of principal components, and cosine similarities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from rs3l_gnn.conventions import COLOURS
from rs3l_gnn.conventions.plotting import new_figure
from rs3l_gnn.conventions.wording import readable_jettype
from rs3l_gnn.evaluation.config import EvaluateConfig
from rs3l_gnn.evaluation.latent import directions, principal_components
from rs3l_gnn.evaluation.results import LatentSpace
from rs3l_gnn.evaluation.scoring import ScoredViews

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_corner", "draw_cosines"]

_COMPONENTS = 4
_BINS = 48
_MANY = 1500
_SHARES = (0.9, 0.5)


def draw_corner(config: EvaluateConfig, scored: ScoredViews, name: str) -> Figure:
    """Histograms of the leading principal components by class, and contours of each pair of them."""
    unit = directions(scored.embeddings[name])
    n = min(_COMPONENTS, unit.shape[1])
    values, shares = principal_components(unit, n, scored.nominal_weights)
    figure = new_figure(2.4 * n, 2.4 * n)
    panels = figure.subplots(n, n, squeeze=False)
    edges = [_edges(values[:, i]) for i in range(n)]
    for row in range(n):
        for column in range(n):
            axes = panels[row, column]
            if column > row:
                axes.set_visible(False)
                continue
            for colour, which in zip(COLOURS, config.classes, strict=False):
                members = scored.in_class(which)
                if members.any():
                    _cell(axes, values[members], scored.nominal_weights[members], edges, (row, column), colour)
            axes.set_xlim(edges[column][0], edges[column][-1])
            if row != column:
                axes.set_ylim(edges[row][0], edges[row][-1])
            axes.tick_params(labelsize=8)
            axes.minorticks_off()
            if row == column:
                axes.set_yticks([])
            axes.tick_params(labelbottom=row == n - 1, labelleft=column == 0 and row > 0)
            if row == n - 1:
                axes.set_xlabel(f"PC {column + 1} ({100 * shares[column]:.1f} %)", fontsize=11)
            if column == 0 and row > 0:
                axes.set_ylabel(f"PC {row + 1}", fontsize=11)
    for colour, which in zip(COLOURS, config.classes, strict=False):
        panels[0, 0].plot([], [], color=colour, label=which.name)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    if n > 1:
        figure.legend(handles, labels, title=f"encoder of {name}", loc="upper right", bbox_to_anchor=(0.95, 0.95))
    else:
        panels[0, 0].legend(title=f"encoder of {name}")
    return figure


def draw_cosines(name: str, numbers: LatentSpace) -> Figure:
    """Mean cosine similarity between jets of each pair of types."""
    types = [readable_jettype(kind) for kind in numbers.jet_types]
    counts = numbers.jet_types.values()
    matrix = np.array(numbers.cosine_similarity)
    figure = new_figure(3 + 0.55 * len(types), 2 + 0.55 * len(types))
    axes = figure.subplots()
    image = axes.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r")
    for (row, column), value in np.ndenumerate(matrix):
        colour = "white" if abs(value) > 0.6 else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=9, color=colour)
    axes.set_xticks(np.arange(len(types)), types, rotation=45, ha="right", rotation_mode="anchor", fontsize=10)
    words = [f"{kind} ({count})" for kind, count in zip(types, counts, strict=True)]
    axes.set_yticks(np.arange(len(types)), words, fontsize=10)
    axes.minorticks_off()
    axes.tick_params(length=0)
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.04)
    bar.set_label(f"Mean cosine similarity, {name}", fontsize=11)
    bar.ax.tick_params(labelsize=9)
    return figure


def _cell(  # noqa: PLR0917  # one panel, all of it needed
    axes: Axes,
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    edges: list[NDArray[np.float64]],
    place: tuple[int, int],
    colour: str,
) -> None:
    row, column = place
    if row == column:
        coarse = edges[row] if len(values) >= _MANY else edges[row][::2]
        counts, _ = np.histogram(values[:, row], coarse, weights=weights)
        axes.stairs(counts / max(counts.sum(), 1) / np.diff(coarse), coarse, color=colour, linewidth=1.2)
        return
    counts, _, _ = np.histogram2d(values[:, column], values[:, row], (edges[column], edges[row]), weights=weights)
    # Few jets get a wider kernel: they give no shape in detail.
    smooth = gaussian_filter(counts, 1.2 * max((_MANY / len(values)) ** (1 / 3), 1.0))
    levels = contour_levels(smooth)
    if levels:
        centres = [(edge[1:] + edge[:-1]) / 2 for edge in (edges[column], edges[row])]
        axes.contour(*centres, smooth.T, levels=levels, colors=colour, linewidths=1.2)


def contour_levels(density: NDArray[np.float64]) -> list[float]:
    """Rising heights above which 90 and 50 % of the jets lie; without doubles, as contours need them."""
    order = np.sort(density.ravel())[::-1]
    inside = np.cumsum(order)
    if inside[-1] <= 0:
        return []
    heights = [float(order[np.searchsorted(inside, share * inside[-1])]) for share in _SHARES]
    return sorted({height for height in heights if 0 < height < order[0]})


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.quantile(values, [0.002, 0.998])
    margin = 0.05 * max(high - low, 1e-6)
    return np.linspace(low - margin, high + margin, _BINS + 1)
