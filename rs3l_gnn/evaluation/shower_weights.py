"""Pass rates under shower weights: the same jets at a fixed working point, weighted as another shower would have them.

Numerator and denominator of a change hold the same jets, so that most of their fluctuations cancel: a few thousand jets
see changes of some per mille, where two showers of one hard event would have to be compared with the errors of both.
"""

from __future__ import annotations

import itertools
import logging
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.data import effective_number
from rs3l_gnn.evaluation.config import ClassConfig
from rs3l_gnn.evaluation.measured import Measured, compare_pairs
from rs3l_gnn.evaluation.meter import Meter, Task, Trainings, percent
from rs3l_gnn.evaluation.results import (
    Estimate,
    PairedDifference,
    RateChange,
    ShowerWeightChange,
    ShowerWeightComparison,
    ShowerWeightResults,
)

__all__ = ["ShowerWeights", "measure_shower_weights", "rate_changes_by_weight"]

_log = logging.getLogger(__name__)
_ByEfficiency: TypeAlias = dict[str, Measured | None]
_FEWEST = 0.1
"""Below this share of the events' own effective number, a few weights rule the result."""


class ShowerWeights:
    """Changes of pass rates under the shower weights of the test events.

    Args:
        meter: scores, weights, replicas.
        task: defines the working points.
    """

    def __init__(self, meter: Meter, task: Task) -> None:
        self._meter, self._task = meter, task
        self._known: dict[tuple[Trainings, str], dict[str, _ByEfficiency]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The weights that any test event has."""
        return self._meter.scored.views.shower_weight_names

    def changes(self, trainings: Trainings) -> dict[str, dict[str, ShowerWeightChange]]:
        """Changes of pass rates by class and weight, and what the weights are like."""
        return {
            which.name: {
                name: self._describe(which, name, {key: RateChange(_estimate(one)) for key, one in found.items()})
                for name, found in self._changes(trainings, which).items()
            }
            for which in self._meter.config.classes
        }

    def comparison(self, first: Trainings, second: Trainings) -> dict[str, ShowerWeightComparison]:
        """Second minus first, paired over the jets, by class."""
        out = {}
        for which in self._meter.config.classes:
            pairs = [self._changes(trainings, which) for trainings in (first, second)]
            out[which.name] = ShowerWeightComparison(
                {name: _compared(pairs[0][name], pairs[1][name]) for name in pairs[0]}
            )
        return out

    def _events(self, which: ClassConfig, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Events of a class that have a weight, and the weight [n]."""
        scored = self._meter.scored
        table = scored.views.shower_weights
        if table is None:
            return np.zeros(0, np.int64), np.zeros(0)
        relative = table[scored.nominal, self.names.index(name)].astype(np.float64)
        event = np.flatnonzero(scored.in_class(which) & np.isfinite(relative))
        return event, relative[event]

    def _describe(self, which: ClassConfig, name: str, rates: dict[str, RateChange]) -> ShowerWeightChange:
        """How far a weight spreads, beside the changes that it makes."""
        event, relative = self._events(which, name)
        own = self._meter.scored.nominal_weights[event]
        effective, before = effective_number(own * relative), effective_number(own)
        if effective < _FEWEST * before:
            _log.warning(
                "%s: the weight %s leaves %.0f of %.0f effective events; its changes hang on a few jets",
                which.name,
                name,
                effective,
                before,
            )
        mean, largest = float(np.average(relative, weights=own)), float(np.abs(relative).max())
        return ShowerWeightChange(len(event), effective, mean, largest, rates)

    def _changes(self, trainings: Trainings, which: ClassConfig) -> dict[str, _ByEfficiency]:
        """Change of the pass rate by weight, at every signal efficiency."""
        key = trainings, ",".join(which.jettypes)
        if key not in self._known:
            self._known[key] = {
                name: self._change(trainings, which, name) for name in self.names if len(self._events(which, name)[0])
            }
        return self._known[key]

    def _change(self, trainings: Trainings, which: ClassConfig, name: str) -> _ByEfficiency:
        event, relative = self._events(which, name)
        own = self._meter.scored.nominal_weights[event]
        draws = self._meter.draws(which, event)
        efficiencies = self._meter.config.efficiencies
        parts = []
        for weights in trainings:
            scores = self._meter.scored.scores[weights].nominal[event]
            cuts = np.array([self._meter.threshold(weights, self._task, efficiency) for efficiency in efficiencies])
            parts.append(rate_changes_by_weight(scores[:, None] >= cuts, own, relative, draws))
        return {
            percent(efficiency): None
            if any(np.isnan(values[place]) for values, _ in parts)
            else self._meter.measured(
                trainings, [(float(values[place]), replicas[:, place]) for values, replicas in parts]
            )
            for place, efficiency in enumerate(efficiencies)
        }


def rate_changes_by_weight(
    passed: NDArray[np.bool_], own: NDArray[np.float64], relative: NDArray[np.float64], draws: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Relative change of pass rates when jets are weighted anew.

    .. math:: \frac{\sum_i w_i r_i p_i}{\sum_i w_i r_i} \Big/ \frac{\sum_i w_i p_i}{\sum_i w_i} - 1

    Args:
        passed: which jets pass, at several working points (p) [n, n_points].
        own: generator weights (w) [n].
        relative: the new weight over the old one (r) [n].
        draws: multiplicities of the jets in each replica [n_replicas, n].

    Returns:
        Changes [n_points] and replicas [n_replicas, n_points]; NaN where a rate or a sum of weights is not positive.
    """
    columns = np.concatenate([passed, np.ones((len(passed), 1))], axis=1) * own[:, None]
    both = np.concatenate([columns, columns * relative[:, None]], axis=1)
    sums = np.stack([row @ both for row in (np.ones(len(own)), *draws)])
    old, new = np.split(sums, 2, axis=1)
    known = (old[:, :-1] > 0) & (old[:, -1:] > 0) & (new[:, -1:] > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(known, (new[:, :-1] / new[:, -1:]) / (old[:, :-1] / old[:, -1:]) - 1, np.nan)
    return change[0], change[1:]


def _estimate(number: Measured | None) -> Estimate | None:
    return None if number is None else number.estimate()


def _compared(first: _ByEfficiency, second: _ByEfficiency) -> dict[str, PairedDifference]:
    return {key: compare_pairs(one, second[key]) for key, one in first.items()}


def measure_shower_weights(meter: Meter, task: Task) -> ShowerWeightResults:
    """Changes and comparisons of all taggers; empty without any weight.

    Args:
        meter: scores, weights, replicas.
        task: defines the working points.
    """
    recipes, weights = meter.config.trainings, ShowerWeights(meter, task)
    if not weights.names:
        return ShowerWeightResults()
    return ShowerWeightResults(
        {name: weights.changes(trainings) for name, trainings in recipes.items()},
        {
            f"{second} - {first}": weights.comparison(recipes[first], recipes[second])
            for first, second in itertools.combinations(recipes, 2)
        },
    )
