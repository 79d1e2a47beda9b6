"""Significances of means whose spread is known from a few repetitions only."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["degrees_of_freedom", "significance_of"]

_SMALLEST = 1e-300

Spreads = Sequence[tuple[float, int]]
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
    (2.0, 1.328)
    """
    from scipy.stats import norm, t

    if not total > 0:
        return None
    tail = max(float(t.sf(abs(difference) / math.sqrt(total), degrees_of_freedom(total, spreads))), _SMALLEST)
    return float(norm.isf(tail)) * (0.0 if difference == 0 else math.copysign(1.0, difference))
