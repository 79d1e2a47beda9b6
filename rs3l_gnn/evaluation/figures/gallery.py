"""Figures with the section of the report that they belong to, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.plotting import Figures, NameStyle, styles_of
from rs3l_gnn.evaluation.config import BASELINE, EvaluateConfig
from rs3l_gnn.evaluation.results import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Gallery", "Picture", "draw_points", "tagger_styles"]


@dataclass(frozen=True)
class Picture:
    """One figure.

    Attributes:
        name: of the files, without their ending.
        section: heading of the report that it belongs to.
        caption: what it shows.
    """

    name: str
    section: str
    caption: str


class Gallery:
    """Saved figures with their captions."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self.pictures: list[Picture] = []

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._figures.folder

    @property
    def files(self) -> list[str]:
        """Names of all files."""
        return self._figures.files

    def hang(self, figure: Figure, name: str, *, section: str, caption: str) -> None:
        """Save a figure."""
        self.pictures.append(Picture(self._figures.save(figure, name), section, caption))


def tagger_styles(config: EvaluateConfig) -> dict[str, NameStyle]:
    """How each tagger is drawn; the baseline is grey."""
    return styles_of(list(config.trainings), grey=[BASELINE])


def draw_points(  # noqa: PLR0917  # points with all that belongs to them
    axes: Axes,
    x: Sequence[float] | NDArray[np.floating],
    values: Sequence[float],
    intervals: Sequence[Interval],
    drawn: NameStyle,
    trainings: Sequence[Sequence[float | None]] = (),
    *,
    label: str | None = None,
    line: bool = False,
) -> None:
    """Points with their intervals, an arrow where there is no upper bound, and dots for single trainings.

    Args:
        axes: where.
        x, values, intervals: of the points [n].
        drawn: how.
        trainings: values of the single trainings [n][n_trainings]; dots where there are two or more.
        label: in the legend.
        line: joins the points.
    """
    low = [
        0.0 if bound is None else max(value - bound, 0.0) for value, (bound, _) in zip(values, intervals, strict=True)
    ]
    high = [
        0.0 if bound is None else max(bound - value, 0.0) for value, (_, bound) in zip(values, intervals, strict=True)
    ]
    colour = drawn.colour
    style = {"color": colour, "marker": drawn.marker, "linestyle": drawn.line if line else "none", "capsize": 2.5}
    axes.errorbar(x, values, yerr=np.array([low, high]).reshape(2, -1), label=label, **style)  # type: ignore[arg-type]
    for position, value, (_, bound) in zip(x, values, intervals, strict=True):
        if bound is None:
            axes.plot([position], [value], marker=6, color=colour, markersize=9)
    for position, single in zip(x, trainings, strict=bool(trainings)):
        dots = [value for value in single if value is not None]
        if len(dots) > 1:
            axes.plot([position] * len(dots), dots, ".", color=colour, alpha=0.5, markersize=4)
