"""Curves: performance against the number of labels, of pre-training events, or anything else with a value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rs3l_gnn.evaluation.config import CurveConfig
from rs3l_gnn.evaluation.laws import PowerLaw, fit_power_law
from rs3l_gnn.evaluation.measured import Measured, compare, ratio
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
        for quantity in ("rejection", "gain", "wasserstein"):
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
        quantity: ``rejection``, ``gain``, or ``wasserstein`` (mean over both classes and the variations).
    """
    task = meter.task(curve.signal, curve.background)
    laws = {}
    for name, points in curve.lines.items():
        values, replicas, xs = [], [], []
        for x in sorted(points):
            below = _base(meter, curve, task, quantity, points[x])
            above = reference_at(curve, name, x)
            if below is None or (quantity == "gain" and above is None):
                continue
            top = meter.rate(above, task, curve.efficiency) if quantity == "gain" and above is not None else None
            xs.append(x)
            values.append(_value(quantity, below, top))
            replicas.append(_drawn(quantity, below, top))
        law = fit_power_law(xs, values, replicas)
        if law is not None:
            laws[name] = law
    return laws


def _base(meter: Meter, curve: CurveConfig, task: Task, quantity: str, trainings: Trainings) -> Measured | None:
    """What a quantity is computed from: the false positive rate or the distance."""
    if quantity != "wasserstein":
        return meter.rate(trainings, task, curve.efficiency)
    parts = [meter.mean_shift(trainings, task, which, common=False) for which in (task.background, task.signal)]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return Measured(
        np.mean([part.values for part in known], axis=0),
        np.mean([part.replicas for part in known], axis=0),
        known[0].noise,
        known[0].trained,
    )


def _value(quantity: str, below: Measured, above: Measured | None) -> float | None:
    if quantity == "wasserstein":
        return below.value
    top = 1.0 if above is None else above.value
    return top / below.value if below.value > 0 else None


def _drawn(quantity: str, below: Measured, above: Measured | None) -> Any:
    if quantity == "wasserstein":
        return below.drawn
    top = 1.0 if above is None else above.drawn
    # A replica without a background jet gives zero here, which the fit takes for what it is: not usable.
    return top / below.drawn if (below.drawn > 0).all() else below.drawn * 0.0


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
