"""Curves against a number, with bands, ratios and extrapolations, and tables as pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.plotting import COLOURS, NameStyle, make_room, new_figure, ratio_panels, styles_of
from rs3l_gnn.evaluation.config import BASELINE, CurveConfig
from rs3l_gnn.evaluation.curves import fit_curve
from rs3l_gnn.evaluation.figures.gallery import draw_points
from rs3l_gnn.evaluation.laws import PowerLaw
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.results import CurveResult, Interval, Point, TableResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_curve", "draw_curve_areas", "draw_curve_distances", "draw_table"]

_WIDE = 8.0


class _Number(NamedTuple):
    """What is drawn of a point: value, interval, single trainings."""

    value: float | None
    interval: Interval
    trainings: Sequence[float | None] = ()


def draw_curve(meter: Meter, curve: CurveConfig, result: CurveResult) -> Figure:
    """1/FPR at the curve's efficiency against x; below it the ratio to the reference, where there is one."""
    bottom: Axes | None = None
    if any(point.gain for points in result.lines.values() for point in points):
        figure, ((top,), (bottom,)) = ratio_panels()
    else:
        figure = new_figure()
        top = figure.subplots()
    xs = _range(curve)
    laws = {q: fit_curve(meter, curve, q) if curve.extrapolate_to else {} for q in ("rejection", "gain")}
    styles = _styles(curve)
    for place, (name, points) in enumerate(result.lines.items()):
        _line(top, curve, place, points, _rejection, drawn=styles[name], label=name)
        _law(top, laws["rejection"].get(name), points, xs, styles[name].colour)
        if bottom is not None:
            gains = [point for point in points if point.gain is not None]
            _line(bottom, curve, place, gains, _gain, drawn=styles[name])
            _law(bottom, laws["gain"].get(name), gains, xs, styles[name].colour)
    for name, point in result.references.items():
        _reference(top, _rejection(point), xs, styles[name].colour, name)
    if bottom is not None:
        bottom.axhline(1.0, color="black", linewidth=0.8)
        star = {"marker": "*", "color": "black", "markersize": 10, "linestyle": "none"}
        bottom.plot(list(curve.aims), list(curve.aims.values()), **star)  # type: ignore[arg-type]
        if curve.aims:
            top.plot([], [], label="aim (below)", **star)
        bottom.set_ylabel(f"1/FPR over\n{curve.reference}", fontsize="small", loc="center")
        low, high = bottom.get_ylim()
        bottom.set_ylim(max(low, 0.0), min(max(high, 1.1 * max(curve.aims.values(), default=0.0)), 10.0))
    top.set_yscale("log")
    y_label = f"1 / FPR at {100 * curve.efficiency:g} % {result.signal} efficiency"
    _finish(top, curve, y_label, lowest=bottom or top, extrapolated=any(laws.values()))
    return figure


def draw_curve_areas(curve: CurveConfig, result: CurveResult) -> Figure:
    """1 - AUC against x."""
    figure = new_figure()
    axes = figure.subplots()
    styles = _styles(curve)
    for place, (name, points) in enumerate(result.lines.items()):
        _line(axes, curve, place, points, _missing_area, drawn=styles[name], label=name)
    for name, point in result.references.items():
        _reference(axes, _missing_area(point), _range(curve), styles[name].colour, name)
    axes.set_yscale("log")
    _finish(axes, curve, f"1 - AUC ({result.signal} against {result.background})")
    return figure


def draw_curve_distances(meter: Meter, curve: CurveConfig, result: CurveResult) -> Figure:
    """Mean Wasserstein distance of the variations against x, one column a class."""
    classes = (result.background, result.signal)
    figure = new_figure(12, 5.6)
    styles = _styles(curve)
    for axes, which in zip(figure.subplots(1, 2), classes, strict=True):

        def distance(point: Point, which: str = which) -> _Number:
            found = (point.wasserstein or {}).get(which)
            if found is None:
                return _Number(None, (None, None))
            return _Number(found.wasserstein.value, found.wasserstein.interval, found.wasserstein.trainings)

        laws = fit_curve(meter, curve, f"wasserstein {which}") if curve.extrapolate_to else {}
        for place, (name, points) in enumerate(result.lines.items()):
            _line(axes, curve, place, points, distance, drawn=styles[name], label=name)
            _law(axes, laws.get(name), points, _range(curve), styles[name].colour)
        for name, point in result.references.items():
            _reference(axes, distance(point), _range(curve), styles[name].colour, name)
        axes.set_ylim(bottom=0)
        _finish(axes, curve, f"Mean Wasserstein distance ({which})", extrapolated=bool(laws))
    return figure


def draw_table(result: TableResult) -> Figure:
    """1/FPR of every row with its errors, the reference row as a band."""
    labels = list(result.rows)
    efficiencies = list(next(iter(result.rows.values())).rejection)
    figure = new_figure(2.5 + 3.6 * len(efficiencies), 1.6 + 0.5 * len(labels))
    panels = np.atleast_1d(figure.subplots(1, len(efficiencies), sharey=True))
    for axes, efficiency in zip(panels, efficiencies, strict=True):
        known = []
        for height, (label, row) in enumerate(result.rows.items()):
            found = row.rejection[efficiency].inverse
            if found.value is None:
                continue
            known.append(found.value)
            is_reference = label == result.reference
            colour = "black" if is_reference else COLOURS[0]
            low, high = (found.value if end is None else end for end in found.interval)
            bars = np.array([[max(found.value - low, 0)], [max(high - found.value, 0)]])
            axes.errorbar([found.value], [height], xerr=bars, color=colour, marker="o", capsize=2.5)
            dots = [value for value in found.trainings if value is not None]
            if len(dots) > 1:
                axes.plot(dots, [height - 0.22] * len(dots), ".", color=colour, alpha=0.5, markersize=4)
            if is_reference and None not in found.interval:
                axes.axvspan(low, high, color="black", alpha=0.1, linewidth=0)
        left, right = axes.get_xlim()
        if known and max(known) > _WIDE * min(known):
            axes.set_xscale("log")
            axes.set_xlim(min(known) / 1.5, max(right, max(known) * 1.5))
        elif known:
            axes.set_xlim(max(left, 0.0), right)
        axes.set_xlabel(f"1/FPR at {efficiency} %")
        axes.set_yticks(np.arange(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.tick_params(axis="y", which="minor", left=False, right=False)
    return figure


def _styles(curve: CurveConfig) -> dict[str, NameStyle]:
    names = [*curve.lines, *curve.references]
    return styles_of(names, grey=[name for name in names if name.lower() == BASELINE])


def _line(
    axes: Axes,
    curve: CurveConfig,
    place: int,
    points: Sequence[Point],
    number: Callable[[Point], _Number],
    *,
    drawn: NameStyle,
    label: str | None = None,
) -> None:
    rows = [(point.x, number(point)) for point in points]
    known = [(x, row.value, row) for x, row in rows if x is not None and row.value is not None]
    if not known:
        return
    xs = np.array([x for x, _, _ in known])
    # Error bars of different lines side by side.
    xs = xs * 1.03**place if curve.log_x else xs + 0.004 * place * np.ptp(_range(curve))
    draw_points(
        axes,
        xs,
        [value for _, value, _ in known],
        [row.interval for _, _, row in known],
        drawn._replace(line="-"),  # dashed ones are laws
        [row.trainings for _, _, row in known],
        label=label,
        line=True,
    )


def _law(axes: Axes, law: PowerLaw | None, points: Sequence[Point], xs: NDArray[np.float64], colour: str) -> None:
    if law is None:
        return
    grid = np.geomspace(min(point.x for point in points if point.x is not None), xs[-1], 60)
    low, high = law.band(grid)
    axes.plot(grid, law.at(grid), color=colour, linestyle="--", linewidth=1.0)
    axes.fill_between(grid, low, high, color=colour, alpha=0.12, linewidth=0)


def _reference(axes: Axes, row: _Number, xs: NDArray[np.float64], colour: str, name: str) -> None:
    if row.value is None:
        return
    axes.axhline(row.value, color=colour, linestyle="-.", label=name)
    low, high = row.interval
    if low is not None and high is not None:
        axes.fill_between(xs[[0, -1]], low, high, color=colour, alpha=0.12, linewidth=0)


def _finish(
    axes: Axes, curve: CurveConfig, y_label: str, *, lowest: Axes | None = None, extrapolated: bool = False
) -> None:
    lowest, xs = lowest or axes, _range(curve)
    if curve.log_x:
        lowest.set_xscale("log")
    margin = 1.3 if curve.log_x else 1.0
    shift = 0.0 if curve.log_x else 0.05 * (xs[-1] - xs[0])
    lowest.set_xlim(xs[0] / margin - shift, xs[-1] * margin + shift)
    lowest.set_xlabel(curve.x_label)
    axes.set_ylabel(y_label)
    if extrapolated:
        axes.plot([], [], color="black", linestyle="--", linewidth=1.0, label="extrapolation")
    make_room(axes, 0.27)
    handles, labels = axes.get_legend_handles_labels()
    order = [*curve.lines, *curve.references, "aim (below)", "extrapolation"]
    entries = sorted(zip(labels, handles, strict=True), key=lambda entry: order.index(entry[0]))
    axes.legend([handle for _, handle in entries], [label for label, _ in entries], loc="upper left", ncols=2)


def _range(curve: CurveConfig) -> NDArray[np.float64]:
    xs = sorted({x for points in curve.lines.values() for x in points} | {curve.extrapolate_to or -np.inf})
    return np.array([x for x in xs if np.isfinite(x)])


def _rejection(point: Point) -> _Number:
    found = point.rejection.inverse
    return _Number(found.value, found.interval, found.trainings)


def _gain(point: Point) -> _Number:
    return _Number(None, (None, None)) if point.gain is None else _Number(point.gain.ratio, point.gain.interval)


def _missing_area(point: Point) -> _Number:
    value, error = 1 - point.auc.value, point.auc.error or 0.0
    return _Number(value, (max(value - error, 0.0), value + error), [1 - area for area in point.auc.trainings])
