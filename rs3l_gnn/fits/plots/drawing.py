"""Common ground of the plots: figures without global state, colours, saving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "Canvas", "Ruler", "colours_of", "label_axes", "new_figure"]


@dataclass(frozen=True)
class Ruler:
    """Where bins lie on paper: at their values, or, where some would be too narrow to see, side by side.

    Attributes:
        edges: edges on paper [n_bins + 1].
        labels: what to write at them, None for ordinary ticks.
    """

    edges: NDArray[np.float64]
    labels: tuple[str, ...] | None

    @classmethod
    def of(cls, edges: NDArray[np.float64], *, narrowest: float = 0.02) -> Ruler:
        """A ruler for bins with these edges; ``narrowest`` is the visible fraction of the axis."""
        widths = np.diff(edges)
        if widths.min() >= narrowest * widths.sum():
            return cls(edges, None)
        return cls(np.arange(len(edges), dtype=np.float64), tuple(f"{edge:.4g}" for edge in edges))

    @property
    def centres(self) -> NDArray[np.float64]:
        """Middles of the bins [n_bins]."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    def draw(self, axes: Axes) -> None:
        """Set limits and ticks of the horizontal axis."""
        axes.set_xlim(float(self.edges[0]), float(self.edges[-1]))
        if self.labels is not None:
            axes.set_xticks(self.edges, self.labels, rotation=45, fontsize="small")
            axes.minorticks_off()


class Canvas:
    """A folder for figures that remembers what was saved."""

    def __init__(self, folder: Path, formats: Sequence[str]) -> None:
        self._folder, self._formats = folder, tuple(formats)
        self.saved: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, figure: Figure, name: str) -> None:
        """Save a figure in every wanted format."""
        for suffix in self._formats:
            path = self._folder / f"{name}.{suffix}"
            # No date inside: the same fit gives the same bytes.
            figure.savefig(path, dpi=150, metadata={"CreationDate": None} if suffix == "pdf" else None)
            self.saved.append(f"{self._folder.name}/{path.name}")


def new_figure(width: float = 7.0, height: float = 5.5) -> Figure:
    """A figure of its own canvas: pyplot, its backend and its list of figures stay untouched."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def colours_of(names: Sequence[str]) -> dict[str, str]:
    """One colour for each name, in order."""
    return {name: COLOURS[position % len(COLOURS)] for position, name in enumerate(names)}


def label_axes(axes: Axes, *, x: str = "", y: str = "", title: str = "") -> None:
    """Labels and ticks as particle physicists draw them."""
    axes.set_xlabel(x, loc="right")
    axes.set_ylabel(y, loc="top")
    axes.set_title(title, loc="left", fontsize="medium")
    axes.tick_params(direction="in", top=True, right=True, which="both")
