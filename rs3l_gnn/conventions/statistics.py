"""Significances of means whose spread is known from a few repetitions only."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["degrees_of_freedom", "significance_of", "spread_beyond_events"]

_SMALLEST = 1e-300
_LEAST = 1e-6
"""A spread that the events explain is next to nothing, but not known to be nothing."""

Spreads = Sequence[tuple[float, float]]
"""Variances of means from a spread over a few trainings, and the degrees of freedom of each."""


def degrees_of_freedom(total: float, spreads: Spreads) -> float:
    """Degrees of freedom of a variance by Welch and Satterthwaite; infinite where no spread counts.

    Args:
        total: the variance, of which the spreads are parts and the rest is known.
        spreads: those parts.
    """
    known = sum(variance**2 / freedom for variance, freedom in spreads)
    return total**2 / known if known > 0 else math.inf


def significance_of(difference: float, total: float, spreads: Spreads) -> float | None:
    """A difference in standard deviations of a normal distribution of equal p-value; None without a variance.

    Student's distribution stands for the uncertainty of the spread of few trainings.

    Args:
        difference: whose sign the significance has.
        total: its variance.
        spreads: the parts of it that a few trainings tell.

    >>> round(significance_of(2.0, 1.0, []), 3), round(significance_of(2.0, 1.0, [(1.0, 2)]), 3)
    (2.0, 1.33)
    """
    from scipy.stats import norm, t

    if not total > 0:
        return None
    tail = max(float(t.sf(abs(difference) / math.sqrt(total), degrees_of_freedom(total, spreads))), _SMALLEST)
    return float(norm.isf(tail)) * (0.0 if difference == 0 else math.copysign(1.0, difference))


def spread_beyond_events(values: NDArray[np.float64], replicas: NDArray[np.float64]) -> tuple[float, float] | None:
    """Variance of a mean over trainings from the choice of seeds alone, and its degrees of freedom.

    Two trainings of one recipe differ on the same events by what the seeds do and by what the events do to each of
    them. The latter is part of the error from the events; the replicas tell how much of the spread it is. What is left
    is as uncertain as the spread itself, which the degrees of freedom say: fewer than one less than the trainings.

    Args:
        values: of each training [n_trainings].
        replicas: of each training in each replica of the events; NaN where there is none [n_trainings, n_replicas].

    Returns:
        None for a single training, or for trainings that agree.
    """
    n = len(values)
    spread = float(np.var(values, ddof=1)) / n if n > 1 else 0.0
    if not spread > 0:
        return None
    moves = replicas - values[:, None]
    known = moves[:, np.isfinite(moves).all(axis=0)]
    events = float(np.var(known, axis=0, ddof=1).mean()) / n if known.shape[1] else 0.0
    left = max(spread - events, _LEAST * spread)
    return left, (n - 1) * (left / spread) ** 2
