"""Where figures go, and how they look alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import COLOURS
from rs3l_gnn.evaluation.config import BASELINE

__all__ = ["Gallery", "Picture", "colour_of", "house_style", "new_figure", "with_ratio"]

_DPI = 90
_PALETTE = 128
_GREY = "#717581"


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
    """A folder of figures.

    Args:
        folder: where they go; it is made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.pictures: list[Picture] = []

    def hang(self, figure: Any, name: str, *, section: str, caption: str) -> None:
        """Save a figure as PNG and PDF; names are cut to what every file system takes, and stay apart."""
        from PIL import Image

        stem = re.sub(r"[^\w.+-]+", "_", name)
        taken = {picture.name for picture in self.pictures}
        free = next(n for n in (stem, *(f"{stem}_{i}" for i in range(2, len(taken) + 3))) if n not in taken)
        # No date inside: the same numbers give the same bytes.
        figure.savefig(self.folder / f"{free}.pdf", bbox_inches="tight", metadata={"CreationDate": None})
        path = self.folder / f"{free}.png"
        figure.savefig(path, dpi=_DPI, bbox_inches="tight")
        with Image.open(path) as image:
            # A palette: a third of the bytes, and no eye sees the difference.
            small = image.convert("RGB").quantize(_PALETTE, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        self.pictures.append(Picture(free, section, caption))

    @property
    def files(self) -> list[str]:
        """Names of all files."""
        return [f"{picture.name}.{suffix}" for picture in self.pictures for suffix in ("png", "pdf")]


@contextmanager
def house_style() -> Iterator[None]:
    """The style of the field, through mplhep; the settings of matplotlib are put back afterwards."""
    import matplotlib as mpl
    import mplhep

    sizes: dict[str, Any] = {
        "figure.figsize": (9, 8),
        "font.size": 20,
        "legend.fontsize": 15,
        "axes.labelsize": 20,
        "xtick.labelsize": 16,
        "ytick.labelsize": 16,
        "legend.title_fontsize": 15,
        "legend.handlelength": 1.6,
    }
    with mpl.rc_context(mplhep.style.CMS | sizes):
        yield


def colour_of(name: str, names: Sequence[str]) -> str:
    """The colour of one of several names; the baseline is always grey."""
    if name.lower() == BASELINE:
        return _GREY
    coloured = [colour for colour in COLOURS if colour != _GREY]
    others = [other for other in names if other.lower() != BASELINE]
    return coloured[others.index(name) % len(coloured)]


def new_figure(width: float = 9.0, height: float = 8.0) -> Any:
    """A figure of its own canvas: pyplot, its backend and its list of figures stay untouched."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def with_ratio(columns: int = 1, width: float = 9.0, height: float = 9.5) -> tuple[Any, Any]:
    """A figure with a panel for ratios below each panel: the figure and its axes [2, columns]."""
    figure = new_figure(width * columns, height)
    axes = figure.subplots(
        2, columns, sharex="col", squeeze=False, gridspec_kw={"height_ratios": [2.2, 1], "hspace": 0.06}
    )
    figure.align_ylabels(axes[:, 0])
    return figure, axes
