"""One look for all figures: the style of mplhep, colours that everybody tells apart, files as PNG and PDF.

matplotlib and mplhep are imported when the first figure is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from rs3l_gnn.conventions.config import BaseConfig
from rs3l_gnn.conventions.outputs import atomic_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "GREY",
    "Figures",
    "NameStyle",
    "PlotStyle",
    "colours_of",
    "draw_band",
    "draw_into",
    "draw_steps",
    "house_style",
    "make_room",
    "new_figure",
    "place_legends",
    "ratio_limits",
    "ratio_panels",
    "styles_of",
]

COLOURS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
"""Ten colours that colour-blind readers tell apart (M. Petroff, arXiv:2107.02270), in the order of use."""

GREY = COLOURS[8]
"""For references and baselines; :func:`colours_of` gives it to nothing else."""

_TURNS = (("-", "--", ":", "-."), ("o", "s", "^", "D"), ("", "///", "...", "xxx"))
_MOST_INSIDE = 9  # lines of a legend that leave room for the data
_INCHES_A_LETTER = 0.085
_DPI = 130
_PALETTE = 128


class PlotStyle(BaseConfig):
    """What stands above every figure."""

    label: Literal["cms", "atlas", "none"] = Field("none", description="whose figures these are")
    status: str = Field("Simulation", description="words after the label, such as Simulation Preliminary")
    energy: float | None = Field(None, gt=0, description="centre-of-mass energy in TeV")
    luminosity: float | None = Field(None, gt=0, description="integrated luminosity in 1/fb")

    @property
    def left(self) -> str:
        """The label of the experiment, in mathtext; empty without one."""
        words = "\\ ".join(self.status.split())
        return "" if self.label == "none" else rf"$\mathbf{{{self.label.upper()}}}$ $\mathit{{{words}}}$"

    @property
    def right(self) -> str:
        """Luminosity and energy, as far as they are known."""
        luminosity = "" if self.luminosity is None else f"{self.luminosity:g} fb$^{{-1}}$"
        energy = "" if self.energy is None else f"{self.energy:g} TeV"
        return f"{luminosity} ({energy})" if luminosity and energy else luminosity or energy


@contextmanager
def house_style(style: PlotStyle = PlotStyle()) -> Iterator[None]:  # noqa: B008  # frozen
    """The style of the field, through mplhep; the settings of matplotlib are put back afterwards."""
    import matplotlib as mpl
    import mplhep
    from matplotlib.rcsetup import cycler

    base = mplhep.style.ATLAS if style.label == "atlas" else mplhep.style.CMS
    own: dict[str, Any] = {
        "axes.prop_cycle": cycler(color=COLOURS),
        "axes.autolimit_mode": "data",
        "axes.labelsize": 14,
        "axes.linewidth": 1.2,
        "axes.titlesize": 13,
        "axes.xmargin": 0.05,
        "font.size": 14,
        "legend.borderpad": 0.4,
        "legend.fontsize": 10.5,
        "legend.handlelength": 1.6,
        "legend.title_fontsize": 10.5,
        "lines.linewidth": 1.5,
        "lines.markersize": 5,
        **{f"{axis}tick.{kind}.size": size for axis in "xy" for kind, size in (("major", 7), ("minor", 3.5))},
        **{f"{axis}tick.labelsize": 12 for axis in "xy"},
    }
    with mpl.rc_context(base | own):
        yield


class Figures:
    """A folder of figures; made by :func:`draw_into`.

    Attributes:
        folder: where the files go.
        files: their names so far.
    """

    def __init__(self, folder: Path, style: PlotStyle, formats: Sequence[str]) -> None:
        self.folder, self._style, self._formats = folder, style, tuple(formats)
        self.files: list[str] = []

    def save(self, figure: Figure, name: str) -> str:
        """Label a figure and save it in every format, all of them or none.

        Returns:
            Stem of the files: ``name`` without what some file systems refuse, with a number where it is taken.

        Raises:
            OutputError: a file cannot be written.
        """
        stem = re.sub(r"[^\w.+-]+", "_", name)
        taken = {Path(file).stem for file in self.files}
        free = next(n for n in (stem, *(f"{stem}_{i}" for i in range(2, len(taken) + 3))) if n not in taken)
        first = next(axes for axes in figure.axes if axes.get_visible())
        for side in ("left", "right"):
            if text := getattr(self._style, side):
                first.set_title(text, loc=side)
        _lay_out(figure)
        with ExitStack() as files:
            for suffix in self._formats:
                path = files.enter_context(atomic_file(self.folder / f"{free}.{suffix}", force=True))
                if suffix == "png":
                    _save_small(figure, path)
                else:  # no date inside: the same numbers give the same bytes
                    figure.savefig(path, dpi=_DPI, metadata=_WITHOUT_DATE[suffix])
        self.files += [f"{free}.{suffix}" for suffix in self._formats]
        return free


def _lay_out(figure: Figure) -> None:
    """Place the axes once for all formats; each would place them again, and draw everything twice for that."""
    figure.set_dpi(_DPI)
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)


_WITHOUT_DATE = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}


def _save_small(figure: Figure, path: Path) -> None:
    """The pixels of ``savefig`` with a palette: a third of the bytes, and no eye sees the difference."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    # Straight from the canvas: a PNG of all colours would be packed and unpacked in between.
    image = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
    image.convert("RGB").quantize(_PALETTE, dither=Image.Dither.NONE).save(path, optimize=True)


@contextmanager
def draw_into(
    folder: Path,
    style: PlotStyle = PlotStyle(),  # noqa: B008  # frozen
    formats: Sequence[str] = ("png", "pdf"),
) -> Iterator[Figures]:
    """Figures drawn and saved inside the block have one style; the folder is made with the first of them."""
    with house_style(style):
        yield Figures(folder, style, formats)


def new_figure(width: float = 6.6, height: float = 5.6) -> Figure:
    """A figure of its own canvas [inch]: pyplot, its backend and its list of figures stay untouched."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def ratio_panels(columns: int = 1, ratios: int = 1, *, width: float = 6.6, height: float = 6.8) -> tuple[Figure, Any]:
    """A figure with panels for ratios below each of its main panels.

    Args:
        columns: main panels side by side.
        ratios: panels for ratios below each of them.
        width: of a column [inch].
        height: of the figure [inch].

    Returns:
        The figure and its axes [1 + ratios, columns].
    """
    figure = new_figure(width * columns, height)
    axes = figure.subplots(
        1 + ratios, columns, sharex="col", squeeze=False, gridspec_kw={"height_ratios": [2.2, *[1] * ratios]}
    )
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(hspace=0, h_pad=0.02)  # type: ignore[call-arg]  # those of a constrained layout
    for panel in axes[:-1].ravel():
        panel.tick_params(which="both", labelbottom=False)
    return figure, axes


class NameStyle(NamedTuple):
    """How everything of one name is drawn.

    Attributes:
        colour, line, marker, hatch: as matplotlib takes them.
    """

    colour: str
    line: str = "-"
    marker: str = "o"
    hatch: str = ""


def styles_of(names: Sequence[str], *, grey: Sequence[str] = ()) -> dict[str, NameStyle]:
    """One style for each name, in order: colours, and when they begin again, other lines, markers and hatches.

    Args:
        names: in the order of drawing.
        grey: those that are grey, which nothing else is.
    """
    coloured = [colour for colour in COLOURS if colour != GREY]
    others = [name for name in dict.fromkeys(names) if name not in grey]
    found = {}
    for name in dict.fromkeys(names):
        if name in grey:
            found[name] = NameStyle(GREY)
            continue
        turn, place = divmod(others.index(name), len(coloured))
        found[name] = NameStyle(coloured[place], *(kinds[turn % len(kinds)] for kinds in _TURNS))
    return found


def colours_of(names: Sequence[str], *, grey: Sequence[str] = ()) -> dict[str, str]:
    """The colours of :func:`styles_of`."""
    return {name: style.colour for name, style in styles_of(names, grey=grey).items()}


def draw_steps(axes: Axes, edges: ArrayLike, values: ArrayLike, **style: Any) -> str:
    """Contents of bins [n] as a line of steps over their edges [n + 1]; gaps where they are NaN.

    Returns:
        The colour that was used.
    """
    values = np.asarray(values, dtype=np.float64)
    (line,) = axes.step(np.asarray(edges), [*values, values[-1]], where="post", **style)
    return str(line.get_color())


def draw_band(axes: Axes, edges: ArrayLike, low: ArrayLike, high: ArrayLike, **style: Any) -> None:
    """Intervals of bins [n] as a band of steps over their edges [n + 1]; none where an end is NaN."""
    low, high = (np.asarray(end, dtype=np.float64) for end in (low, high))
    # Both ends of each bin: with step="post" the bin before a NaN would have no end, and no band.
    ends = np.repeat(np.asarray(edges, dtype=np.float64), 2)[1:-1]
    axes.fill_between(ends, np.repeat(low, 2), np.repeat(high, 2), **{"lw": 0, **style})


def make_room(axes: Axes, share: float = 0.3) -> None:
    """Raise the upper end of the vertical axis, so that this share of it is free for a legend."""
    low, high = axes.get_ylim()
    part = share / (1 - share)
    axes.set_ylim(low, high * (high / low) ** part if axes.get_yscale() == "log" else high + part * (high - low))


def place_legends(
    panels: Sequence[Axes],
    titles: Sequence[str] = ("",),
    *,
    loc: Literal["upper left", "upper right"] = "upper right",
    columns: int = 2,
    room: float | None = None,
) -> None:
    """A legend in each panel, for which room is made; one beside all of them where it would have too many lines.

    Args:
        panels: side by side, with the same entries.
        titles: of the panels.
        loc: place of the legend in a panel.
        columns: of the legend in a panel, where it has four entries or more.
        room: share of the panel's height for it; if None, as much as its lines take.
    """
    handles, labels = panels[0].get_legend_handles_labels()
    few = len(labels) <= _MOST_INSIDE
    n_columns = columns if len(labels) >= 4 else 1  # fewer stand in one column
    lines = -(-len(labels) // n_columns) if few else 0
    for axes, title in zip(panels, titles, strict=True):
        lines_here = lines + bool(title)
        make_room(axes, min(0.07 * (lines_here + 0.5), 0.45) if room is None or not few else room)
        if few:
            axes.legend(title=title, ncols=n_columns, loc=loc)
        elif title:
            axes.annotate(title, (0.03, 0.98), xycoords="axes fraction", va="top", fontsize="small")
    if not few:
        figure: Any = panels[0].figure
        width, height = figure.get_size_inches()
        figure.set_size_inches(width + _INCHES_A_LETTER * max(map(len, labels)) + 0.5, height)
        figure.legend(handles, labels, loc="outside right upper", frameon=False)


def ratio_limits(values: ArrayLike, *, least: float = 0.05, most: float = 1.0) -> tuple[float, float]:
    """Limits around one that hold ratios, NaN aside; no narrower than ``least`` and no wider than ``most`` a side."""
    far = np.abs(np.asarray(values, dtype=np.float64) - 1)
    reach = min(1.15 * max(float(np.max(far[np.isfinite(far)], initial=0.0)), least), most)
    return 1 - reach, 1 + reach
