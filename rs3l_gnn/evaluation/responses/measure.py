"""Responses of all taggers, with errors over events and trainings, and the differences of each pair of taggers.

Every side of every response is counted in the same replicas of the events for all taggers: what two taggers share in
their fluctuations cancels in their difference.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.evaluation.config import ClassConfig
from rs3l_gnn.evaluation.measured import Measured, below, compare_pairs, fieller
from rs3l_gnn.evaluation.meter import Meter, Task, Trainings, percent
from rs3l_gnn.evaluation.responses.binned import BinnedResponses
from rs3l_gnn.evaluation.responses.config import ResponseConfig
from rs3l_gnn.evaluation.responses.estimators import find_estimators
from rs3l_gnn.evaluation.responses.rates import log_rates, pull_of_events
from rs3l_gnn.evaluation.responses.results import (
    Estimator,
    PairStatistics,
    Response,
    ResponseComparison,
    ResponseResults,
)
from rs3l_gnn.evaluation.responses.sides import Side, scored_trainings, sides_of

__all__ = ["Responses", "measure_responses"]

_Cell = TypeVar("_Cell")


@dataclass(frozen=True)
class _Found:
    """A response of one training at each working point: values [n], replicas [n_replicas, n], statistics."""

    values: NDArray[np.float64]
    replicas: NDArray[np.float64]
    pairs: tuple[PairStatistics | None, ...]


class Responses:
    """Responses of the taggers of an evaluation.

    Args:
        meter: scores, weights, replicas.
        task: defines the working points.
        config: which responses, at which working points.
    """

    def __init__(self, meter: Meter, task: Task, config: ResponseConfig) -> None:
        self._meter, self._task, self._config = meter, task, config
        self._known: dict[tuple[str, str], dict[str, _Found]] = {}

    @cached_property
    def estimators(self) -> tuple[Estimator, ...]:
        """Those that some class can be measured with.

        Raises:
            UnknownVariationError: a generator of the configuration does not occur.
        ConfigError: an unpaired one has the name of a variation.
        """
        views = self._meter.scored.views
        names = views.shower_weight_names if views.shower_weights is not None else ()
        return find_estimators(
            self._meter.variations, names, generators=self._config.generators, unpaired=tuple(self._config.unpaired)
        )

    @property
    def efficiencies(self) -> tuple[float, ...]:
        """Signal efficiencies of the working points."""
        return self._config.efficiencies or self._meter.config.efficiencies

    def of(self, trainings: Trainings, which: ClassConfig, estimator: Estimator) -> dict[str, Measured | None]:
        """Response by signal efficiency in per cent; empty where the class or a training lacks the views."""
        found = self._found(which, estimator)
        parts = [found[weights] for weights in trainings if weights in found]
        if len(parts) < len(trainings):
            return {}
        return {
            percent(efficiency): None
            if any(np.isnan(part.values[place]) for part in parts)
            else self._meter.measured(
                trainings,
                [(float(part.values[place]), part.replicas[:, place]) for part in parts],
                seeds_alone=True,
            )
            for place, efficiency in enumerate(self.efficiencies)
        }

    def document(self, trainings: Trainings, which: ClassConfig, estimator: Estimator) -> dict[str, Response]:
        """The numbers to report by signal efficiency."""
        found = self._found(which, estimator)
        return {
            key: Response(
                None if number is None else number.estimate(),
                _mean_statistics([found[weights].pairs[place] for weights in trainings]),
            )
            for place, (key, number) in enumerate(self.of(trainings, which, estimator).items())
        }

    def compared(
        self, first: Trainings, second: Trainings, which: ClassConfig, estimator: Estimator
    ) -> dict[str, ResponseComparison]:
        """Second against first by signal efficiency."""
        others = self.of(second, which, estimator)
        return {
            key: _comparison(one, others[key], self._config.aim)
            for key, one in self.of(first, which, estimator).items()
            if key in others
        }

    def _found(self, which: ClassConfig, estimator: Estimator) -> dict[str, _Found]:
        """Response of each training that was scored in the views of both sides."""
        key = ",".join(which.jettypes), estimator.name
        if key not in self._known:
            sides = sides_of(self._meter, which, estimator)
            self._known[key] = {} if sides is None else self._measure(sides, estimator)
        return self._known[key]

    def _measure(self, sides: tuple[Side, Side], estimator: Estimator) -> dict[str, _Found]:
        names = scored_trainings(self._meter, sides)
        if not names:
            return {}
        cuts = [
            (weights, self._meter.threshold(weights, self._task, efficiency))
            for weights in names
            for efficiency in self.efficiencies
        ]
        passed = [side.passed(cuts) for side in sides]
        up, down = (log_rates(ways, side.weights, side.draws) for ways, side in zip(passed, sides, strict=True))
        slopes = (up - down) / estimator.logarithm
        statistics = _statistics(sides, passed)
        n = len(self.efficiencies)
        return {
            weights: _Found(
                slopes[0, n * place : n * (place + 1)],
                slopes[1:, n * place : n * (place + 1)],
                tuple(statistics[n * place : n * (place + 1)]),
            )
            for place, weights in enumerate(names)
        }


def _statistics(sides: tuple[Side, Side], passed: list[NDArray[np.bool_]]) -> list[PairStatistics | None]:
    pulls = [pull_of_events(ways, side.weights) for ways, side in zip(passed, sides, strict=True)]
    rates = [(side.weights @ ways) / side.weights.sum() for ways, side in zip(passed, sides, strict=True)]
    variances = [(pull**2).sum(axis=0) for pull in pulls]
    # Other events have nothing in common.
    same = sides[0].meter is sides[1].meter
    joint = (pulls[0] * pulls[1]).sum(axis=0) if same else np.zeros(len(variances[0]))
    size = np.sqrt(variances[0] * variances[1])
    correlation = np.divide(joint, size, out=np.zeros_like(joint), where=size > 0)
    return [
        None
        if not (rates[0][place] > 0 and rates[1][place] > 0)
        else PairStatistics(
            events=max(len(side.event) for side in sides),
            rate_up=float(rates[0][place]),
            rate_down=float(rates[1][place]),
            effective_up=_effective(rates[0][place], variances[0][place]),
            effective_down=_effective(rates[1][place], variances[1][place]),
            correlation=float(correlation[place]),
        )
        for place in range(len(joint))
    ]


def _effective(rate: float, variance: float) -> float | None:
    """Number of jets of equal weight with this binomial variance of ln(rate)."""
    return float((1 - rate) / (rate * variance)) if variance > 0 and rate < 1 else None


def _mean_statistics(found: list[PairStatistics | None]) -> PairStatistics | None:
    known = [one for one in found if one is not None]
    if not known or len(known) < len(found):
        return None

    def mean(values: Iterable[float | None]) -> float | None:
        numbers = [value for value in values if value is not None]
        return float(np.mean(numbers)) if numbers else None

    return PairStatistics(
        events=known[0].events,
        rate_up=float(np.mean([one.rate_up for one in known])),
        rate_down=float(np.mean([one.rate_down for one in known])),
        effective_up=mean(one.effective_up for one in known),
        effective_down=mean(one.effective_down for one in known),
        correlation=float(np.mean([one.correlation for one in known])),
    )


def _comparison(first: Measured | None, second: Measured | None, aim: float | None) -> ResponseComparison:
    change = compare_pairs(first, second)
    if first is None or second is None:
        return ResponseComparison(change, fieller(None, None), None)
    return ResponseComparison(change, fieller(second, first), None if aim is None else below(first, second, aim))


def measure_responses(meter: Meter, task: Task) -> ResponseResults:
    """Responses and comparisons of all taggers; empty where the configuration asks for none.

    Args:
        meter: scores, weights, replicas.
        task: defines the working points.

    Raises:
        UnknownVariationError: a generator of the configuration does not occur.
    """
    if meter.config.responses is None:
        return ResponseResults()
    found = Responses(meter, task, meter.config.responses)
    profile = meter.config.responses.profile
    binned = None if profile is None else BinnedResponses(meter, task, profile)
    recipes = meter.config.trainings
    # The reference is the second of each of its pairs, as an aim asks.
    pairs = list(itertools.combinations(sorted(recipes, key=lambda name: name != meter.config.reference_tagger), 2))

    def each(one: Callable[[ClassConfig, Estimator], Mapping[str, _Cell]]) -> dict[str, dict[str, Mapping[str, _Cell]]]:
        """Something by class and estimator, where there is any."""
        return {
            which.name: {estimator.name: cells for estimator in found.estimators if (cells := one(which, estimator))}
            for which in meter.config.classes
        }

    values = {name: each(partial(found.document, trainings)) for name, trainings in recipes.items()}
    if not any(estimators for by_class in values.values() for estimators in by_class.values()):
        return ResponseResults()
    return ResponseResults(
        {one.name: one for one in found.estimators},
        values,
        {f"{b} - {a}": each(partial(found.compared, recipes[a], recipes[b])) for a, b in pairs},
        {name: each(partial(binned.document, trainings)) for name, trainings in recipes.items()} if binned else {},
        {f"{b} - {a}": each(partial(binned.compared, recipes[a], recipes[b])) for a, b in pairs} if binned else {},
    )
