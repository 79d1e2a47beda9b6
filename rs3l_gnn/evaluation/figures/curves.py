"""Curves against a number, with bands, ratios and extrapolations, and tables as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.evaluation.config import CurveConfig
from rs3l_gnn.evaluation.curves import fit_curve
from rs3l_gnn.evaluation.figures.gallery import colour_of, new_figure, with_ratio
from rs3l_gnn.evaluation.figures.performance import interval_bars
from rs3l_gnn.evaluation.laws import PowerLaw
from rs3l_gnn.evaluation.meter import Meter

__all__ = ["draw_curve", "draw_curve_areas", "draw_curve_distances", "draw_table"]

_WIDE = 8.0


def draw_curve(meter: Meter, curve: CurveConfig, numbers: Mapping[str, Any]) -> Any:
    """1/FPR at the curve's efficiency against x; below it the ratio to the reference, where there is one."""
    has_ratio = curve.reference is not None
    if has_ratio:
        figure, ((top,), (bottom,)) = with_ratio()
    else:
        figure = new_figure()
        top = bottom = figure.subplots()
    names = [*curve.lines, *curve.references]
    xs = _range(curve)
    laws = {q: fit_curve(meter, curve, q) if curve.extrapolate_to else {} for q in ("rejection", "gain")}
    for place, name in enumerate(curve.lines):
        colour = colour_of(name, names)
        points = numbers["lines"][name]
        _line(top, curve, place, points, lambda point: point["rejection"], colour=colour, label=name)
        _law(top, laws["rejection"].get(name), points, xs, colour)
        if has_ratio:
            gains = [point for point in points if point.get("gain")]
            _line(bottom, curve, place, gains, lambda point: _as_value(point["gain"]), colour=colour, label=None)
            _law(bottom, laws["gain"].get(name), gains, xs, colour)
    for name in curve.references:
        _reference(top, numbers["references"][name]["rejection"], xs, colour_of(name, names), name)
    if has_ratio:
        bottom.axhline(1.0, color="black", linewidth=1)
        for x, wanted in curve.aims.items():
            label = "aim" if x == min(curve.aims) else None
            bottom.plot([x], [wanted], marker="*", color="black", markersize=14, linestyle="none", label=label)
        if curve.aims:
            bottom.legend(loc="best")
        bottom.set_ylabel(f"1/FPR over\n{curve.reference}", fontsize="small", loc="center")
        low, high = bottom.get_ylim()
        bottom.set_ylim(max(low, 0.0), min(high, 10.0))
    top.set_yscale("log")
    y_label = f"1 / FPR at {100 * curve.efficiency:g} % {numbers['signal']} efficiency"
    _finish(top, bottom, curve, y_label, extrapolated=any(laws.values()))
    return figure


def draw_curve_areas(curve: CurveConfig, numbers: Mapping[str, Any]) -> Any:
    """1 - AUC against x."""
    figure = new_figure()
    axes = figure.subplots()
    names = [*curve.lines, *curve.references]
    for place, name in enumerate(curve.lines):
        _line(axes, curve, place, numbers["lines"][name], _missing_area, colour=colour_of(name, names), label=name)
    for name in curve.references:
        _reference(axes, _missing_area(numbers["references"][name]), _range(curve), colour_of(name, names), name)
    axes.set_yscale("log")
    y_label = f"1 $-$ AUC ({numbers['signal']} against {numbers['background']})"
    _finish(axes, axes, curve, y_label, extrapolated=False)
    return figure


def draw_curve_distances(meter: Meter, curve: CurveConfig, numbers: Mapping[str, Any]) -> Any:
    """Mean Wasserstein distance of the variations against x, one column a class."""
    classes = (numbers["background"], numbers["signal"])
    figure = new_figure(17, 8)
    panels = figure.subplots(1, 2, gridspec_kw={"wspace": 0.22})
    names = [*curve.lines, *curve.references]
    for axes, which in zip(panels, classes, strict=True):
        laws = fit_curve(meter, curve, f"wasserstein {which}") if curve.extrapolate_to else {}
        for place, name in enumerate(curve.lines):
            points = [point for point in numbers["lines"][name] if which in point.get("wasserstein", {})]
            _line(
                axes,
                curve,
                place,
                points,
                lambda point, which=which: _distance(point["wasserstein"][which]),
                colour=colour_of(name, names),
                label=name,
            )
            _law(axes, laws.get(name), points, _range(curve), colour_of(name, names))
        for name in curve.references:
            if which in numbers["references"][name].get("wasserstein", {}):
                row = _distance(numbers["references"][name]["wasserstein"][which])
                _reference(axes, row, _range(curve), colour_of(name, names), name)
        axes.set_ylim(bottom=0)
        _finish(axes, axes, curve, f"Mean Wasserstein distance ({which})", extrapolated=bool(laws))
    return figure


def draw_table(numbers: Mapping[str, Any]) -> Any:
    """1/FPR of every row with its errors, the reference row as a band."""
    labels = list(numbers["rows"])
    efficiencies = list(next(iter(numbers["rows"].values()))["rejection"])
    figure = new_figure(4 + 5.5 * len(efficiencies), 2.2 + 0.75 * len(labels))
    panels = np.atleast_1d(figure.subplots(1, len(efficiencies), sharey=True, gridspec_kw={"wspace": 0.06}))
    for axes, efficiency in zip(panels, efficiencies, strict=True):
        for height, label in enumerate(labels):
            row = numbers["rows"][label]["rejection"][efficiency]
            if row["value"] is None:
                continue
            is_reference = label == numbers["reference"]
            colour = "black" if is_reference else "#3f90da"
            bars, _ = interval_bars([row])
            axes.errorbar([row["value"]], [height], xerr=bars, color=colour, marker="o", capsize=3)
            dots = [value for value in row["trainings"] if value is not None]
            if len(dots) > 1:
                axes.plot(dots, [height - 0.22] * len(dots), ".", color=colour, alpha=0.5, markersize=6)
            if is_reference and None not in row["interval"]:
                axes.axvspan(*row["interval"], color="black", alpha=0.1, linewidth=0)
        low, high = axes.get_xlim()
        values = [row["rejection"][efficiency]["value"] for row in numbers["rows"].values()]
        known = [value for value in values if value is not None]
        if known and max(known) > _WIDE * min(known):
            axes.set_xscale("log")
            axes.set_xlim(min(known) / 1.5, max(high, max(known) * 1.5))
        elif known:
            axes.set_xlim(max(low, 0.0), high)
        axes.set_xlabel(f"1/FPR at {efficiency} %")
        axes.set_yticks(np.arange(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.minorticks_off()
    return figure


def _line(axes: Any, curve: CurveConfig, place: int, points: Any, number: Any, *, colour: str, label: Any) -> None:
    rows = [(point["x"], number(point)) for point in points]
    rows = [(x, row) for x, row in rows if row["value"] is not None]
    if not rows:
        return
    x = np.array([x for x, _ in rows])
    # Error bars of different lines side by side.
    x = x * 1.03**place if curve.log_x else x + 0.004 * place * (_range(curve)[-1] - _range(curve)[0])
    values = [row["value"] for _, row in rows]
    bars, open_ended = interval_bars([row for _, row in rows])
    axes.errorbar(x, values, yerr=bars, color=colour, marker="o", capsize=3, label=label)
    for position, (_, row), is_open in zip(x, rows, open_ended, strict=True):
        dots = [value for value in row.get("trainings", ()) if value is not None]
        if len(dots) > 1:
            axes.plot([position] * len(dots), dots, ".", color=colour, alpha=0.5, markersize=5)
        if is_open:
            axes.plot([position], [row["value"]], marker=6, color=colour, markersize=12)


def _law(axes: Any, law: PowerLaw | None, points: Any, xs: NDArray[np.float64], colour: str) -> None:
    if law is None:
        return
    grid = np.geomspace(min(point["x"] for point in points), xs[-1], 60)
    low, high = law.band(grid)
    axes.plot(grid, law.at(grid), color=colour, linestyle="--", linewidth=1.5)
    axes.fill_between(grid, low, high, color=colour, alpha=0.12, linewidth=0)


def _reference(axes: Any, row: Mapping[str, Any], xs: NDArray[np.float64], colour: str, name: str) -> None:
    if row["value"] is None:
        return
    axes.axhline(row["value"], color=colour, linestyle="-.", label=name)
    if None not in row["interval"]:
        axes.fill_between(xs[[0, -1]], *([end, end] for end in row["interval"]), color=colour, alpha=0.12, linewidth=0)


def _finish(axes: Any, lowest: Any, curve: CurveConfig, y_label: str, *, extrapolated: bool) -> None:
    xs = _range(curve)
    if curve.log_x:
        lowest.set_xscale("log")
    margin = 1.3 if curve.log_x else 1.0
    shift = 0.0 if curve.log_x else 0.05 * (xs[-1] - xs[0])
    lowest.set_xlim(xs[0] / margin - shift, xs[-1] * margin + shift)
    lowest.set_xlabel(curve.x_label)
    axes.set_ylabel(y_label)
    if extrapolated:
        axes.plot([], [], color="black", linestyle="--", linewidth=1.5, label="extrapolation")
    low, high = axes.get_ylim()
    if axes.get_yscale() == "log":
        axes.set_ylim(low, high * (high / low) ** 0.35)  # room for the legend
    else:
        axes.set_ylim(low, high + 0.35 * (high - low))
    handles, labels = axes.get_legend_handles_labels()
    order = [*curve.lines, *curve.references, "extrapolation"]
    entries = sorted(zip(labels, handles, strict=True), key=lambda entry: order.index(entry[0]))
    axes.legend([handle for _, handle in entries], [label for label, _ in entries], loc="upper left", ncols=2)


def _range(curve: CurveConfig) -> NDArray[np.float64]:
    xs = sorted({x for points in curve.lines.values() for x in points} | {curve.extrapolate_to or -np.inf})
    return np.array([x for x in xs if np.isfinite(x)])


def _as_value(gain: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": gain["ratio"], "interval": gain["interval"]}


def _missing_area(point: Mapping[str, Any]) -> dict[str, Any]:
    value, error = 1 - point["auc"], point["auc_error"]
    trainings = [1 - area for area in point["auc_trainings"]]
    return {"value": value, "interval": [max(value - error, 0.0), value + error], "trainings": trainings}


def _distance(row: Mapping[str, Any]) -> dict[str, Any]:
    value, error = row["wasserstein"], row["wasserstein_error"]
    return {"value": value, "interval": [value - error, value + error], "trainings": row["wasserstein_trainings"]}
