"""Numbers of an evaluation: ROC and rejection with errors, distances and rates of every variation, linear probes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from rs3l_gnn.conventions import Variation
from rs3l_gnn.data import effective_number
from rs3l_gnn.evaluation.config import ClassConfig
from rs3l_gnn.evaluation.curves import measure_curve
from rs3l_gnn.evaluation.latent import latent_numbers
from rs3l_gnn.evaluation.measured import compare, comparison_numbers, ratio
from rs3l_gnn.evaluation.meter import ROC_GRID, Meter, Task, percent
from rs3l_gnn.evaluation.shower_weights import shower_weight_documents
from rs3l_gnn.evaluation.tables import measure_table
from rs3l_gnn.training.monitors import linear_probe_auc

__all__ = ["measure", "tagging_document"]

Trainings = tuple[str, ...]


def measure(meter: Meter) -> dict[str, Any]:
    """Every number of an evaluation, as a JSON-ready document without the provenance.

    Keys: ``events`` and ``weights`` by class; ``remarks`` on views of another kind than was trained on; ``views``
    (files joined); ``tagging`` by tagger (``auc``, ``rejection`` by signal efficiency); ``roc`` by tagger;
    ``gains`` by pair of taggers ("b / a"); ``robustness`` by tagger, class and variation (``wasserstein`` of the
    score, the same on the scale of :func:`~rs3l_gnn.evaluation.robustness.quantile_scores`); ``comparisons`` by
    pair of taggers ("b - a"), class and variation; ``rate_changes`` by tagger, class, variation and signal
    efficiency, at the thresholds of the nominal signal; ``rate_change_comparisons`` by pair of taggers;
    ``shower_weights``, ``responses`` and ``shower_weight_comparisons``, see
    :mod:`~rs3l_gnn.evaluation.shower_weights`; ``curves``; ``tables``; ``probes``; ``latent``.

    Raises:
        InvalidDataError: the signal or the background has no test event.
        UnknownVariationError: a wanted variation does not occur.
    """
    config, events = meter.config, meter.scored.events
    task = meter.task(None, None)
    recipes = config.trainings
    return {
        "events": meter.counts(),
        "weights": {which.name: _weight_numbers(meter, which) for which in config.classes},
        "remarks": list(meter.scored.remarks),
        "views": {"joined": events.joined, "repeated": events.repeated, "same_number": events.same_number},
        "tagging": {
            name: tagging_document(meter, trainings, task, config.efficiencies) for name, trainings in recipes.items()
        },
        "roc": {name: _roc(meter, trainings, task) for name, trainings in recipes.items()},
        "gains": {
            f"{second} / {first}": _gain(meter, recipes[first], recipes[second], task)
            for first, second in itertools.combinations(recipes, 2)
        },
        "robustness": {name: _robustness(meter, trainings, task) for name, trainings in recipes.items()},
        "comparisons": {
            f"{second} - {first}": _comparison(meter, recipes[first], recipes[second], task)
            for first, second in itertools.combinations(config.taggers, 2)
        },
        "rate_changes": {name: _rate_changes(meter, trainings, task) for name, trainings in recipes.items()},
        "rate_change_comparisons": {
            f"{second} - {first}": _rate_comparison(meter, recipes[first], recipes[second], task)
            for first, second in itertools.combinations(recipes, 2)
        },
        **shower_weight_documents(meter, task),
        "curves": {name: measure_curve(meter, curve) for name, curve in config.curves.items()},
        "tables": {name: measure_table(meter, table) for name, table in config.tables.items()},
        "probes": _probes(meter),
        "latent": latent_numbers(meter.scored),
    }


def _weight_numbers(meter: Meter, which: ClassConfig) -> dict[str, float]:
    """How far weights reduce a class, and what share of its jets has a negative one."""
    weights = meter.weights(which)
    return {
        "effective_events": effective_number(weights),
        "negative_share": float((weights < 0).mean()) if len(weights) else 0.0,
    }


def tagging_document(meter: Meter, trainings: Trainings, task: Task, efficiencies: tuple[float, ...]) -> dict[str, Any]:
    """Area and rejections of a recipe."""
    rejection = {}
    for efficiency in efficiencies:
        rate = meter.rate(trainings, task, efficiency)
        rejection[percent(efficiency)] = {
            **rate.inverse_document(),
            **rate.document("background_efficiency"),
            "background_jets": round(meter.background_jets(trainings, task, efficiency), 2),
        }
    return {
        "n_trainings": len(trainings),
        **meter.area(trainings, task).document("auc"),
        "rejection": rejection,
    }


def _roc(meter: Meter, trainings: Trainings, task: Task) -> dict[str, Any]:
    """The curve with the spread of the trainings and the 68 % interval of the mean over events and seeds."""
    points = [meter.rate(trainings, task, efficiency) for efficiency in ROC_GRID]
    intervals = [np.quantile(point.drawn, [0.16, 0.84]).clip(min=0).tolist() for point in points]
    return {
        "signal_efficiency": list(ROC_GRID),
        "background_efficiency": [point.value for point in points],
        "spread": [point.spread for point in points],
        "interval_low": [low for low, _ in intervals],
        "interval_high": [high for _, high in intervals],
    }


def _gain(meter: Meter, first: Trainings, second: Trainings, task: Task) -> dict[str, Any]:
    """Difference of the areas, and ratios of 1/FPR (second over first) with the significance of a difference of FPR."""
    rejection = {}
    for efficiency in meter.config.efficiencies:
        below, above = (meter.rate(trainings, task, efficiency) for trainings in (second, first))
        rejection[percent(efficiency)] = {
            **ratio(above, below),
            "significance": compare(below, above).significance,
        }
    return {
        "auc": compare(meter.area(first, task), meter.area(second, task)).document(),
        "rejection": rejection,
    }


def _shifted(meter: Meter, *recipes: Trainings) -> Iterator[tuple[ClassConfig, Variation]]:
    for which, variation in itertools.product(meter.config.classes, meter.variations):
        if all(meter.has_views(trainings, which, variation) for trainings in recipes):
            yield which, variation


def _robustness(meter: Meter, trainings: Trainings, task: Task) -> dict[str, Any]:
    out: dict[str, Any] = {which.name: {} for which in meter.config.classes}
    for which, variation in _shifted(meter, trainings):
        numbers: dict[str, Any] = {}
        for scale, name in ((False, "wasserstein"), (True, "wasserstein_common")):
            numbers.update(meter.shift(trainings, task, which, variation, common=scale).document(name))
            null = meter.null_shift(trainings, task, which, variation, common=scale)
            numbers[f"{name}_null"] = float(null.mean())
            numbers[f"{name}_null_95"] = float(np.quantile(null, 0.95))
        out[which.name][variation.name] = {**numbers, "events": meter.n_pairs(which, variation)}
    return out


def _comparison(meter: Meter, first: Trainings, second: Trainings, task: Task) -> dict[str, Any]:
    """Distance of the second recipe minus that of the first, and their ratio; negative where the second moves less."""
    out: dict[str, Any] = {which.name: {} for which in meter.config.classes}
    for which, variation in _shifted(meter, first, second):
        numbers: dict[str, Any] = {}
        for scale, suffix in ((False, ""), (True, "_common")):
            a, b = (meter.shift(trainings, task, which, variation, common=scale) for trainings in (first, second))
            both = {**compare(a, b).document(), **ratio(b, a, centred=True)}
            numbers.update({f"{key}{suffix}": value for key, value in both.items()})
        out[which.name][variation.name] = numbers
    return out


def _rate_changes(meter: Meter, trainings: Trainings, task: Task) -> dict[str, Any]:
    out: dict[str, Any] = {which.name: {} for which in meter.config.classes}
    for which, variation in _shifted(meter, trainings):
        by_efficiency: dict[str, Any] = {}
        for efficiency in meter.config.efficiencies:
            change = meter.rate_change(trainings, task, which, variation, efficiency)
            by_efficiency[percent(efficiency)] = (
                {"change": None, "change_error": None} if change is None else change.document("change")
            )
        out[which.name][variation.name] = by_efficiency
    return out


def _rate_comparison(meter: Meter, first: Trainings, second: Trainings, task: Task) -> dict[str, Any]:
    """Change of the rate of the second recipe minus that of the first, with the error of paired events."""
    out: dict[str, Any] = {which.name: {} for which in meter.config.classes}
    for which, variation in _shifted(meter, first, second):
        out[which.name][variation.name] = {
            percent(efficiency): comparison_numbers(
                *(meter.rate_change(trainings, task, which, variation, efficiency) for trainings in (first, second))
            )
            for efficiency in meter.config.efficiencies
        }
    return out


def _probes(meter: Meter) -> dict[str, dict[str, float | None]]:
    """Linear separation of each class from the background, in the directions of each encoder."""
    config, scored = meter.config, meter.scored
    background = scored.in_class(config.background)
    return {
        name: {
            which.name: linear_probe_auc(
                embedding,
                np.where(scored.in_class(which), 1, np.where(background, 0, -1)),
                weights=scored.nominal_weights,
            )
            for which in (config.signal, *config.others)
        }
        for name, embedding in scored.embeddings.items()
    }
