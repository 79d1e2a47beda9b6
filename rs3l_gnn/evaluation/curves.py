"""Curves: performance against the number of labels, of pre-training events, or anything else with a value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.evaluation.config import CurveConfig
from rs3l_gnn.evaluation.laws import PowerLaw, fit_power_law
from rs3l_gnn.evaluation.measured import compare, ratio
from rs3l_gnn.evaluation.meter import Meter, Task

__all__ = ["fit_curve", "measure_curve"]

Trainings = tuple[str, ...]


def measure_curve(meter: Meter, curve: CurveConfig) -> dict[str, Any]:
    """Numbers of every point of a curve, for JSON.

    Keys: ``lines`` and ``references`` hold points, each with ``rejection`` (1/FPR), ``auc``, ``wasserstein`` by class
    where variations were scored, and ``gain`` (ratio of 1/FPR to the reference); ``extrapolations`` by quantity and
    line; ``aims``.

    Raises:
        InvalidDataError: a class without test events.
    """
    task = meter.task(curve.signal, curve.background)
    lines = {
        name: [{"x": x, **_point(meter, curve, task, points[x], reference_at(curve, name, x))} for x in sorted(points)]
        for name, points in curve.lines.items()
    }
    references = {
        name: _point(meter, curve, task, trainings, reference_at(curve, name, None))
        for name, trainings in curve.references.items()
    }
    extrapolations: dict[str, dict[str, Any]] = {}
    if curve.extrapolate_to is not None:
        for quantity in (
            "rejection",
            "gain",
            *(f"wasserstein {which.name}" for which in (task.background, task.signal)),
        ):
            laws = fit_curve(meter, curve, quantity)
            if laws:
                extrapolations[quantity] = {name: law.document(curve.extrapolate_to) for name, law in laws.items()}
    return {
        "x_label": curve.x_label,
        "efficiency": curve.efficiency,
        "signal": task.signal.name,
        "background": task.background.name,
        "reference": curve.reference,
        "lines": lines,
        "references": references,
        "extrapolations": extrapolations,
        "aims": [_aim(meter, curve, x, wanted, lines) for x, wanted in sorted(curve.aims.items())],
    }


def reference_at(curve: CurveConfig, name: str, x: float | None) -> Trainings | None:
    """Trainings that a line (or reference, x None) is divided by at some x; None if there are none, or by itself."""
    if curve.reference is None or name == curve.reference:
        return None
    if curve.reference in curve.references:
        return curve.references[curve.reference]
    return None if x is None else curve.lines[curve.reference].get(x)


def fit_curve(meter: Meter, curve: CurveConfig, quantity: str) -> dict[str, PowerLaw]:
    """Power laws through the lines.

    Args:
        meter: the scores.
        curve: the points.
        quantity: ``rejection``, ``gain``, or ``wasserstein <class>`` (mean over the variations but seed).
    """
    task = meter.task(curve.signal, curve.background)
    laws = {}
    for name, points in curve.lines.items():
        found = [
            (x, *numbers)
            for x in sorted(points)
            if (numbers := _fitted(meter, curve, task, quantity, points[x], reference_at(curve, name, x))) is not None
        ]
        law = fit_power_law([x for x, _, _ in found], [y for _, y, _ in found], [drawn for _, _, drawn in found])
        if law is not None:
            laws[name] = law
    return laws


def _fitted(  # noqa: PLR0917  # one point, all of it needed
    meter: Meter, curve: CurveConfig, task: Task, quantity: str, trainings: Trainings, reference: Trainings | None
) -> tuple[float, NDArray[np.float64]] | None:
    """Value and replicas of one quantity at one point."""
    kind, _, which = quantity.partition(" ")
    if kind == "wasserstein":
        found = {task.signal.name: task.signal, task.background.name: task.background}[which]
        mean = meter.mean_shift(trainings, task, found, common=False)
        # Replicas of a distance are larger than the distance, see measured.ratio.
        return (
            None if mean is None else (mean.value, mean.drawn * mean.value / max(float(np.median(mean.drawn)), 1e-300))
        )
    rate = meter.rate(trainings, task, curve.efficiency)
    if rate.value <= 0 or (kind == "gain" and reference is None):
        return None
    above = None if reference is None or kind == "rejection" else meter.rate(reference, task, curve.efficiency)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = (1.0 if above is None else above.drawn) / rate.drawn
    return (1.0 if above is None else above.value) / rate.value, np.asarray(drawn)


def _point(
    meter: Meter, curve: CurveConfig, task: Task, trainings: Trainings, reference: Trainings | None
) -> dict[str, Any]:
    rate = meter.rate(trainings, task, curve.efficiency)
    point: dict[str, Any] = {
        "n_trainings": len(trainings),
        "sources": list(trainings),
        "rejection": {**rate.inverse_document(), **rate.document("background_efficiency")},
        **meter.area(trainings, task).document("auc"),
    }
    distances = {}
    for which in (task.background, task.signal):
        plain, common = (meter.mean_shift(trainings, task, which, common=scale) for scale in (False, True))
        if plain is not None and common is not None:
            distances[which.name] = {**plain.document("wasserstein"), **common.document("wasserstein_common")}
    if curve.variations and distances:
        point["wasserstein"] = distances
    if reference is not None:
        above = meter.rate(reference, task, curve.efficiency)
        point["gain"] = {
            **ratio(above, rate),
            "significance": compare(rate, above).significance,
            "auc": compare(meter.area(reference, task), meter.area(trainings, task)).document(),
        }
    return point


def _aim(meter: Meter, curve: CurveConfig, x: float, wanted: float, lines: dict[str, Any]) -> dict[str, Any]:
    """What came of an aim, for every line with a gain at that x; if missed, where a power law would reach it."""
    results: dict[str, Any] = {}
    laws = fit_curve(meter, curve, "gain") if curve.extrapolate_to is not None else {}
    for name, points in lines.items():
        gain = next((point.get("gain") for point in points if math.isclose(point["x"], x)), None)
        if gain is None or gain["ratio"] is None:
            continue
        reached = gain["ratio"] >= wanted
        results[name] = {"ratio": gain["ratio"], "interval": gain["interval"], "reached": reached}
        if not reached and name in laws:
            at, low, high = laws[name].crossing(wanted)
            results[name]["extrapolation"] = {"x": at, "interval": [low, high]}
    return {"x": x, "aim": wanted, "lines": results}
