"""Where bins lie on paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Ruler"]


@dataclass(frozen=True)
class Ruler:
    """Bins at their values, or, where some would be too narrow to see, side by side.

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

    @classmethod
    def of_fractions(cls, above: NDArray[np.float64]) -> Ruler:
        """Bins side by side, labelled by the fraction of the signal above their edges."""
        return cls(np.arange(len(above), dtype=np.float64), tuple(f"{100 * fraction:.3g} %" for fraction in above))

    def inside(self, part: float) -> NDArray[np.float64]:
        """A place in every bin, 0 at its lower and 1 at its upper edge [n_bins]."""
        return self.edges[:-1] + part * np.diff(self.edges)

    def draw(self, axes: Axes) -> None:
        """Set limits and ticks of the horizontal axis."""
        axes.set_xlim(float(self.edges[0]), float(self.edges[-1]))
        if self.labels is not None:
            axes.set_xticks(self.edges, self.labels, rotation=45)
            axes.tick_params(axis="x", which="minor", bottom=False, top=False)
