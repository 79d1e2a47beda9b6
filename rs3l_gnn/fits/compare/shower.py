r"""The shower's part of the error of the signal strength without the noise of its templates, paired between taggers.

The statistical error of a variation looks like an effect: to first order the variance :math:`v = \sigma^2_{shower}` is
a sum of squares of shifts, to which the noise of the shifts adds its own. A replica of the simulation has that noise
twice, the run once, so that :math:`v - (\bar v_{replicas} - v)` is free of it, if not of its fluctuation; it may come
out below zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.statistics import significance_of, spread_beyond_events
from rs3l_gnn.fits.compare.replicas import Spread

__all__ = ["ShowerContrast", "ShowerPart", "contrast_of_shower"]

_PART = "mu_error_shower"


@dataclass(frozen=True)
class ShowerPart:
    """The shower's variance of the signal strength, mean over the trainings of a recipe.

    Attributes:
        variance: without the noise of the templates; may be negative.
        noise: what was subtracted.
        error_events: of the variance, from the replicas.
        trainings: variance of each training, without noise.
        seeds: variance of the mean over the trainings from the choice of seeds, with its degrees of freedom; none for a
            single training. Where replicas of the same events tell, what the events do to each training is taken off.
        moves: variance in each replica less the mean over the replicas, where the replicas of all taggers are the same
            events; NaN where a replica gives no templates [n_replicas].
    """

    variance: float
    noise: float
    error_events: float
    trainings: tuple[float, ...]
    moves: NDArray[np.float64] | None = None
    seeds: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, parts: Sequence[tuple[float, Spread | None]]) -> ShowerPart | None:
        """From the shower's error of each training of a recipe and its spread over replicas; None without replicas."""
        found = [_of_training(error, spread) for error, spread in parts if spread is not None]
        if not found or len(found) < len(parts):
            return None
        moves = [one.moves for one in found if one.moves is not None]
        joint = np.mean(moves, axis=0) if len(moves) == len(found) else None
        # Without replicas of the same events for all, as if all trainings fluctuated alike.
        error = float(np.mean([one.error_events for one in found])) if joint is None else _deviation(joint)
        return cls(
            variance=float(np.mean([one.variance for one in found])),
            noise=float(np.mean([one.noise for one in found])),
            error_events=error,
            trainings=tuple(one.variance for one in found),
            moves=joint,
            seeds=_seeds(np.array([one.variance for one in found]), moves if joint is not None else None),
        )

    @property
    def value(self) -> float | None:
        """The shower's part of the error; None where noise is all that there is."""
        return math.sqrt(self.variance) if self.variance > 0 else None

    @property
    def error(self) -> float | None:
        """Error of :attr:`value` from events and trainings."""
        if self.value is None:
            return None
        total = self.error_events**2 + sum(variance for variance, _ in self.seeds)
        return math.sqrt(total) / (2 * self.value)

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "mu_error_shower": self.value,
            "mu_error_shower_error": self.error,
            "variance": self.variance,
            "variance_error_events": self.error_events,
            "noise": self.noise,
            "trainings": list(self.trainings),
        }


def _of_training(error: float, spread: Spread) -> ShowerPart:
    n, mean, deviation = spread.n, spread.mean[_PART], spread.deviation[_PART]
    of_replicas = mean**2 + deviation**2 * (n - 1) / n
    noise = of_replicas - error**2
    moves = None
    series = spread.values.get(_PART, ())
    if series:
        squares = np.array([np.nan if value is None else value**2 for value in series])
        moves = squares - np.nanmean(squares)
    width = 2 * mean * deviation if moves is None else _deviation(moves)
    return ShowerPart(error**2 - noise, noise, width, (error**2 - noise,), moves)


def _seeds(
    variances: NDArray[np.float64], moves: Sequence[NDArray[np.float64]] | None
) -> tuple[tuple[float, float], ...]:
    of_trainings = np.zeros((len(variances), 0)) if moves is None else np.stack(moves)
    found = spread_beyond_events(variances, variances[:, None] + of_trainings)
    return () if found is None else (found,)


def _deviation(moves: NDArray[np.float64]) -> float:
    known = moves[np.isfinite(moves)]
    return float(known.std(ddof=1)) if len(known) > 1 else 0.0


@dataclass(frozen=True)
class ShowerContrast:
    """Two taggers: the first's shower part against the second's.

    Attributes:
        difference, error: of the two parts; None where one is not above its noise.
        significance: of the difference of the variances, which needs no root.
        ratio, ratio_error: of the two parts.
        below_aim: significance of the statement that the first is below the aimed share of the second.
        paired: whether errors are those of the same events.
    """

    difference: float | None
    error: float | None
    significance: float | None
    ratio: float | None
    ratio_error: float | None
    below_aim: float | None
    paired: bool


def contrast_of_shower(first: ShowerPart, second: ShowerPart, aim: float) -> ShowerContrast:
    """Compare two taggers on the same events.

    Args:
        first, second: their shower parts.
        aim: wanted share of the second.
    """

    def events(a: float, b: float) -> float:
        """Variance of a v1 + b v2 from the events."""
        if first.moves is None or second.moves is None:
            return (a * first.error_events) ** 2 + (b * second.error_events) ** 2
        return _deviation(a * first.moves + b * second.moves) ** 2

    def all_of_it(a: float, b: float) -> tuple[float, list[tuple[float, float]]]:
        spreads = [
            (factor**2 * variance, freedom)
            for factor, part in ((a, first), (b, second))
            for variance, freedom in part.seeds
        ]
        return events(a, b) + sum(variance for variance, _ in spreads), spreads

    def significance(share: float) -> float | None:
        return significance_of(first.variance - share * second.variance, *all_of_it(1.0, -share))

    paired = first.moves is not None and second.moves is not None
    below = significance(aim**2)
    below_aim = None if below is None else -below
    one, other = first.value, second.value
    if one is None or other is None:
        return ShowerContrast(None, None, significance(1.0), None, None, below_aim, paired)
    slopes = 1 / (2 * one), -1 / (2 * other)
    relative = 1 / (2 * one**2), -1 / (2 * other**2)
    return ShowerContrast(
        difference=one - other,
        error=math.sqrt(all_of_it(*slopes)[0]),
        significance=significance(1.0),
        ratio=one / other,
        ratio_error=one / other * math.sqrt(all_of_it(*relative)[0]),
        below_aim=below_aim,
        paired=paired,
    )
