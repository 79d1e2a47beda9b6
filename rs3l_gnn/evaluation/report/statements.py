"""The first lines of the report: sentences computed from the numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from rs3l_gnn.conventions.wording import bracket, plus_minus, position, rejection, sigmas, significant
from rs3l_gnn.evaluation.config import BASELINE
from rs3l_gnn.evaluation.measured import compare, gain, ratio
from rs3l_gnn.evaluation.meter import Meter, percent
from rs3l_gnn.evaluation.results import Metrics

__all__ = ["Statement", "statements"]

_OUTSIDE_ERRORS = 2.0
_SURE = 3.0


@dataclass(frozen=True)
class Statement:
    """One sentence.

    Attributes:
        text: what is so.
        holds: whether an aim is reached; None for a plain fact.
    """

    text: str
    holds: bool | None = None


def statements(meter: Meter, metrics: Metrics) -> list[Statement]:
    """All sentences: aims that are missed, aims that are reached, then plain facts."""
    found = [
        *_distance_aims(meter, metrics),
        *_response_aims(meter, metrics),
        *_curve_aims(metrics),
        *_performance(meter, metrics),
        *_gains(metrics),
        *_tables(metrics),
    ]
    return sorted(found, key=lambda statement: {False: 0, True: 1, None: 2}[statement.holds])


def _distance_aims(meter: Meter, metrics: Metrics) -> Iterator[Statement]:
    config = meter.config
    aim, reference = config.distance_aim, config.reference_tagger
    if aim is None:
        return
    task = meter.task(None, None)
    scales = ((False, "in units of the score"), (True, "on the common scale"))
    for name, (common, scale) in itertools.product(config.trainings, scales):
        if name in (BASELINE, reference):
            continue
        ratios = {
            f"{which.name} {variation.name}": ratio(
                meter.shift(config.trainings[name], task, which, variation, common=common),
                meter.shift(config.trainings[reference], task, which, variation, common=common),
            ).ratio
            for which in config.classes
            for variation in meter.variations
            if meter.has_views(config.trainings[name], which, variation)
        }
        known = {case: value for case, value in ratios.items() if value is not None}
        if not known:
            continue
        reached = [case for case, value in known.items() if value <= aim]
        best, worst = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
        seen = [
            variation
            for shifts in metrics.robustness[reference].values()
            for variation, shift in shifts.items()
            if shift.on(common=common).value > shift.null(common=common)[1]
        ]
        holds = len(reached) == len(ratios)
        yield Statement(
            f"Aim: Wasserstein distance of {name}, {scale}, at most {aim:g} of that of {reference} in every class and "
            f"variation. {'Reached' if holds else 'Not reached'}: so in {len(reached)} of {len(ratios)} (ratios from "
            f"{significant(known[best])}, {best}, to {significant(known[worst])}, {worst}). {len(seen)} of the "
            f"{len(ratios)} distances of {reference} exceed what statistics alone makes (95 %).",
            holds,
        )


def _response_aims(meter: Meter, metrics: Metrics) -> Iterator[Statement]:
    """One sentence a tagger, on the responses to scales of background and signal."""
    config, results = meter.config, metrics.responses
    aim = None if config.responses is None else config.responses.aim
    reference = config.reference_tagger
    for name in config.taggers if aim is not None else ():
        if name == reference:
            continue
        found = results.response_comparisons.get(f"{name} - {reference}", {})
        shown = {
            f"{which} {results.response_estimators[estimator].words} at {efficiency} %": cell
            for which in (config.background.name, config.signal.name)
            for estimator, cells in found.get(which, {}).items()
            if results.response_estimators[estimator].kind != "generator"
            for efficiency, cell in cells.items()
            if cell.below_aim is not None
        }
        if not shown:
            continue
        sure = [case for case, cell in shown.items() if (cell.below_aim or 0.0) >= _SURE]
        holds = len(sure) == len(shown)
        listing = f": {'; '.join(sure)}" if sure and not holds else ""
        yield Statement(
            f"Aim: responses of {name} to the scales of the shower below {aim:g} times those of {reference}, by "
            f"{_SURE:g} σ or more. {'Reached' if holds else 'Not reached'}: so in {len(sure)} of {len(shown)}"
            f"{listing}.",
            holds,
        )


def _curve_aims(metrics: Metrics) -> Iterator[Statement]:
    for name, curve in metrics.curves.items():
        for aim in curve.aims:
            for line, result in aim.lines.items():
                text = (
                    f"Aim ({name}): 1/FPR at {percent(curve.efficiency)} % of {line} at least {aim.aim:g} times "
                    f"that of {curve.reference} at {curve.x_label} = {position(aim.x)}. "
                    f"{'Reached' if result.reached else 'Not reached'}: "
                    f"{bracket(result.ratio, result.interval)}."
                )
                if (at := result.extrapolation) is not None:
                    text += (
                        " A power law through the points does not rise to it."
                        if at.x is None
                        else f" Extrapolation by a power law: reached at {bracket(at.x, at.interval)}."
                    )
                yield Statement(text, result.reached)


def _performance(meter: Meter, metrics: Metrics) -> Iterator[Statement]:
    config = meter.config
    reference, efficiency = config.reference_tagger, config.efficiencies[0]
    task = meter.task(None, None)
    for name, trainings in config.trainings.items():
        numbers = metrics.tagging[name]
        found = numbers.rejection[percent(efficiency)].inverse
        text = (
            f"{name}: AUC {plus_minus(numbers.auc.value, numbers.auc.error)}, 1/FPR at {percent(efficiency)} % "
            f"{config.signal.name} efficiency {rejection(found.value, found.interval)}"
        )
        if name != BASELINE:
            n = numbers.n_trainings
            text += f" ({n} trainings)" if n > 1 else " (one training: spread unknown)"
        if name not in (BASELINE, reference):
            base = config.trainings[reference]
            area = compare(meter.area(base, task), meter.area(trainings, task))
            gained = gain(*(meter.rate(recipe, task, efficiency) for recipe in (base, trainings)))
            verdict = "equal within errors"
            if area.significance is not None and abs(area.significance) > 1:
                verdict = "higher" if area.significance > 0 else "lower"
            text += (
                f"; against {reference}: AUC {area.difference:+.5f} ± {area.error or 0:.5f} ({verdict}), "
                f"1/FPR {bracket(gained.ratio, gained.interval)} times ({sigmas(gained.significance)})"
            )
        yield Statement(f"{text}.")


def _gains(metrics: Metrics) -> Iterator[Statement]:
    for name, curve in metrics.curves.items():
        for line, points in curve.lines.items():
            gains = [
                f"{bracket(point.gain.ratio, point.gain.interval)} at {position(point.x)}"
                for point in points
                if point.gain is not None and point.gain.ratio is not None
            ]
            if gains:
                yield Statement(
                    f"{name}: 1/FPR at {percent(curve.efficiency)} % of {line} over {curve.reference}, by "
                    f"{curve.x_label}: {'; '.join(gains)}."
                )


def _tables(metrics: Metrics) -> Iterator[Statement]:
    for name, result in metrics.tables.items():
        outside = []
        for label, difference in result.differences.items():
            efficiency, found = next(iter(difference.rejection.items()))
            if found.significance is not None and abs(found.significance) >= _OUTSIDE_ERRORS:
                outside.append(
                    f"{label} ({bracket(found.ratio, found.interval)} times the 1/FPR at {efficiency} %, "
                    f"{sigmas(found.significance)})"
                )
        listing = "; ".join(outside) if outside else "no row"
        yield Statement(f"{name}: different from {result.reference} by {_OUTSIDE_ERRORS:g} σ or more: {listing}.")
