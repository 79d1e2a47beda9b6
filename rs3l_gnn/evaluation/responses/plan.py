r"""How many events and trainings a study of responses needs, from a pilot.

A side of a response with the rate :math:`\varepsilon` among n events, of which each counts as :math:`\kappa` jets of
equal weight, knows :math:`\ln\varepsilon` to :math:`\sigma^2 = (1 - \varepsilon) / (\varepsilon\kappa n)`. Both sides
make

.. math:: \sigma_R^2 = (\sigma_u^2 + \sigma_d^2 - 2\rho\,\sigma_u\sigma_d) / L^2

with the correlation :math:`\rho` of the sides and the logarithm L. The mean over T trainings, whose fluctuations with
the events correlate by r and whose true responses spread by s, has :math:`\sigma_R^2 (1/T + (1 - 1/T) r) + s^2 / T`.
Two taggers on the same events share a covariance that falls with 1/n as well. The pilot tells :math:`\varepsilon,
\kappa, \rho, r, s` and the covariance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.optimize import brentq

from rs3l_gnn.conventions.statistics import significance_of
from rs3l_gnn.evaluation.responses.results import PairStatistics

__all__ = [
    "PilotPair",
    "PilotResponse",
    "error_of_pair",
    "events_needed",
    "response_error",
    "significance_of_pair",
]

_MOST_EVENTS = 1e12


def response_error(pairs: PairStatistics, logarithm: float, events: float | None = None) -> float | None:
    """Expected statistical error of one training's response; None where a rate is zero or one.

    Args:
        pairs: rates, effective numbers and correlation of a pilot.
        logarithm: of the estimator.
        events: number of events; the pilot's if None.
    """
    if pairs.effective_up is None or pairs.effective_down is None:
        return None
    up, down = (
        math.sqrt((1 - rate) / (rate * effective))
        for rate, effective in ((pairs.rate_up, pairs.effective_up), (pairs.rate_down, pairs.effective_down))
    )
    variance = up**2 + down**2 - 2 * pairs.correlation * up * down
    return math.sqrt(max(variance, 0.0) * pairs.events / (events or pairs.events)) / abs(logarithm)


@dataclass(frozen=True)
class PilotResponse:
    """A response in the pilot.

    Attributes:
        value: mean over the trainings.
        events: of the pilot.
        single: expected error of one training with the pilot's events.
        mean: error of the mean over the trainings from the events.
        spread: over the trainings; None for a single one.
        trainings: how many.
    """

    value: float
    events: int
    single: float
    mean: float
    spread: float | None
    trainings: int

    @property
    def shared(self) -> float:
        """Correlation of two trainings of the recipe over the events; 1 where a single training does not tell."""
        if self.trainings < 2:
            return 1.0
        part = 1 / self.trainings
        return min(max(((self.mean / self.single) ** 2 - part) / (1 - part), 0.0), 1.0)

    @property
    def true_spread(self) -> float:
        """Spread of the trainings without what the events of the pilot add to it."""
        if self.spread is None:
            return 0.0
        return math.sqrt(max(self.spread**2 - self.single**2 * (1 - self.shared), 0.0))

    def event_variance(self, events: float, trainings: int) -> float:
        """Variance of the mean over the trainings from the events."""
        of_trainings = 1 / trainings + (1 - 1 / trainings) * self.shared
        return self.single**2 * of_trainings * self.events / events

    def error(self, events: float, trainings: int) -> float:
        """Expected error of the mean, from events and trainings."""
        return math.sqrt(self.event_variance(events, trainings) + self.true_spread**2 / trainings)


@dataclass(frozen=True)
class PilotPair:
    """Two taggers in the pilot, and the correlation of their responses over its events."""

    reference: PilotResponse
    other: PilotResponse
    correlation: float

    def event_variance(self, events: float, trainings: int) -> float:
        """Variance of the difference from the events."""
        joint = self.correlation * self.reference.mean * self.other.mean * self.reference.events / events
        parts = [one.event_variance(events, trainings) for one in (self.reference, self.other)]
        # The correlation of a pilot is uncertain; a difference is never better than its trainings allow.
        return max(sum(parts) - 2 * joint, 0.01 * max(parts))

    def training_variances(self, trainings: int) -> list[float]:
        """Variances of the two means from the choice of seeds."""
        return [one.true_spread**2 / trainings for one in (self.reference, self.other)]


def error_of_pair(pair: PilotPair, events: float, trainings: int) -> float:
    """Expected error of the difference of two taggers' responses, paired."""
    return math.sqrt(pair.event_variance(events, trainings) + sum(pair.training_variances(trainings)))


def significance_of_pair(pair: PilotPair, difference: float, events: float, trainings: int) -> float:
    """Expected significance of a difference; Student's distribution stands for the spread of few trainings."""
    seeds = pair.training_variances(trainings)
    total = pair.event_variance(events, trainings) + sum(seeds)
    spreads = [(variance, trainings - 1) for variance in seeds if trainings > 1]
    return significance_of(abs(difference), total, spreads) or 0.0


def events_needed(pair: PilotPair, difference: float, significance: float, trainings: int) -> int | None:
    """Events at which a difference has a significance on average; None where the trainings alone spread too much."""

    def lacking(logarithm: float) -> float:
        return significance - significance_of_pair(pair, difference, math.exp(logarithm), trainings)

    ends: Sequence[float] = (math.log(2), math.log(_MOST_EVENTS))
    if lacking(ends[1]) > 0:
        return None
    if lacking(ends[0]) <= 0:
        return 2
    return math.ceil(math.exp(brentq(lacking, *ends)))
