"""Curves: performance against the number of labels, of pre-training events, or anything else with a value."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.evaluation.config import CurveConfig
from rs3l_gnn.evaluation.laws import PowerLaw, fit_power_law
from rs3l_gnn.evaluation.measured import compare, gain
from rs3l_gnn.evaluation.meter import Meter, Task, Trainings
from rs3l_gnn.evaluation.results import Aim, AimedLine, CurveResult, Point, PowerLawPrediction

__all__ = ["fit_curve", "measure_curve"]


def measure_curve(meter: Meter, curve: CurveConfig) -> CurveResult:
    """Numbers of every point of a curve, power laws through them, and what came of the aims.

    Raises:
        InvalidDataError: a class without test events.
    """
    task = meter.task(curve.signal, curve.background)
    lines = {
        name: tuple(_point(meter, curve, task, points[x], reference_at(curve, name, x), x=x) for x in sorted(points))
        for name, points in curve.lines.items()
    }
    extrapolations: dict[str, dict[str, PowerLawPrediction]] = {}
    if curve.extrapolate_to is not None:
        for quantity in (
            "rejection",
            "gain",
            *(f"wasserstein {which.name}" for which in (task.background, task.signal)),
        ):
            laws = fit_curve(meter, curve, quantity)
            if laws:
                extrapolations[quantity] = {name: law.prediction(curve.extrapolate_to) for name, law in laws.items()}
    return CurveResult(
        x_label=curve.x_label,
        efficiency=curve.efficiency,
        signal=task.signal.name,
        background=task.background.name,
        reference=curve.reference,
        lines=lines,
        references={
            name: _point(meter, curve, task, trainings, reference_at(curve, name, None))
            for name, trainings in curve.references.items()
        },
        extrapolations=extrapolations,
        aims=tuple(_aim(meter, curve, x, wanted, lines) for x, wanted in sorted(curve.aims.items())),
    )


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


def _point(  # one point, all of it needed
    meter: Meter,
    curve: CurveConfig,
    task: Task,
    trainings: Trainings,
    reference: Trainings | None,
    *,
    x: float | None = None,
) -> Point:
    distances = meter.mean_distances(trainings, task) if curve.variations else {}
    gained = None
    if reference is not None:
        rates = [meter.rate(recipe, task, curve.efficiency) for recipe in (reference, trainings)]
        gained = gain(*rates, auc=compare(meter.area(reference, task), meter.area(trainings, task)))
    return Point(
        n_trainings=len(trainings),
        sources=trainings,
        rejection=meter.rejection(trainings, task, curve.efficiency),
        auc=meter.area(trainings, task).estimate(),
        x=x,
        wasserstein=distances or None,
        gain=gained,
    )


def _aim(meter: Meter, curve: CurveConfig, x: float, wanted: float, lines: Mapping[str, tuple[Point, ...]]) -> Aim:
    """What came of an aim, for every line with a gain at that x; if missed, where a power law would reach it."""
    results = {}
    laws = fit_curve(meter, curve, "gain") if curve.extrapolate_to is not None else {}
    for name, points in lines.items():
        found = next((point.gain for point in points if point.x is not None and math.isclose(point.x, x)), None)
        if found is None or found.ratio is None:
            continue
        reached = found.ratio >= wanted
        crossing = laws[name].crossing(wanted) if not reached and name in laws else None
        results[name] = AimedLine(found.ratio, found.interval, reached, crossing)
    return Aim(x, wanted, results)
