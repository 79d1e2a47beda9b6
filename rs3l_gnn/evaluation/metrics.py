"""Numbers of an evaluation: ROC and rejection with errors, distances and rates of every variation, linear probes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

from rs3l_gnn.conventions import Variation
from rs3l_gnn.data import effective_number
from rs3l_gnn.evaluation.config import ClassConfig
from rs3l_gnn.evaluation.curves import measure_curve
from rs3l_gnn.evaluation.latent import measure_latent
from rs3l_gnn.evaluation.measured import compare, compare_distances, compare_pairs, gain
from rs3l_gnn.evaluation.meter import ROC_GRID, Meter, Task, Trainings, percent
from rs3l_gnn.evaluation.responses.measure import measure_responses
from rs3l_gnn.evaluation.results import (
    ClassWeights,
    DistanceChanges,
    Metrics,
    PairedDifference,
    RateChange,
    RocCurve,
    Tagging,
    TaggingGain,
    VariedDistances,
    ViewCounts,
)
from rs3l_gnn.evaluation.sculpting import measure_sculpting
from rs3l_gnn.evaluation.shower_weights import measure_shower_weights
from rs3l_gnn.evaluation.tables import measure_table
from rs3l_gnn.training.monitors import linear_probe_auc

__all__ = ["measure"]

_Found = TypeVar("_Found")


def measure(meter: Meter) -> Metrics:
    """Every number of an evaluation.

    Raises:
        InvalidDataError: the signal or the background has no test event.
        UnknownVariationError: a wanted variation does not occur.
    """
    config, events = meter.config, meter.scored.events
    task = meter.task(None, None)
    recipes = config.trainings
    pairs = list(itertools.combinations(recipes, 2))
    return Metrics(
        events=meter.counts(),
        weights={which.name: _weights(meter, which) for which in config.classes},
        remarks=meter.scored.remarks,
        views=ViewCounts(events.joined, events.repeated, events.same_number),
        tagging={name: _tagging(meter, trainings, task) for name, trainings in recipes.items()},
        roc={name: _roc(meter, trainings, task) for name, trainings in recipes.items()},
        gains={f"{second} / {first}": _gain(meter, recipes[first], recipes[second], task) for first, second in pairs},
        robustness={name: _robustness(meter, trainings, task) for name, trainings in recipes.items()},
        comparisons={
            f"{second} - {first}": _comparison(meter, recipes[first], recipes[second], task)
            for first, second in itertools.combinations(config.taggers, 2)
        },
        rate_changes={name: _rate_changes(meter, trainings, task) for name, trainings in recipes.items()},
        rate_change_comparisons={
            f"{second} - {first}": _rate_comparison(meter, recipes[first], recipes[second], task)
            for first, second in pairs
        },
        showers=measure_shower_weights(meter, task),
        responses=measure_responses(meter, task),
        sculpting=measure_sculpting(meter, task),
        curves={name: measure_curve(meter, curve) for name, curve in config.curves.items()},
        tables={name: measure_table(meter, table) for name, table in config.tables.items()},
        probes=_probes(meter),
        latent=measure_latent(meter.scored),
    )


def _weights(meter: Meter, which: ClassConfig) -> ClassWeights:
    weights = meter.weights(which)
    return ClassWeights(effective_number(weights), float((weights < 0).mean()) if len(weights) else 0.0)


def _tagging(meter: Meter, trainings: Trainings, task: Task) -> Tagging:
    rejections = {
        percent(efficiency): meter.rejection(trainings, task, efficiency, count=True)
        for efficiency in meter.config.efficiencies
    }
    return Tagging(len(trainings), meter.area(trainings, task).estimate(), rejections)


def _roc(meter: Meter, trainings: Trainings, task: Task) -> RocCurve:
    points = [meter.rate(trainings, task, efficiency) for efficiency in ROC_GRID]
    intervals = [np.quantile(point.drawn, [0.16, 0.84]).clip(min=0).tolist() for point in points]
    return RocCurve(
        signal_efficiency=ROC_GRID,
        background_efficiency=tuple(point.value for point in points),
        spread=tuple(point.spread for point in points),
        interval_low=tuple(low for low, _ in intervals),
        interval_high=tuple(high for _, high in intervals),
    )


def _gain(meter: Meter, first: Trainings, second: Trainings, task: Task) -> TaggingGain:
    return TaggingGain(
        compare(meter.area(first, task), meter.area(second, task)),
        {
            percent(efficiency): gain(*(meter.rate(trainings, task, efficiency) for trainings in (first, second)))
            for efficiency in meter.config.efficiencies
        },
    )


def _each(
    meter: Meter, recipes: tuple[Trainings, ...], found: Callable[[ClassConfig, Variation], _Found]
) -> dict[str, dict[str, _Found]]:
    """Something by class and variation, where all recipes were scored."""
    return {
        which.name: {
            variation.name: found(which, variation)
            for variation in meter.variations
            if all(meter.has_views(trainings, which, variation) for trainings in recipes)
        }
        for which in meter.config.classes
    }


def _robustness(meter: Meter, trainings: Trainings, task: Task) -> Mapping[str, Mapping[str, VariedDistances]]:
    def one(which: ClassConfig, variation: Variation) -> VariedDistances:
        plain, common = (
            meter.shift(trainings, task, which, variation, common=scale).estimate() for scale in (False, True)
        )
        null, null_common = (
            meter.null_shift(trainings, task, which, variation, common=scale) for scale in (False, True)
        )
        return VariedDistances(
            plain,
            common,
            wasserstein_null=float(null.mean()),
            wasserstein_null_95=float(np.quantile(null, 0.95)),
            wasserstein_common_null=float(null_common.mean()),
            wasserstein_common_null_95=float(np.quantile(null_common, 0.95)),
            events=meter.n_pairs(which, variation),
        )

    return _each(meter, (trainings,), one)


def _comparison(
    meter: Meter, first: Trainings, second: Trainings, task: Task
) -> Mapping[str, Mapping[str, DistanceChanges]]:
    def one(which: ClassConfig, variation: Variation) -> DistanceChanges:
        plain, common = (
            compare_distances(
                *(meter.shift(trainings, task, which, variation, common=scale) for trainings in (first, second))
            )
            for scale in (False, True)
        )
        return DistanceChanges(plain, common)

    return _each(meter, (first, second), one)


def _rate_changes(
    meter: Meter, trainings: Trainings, task: Task
) -> Mapping[str, Mapping[str, Mapping[str, RateChange]]]:
    def one(which: ClassConfig, variation: Variation) -> dict[str, RateChange]:
        changes = {
            percent(efficiency): meter.rate_change(trainings, task, which, variation, efficiency)
            for efficiency in meter.config.efficiencies
        }
        return {key: RateChange(None if change is None else change.estimate()) for key, change in changes.items()}

    return _each(meter, (trainings,), one)


def _rate_comparison(
    meter: Meter, first: Trainings, second: Trainings, task: Task
) -> Mapping[str, Mapping[str, Mapping[str, PairedDifference]]]:
    def one(which: ClassConfig, variation: Variation) -> dict[str, PairedDifference]:
        return {
            percent(efficiency): compare_pairs(
                *(meter.rate_change(trainings, task, which, variation, efficiency) for trainings in (first, second))
            )
            for efficiency in meter.config.efficiencies
        }

    return _each(meter, (first, second), one)


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
