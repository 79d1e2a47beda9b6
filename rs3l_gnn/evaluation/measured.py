"""Numbers of repeated trainings: mean, spread over the trainings, errors from the events, comparisons.

Two things make a number uncertain: the test events, which all trainings share (bootstrap replicas), and the training,
which differs from seed to seed (spread over the trainings). The error of the mean is the sum in quadrature of the
bootstrap error of the mean and the spread divided by the square root of the number of trainings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from rs3l_gnn.conventions.statistics import degrees_of_freedom, significance_of, spread_beyond_events
from rs3l_gnn.evaluation.estimates import Difference, Estimate, Interval, Inverse, PairedDifference, Ratio
from rs3l_gnn.evaluation.results import DistanceChange, Gain

__all__ = [
    "Measured",
    "below",
    "compare",
    "compare_distances",
    "compare_pairs",
    "correlation",
    "fieller",
    "gain",
    "normal_scores",
    "ratio",
]

_LOW, _HIGH = 0.16, 0.84
_WIDEST = 1e6


@dataclass(frozen=True)
class Measured:
    """One number of one recipe.

    Attributes:
        values: of each training [n_trainings].
        replicas: of each training in each replica of the events, the same replicas for all recipes
            [n_trainings, n_replicas].
        noise: standard normal numbers that stand for the choice of the seeds in each replica, the same for all numbers
            of a recipe [n_replicas].
        trained: False for a number without any training, such as the baseline's.
        seeds_alone: True takes what the events do to each training off the spread, see
            :func:`~rs3l_gnn.conventions.statistics.spread_beyond_events`. For numbers that few events decide.
    """

    values: NDArray[np.float64]
    replicas: NDArray[np.float64]
    noise: NDArray[np.float64]
    trained: bool = True
    seeds_alone: bool = False

    @property
    def value(self) -> float:
        """Mean over the trainings."""
        return float(self.values.mean())

    @property
    def spread(self) -> float | None:
        """Standard deviation over the trainings; None for a single training, 0 without any."""
        if not self.trained:
            return 0.0
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else None

    @property
    def error_events(self) -> float:
        """Standard deviation of the mean over the replicas of the events.

        Replicas in which the number is not defined (NaN) are left out; NaN if they are more than a fifth.
        """
        return _deviation(self.replicas.mean(axis=0))

    @property
    def error_trainings(self) -> float | None:
        """Error of the mean from the choice of seeds; None for a single training."""
        spread = self.spread
        if spread is None:
            return None
        return float(np.sqrt(sum(variance for variance, _ in self.training_variances)))

    @property
    def training_variances(self) -> list[tuple[float, float]]:
        """Variance of the mean from the choice of seeds, with its degrees of freedom; none if zero or unknown."""
        if not self.spread:
            return []
        if self.seeds_alone:
            found = spread_beyond_events(self.values, self.replicas)
            return [] if found is None else [found]
        return [(self.spread**2 / len(self.values), len(self.values) - 1)]

    @property
    def error(self) -> float:
        """Both errors in quadrature; that of the events alone for a single training."""
        return float(np.hypot(self.error_events, self.error_trainings or 0.0))

    @property
    def drawn(self) -> NDArray[np.float64]:
        """Replicas of the mean in which events and seeds vary [n_replicas]."""
        return np.asarray(self.replicas.mean(axis=0) + (self.error_trainings or 0.0) * self.noise)

    def map(self, function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Measured:
        """The same of a function of the number."""
        return replace(self, values=function(self.values), replicas=function(self.replicas))

    def estimate(self) -> Estimate:
        """The numbers to report."""
        return Estimate(
            value=self.value,
            error=_finite(self.error),
            error_events=_finite(self.error_events),
            error_trainings=self.error_trainings,
            spread=self.spread,
            trainings=tuple(self.values.tolist()),
        )

    def inverse(self) -> Inverse:
        """The numbers to report of 1 / number."""
        square = self.value**2
        return Inverse(
            value=_inverse(self.value),
            interval=_inverse_interval(self.drawn),
            interval_events=_inverse_interval(self.replicas.mean(axis=0)),
            error=_over(self.error, square),
            error_events=_over(self.error_events, square),
            error_trainings=_over(self.error_trainings, square),
            spread=_over(self.spread, square),
            trainings=tuple(_inverse(value) for value in self.values.tolist()),
        )


def compare(first: Measured, second: Measured) -> Difference:
    """Second minus first, paired over the events; nothing but zero for the same trainings.

    The spread of few trainings is itself uncertain, which Student's distribution with the degrees of freedom of Welch
    and Satterthwaite accounts for in the significance.
    """
    difference = second.value - first.value
    error_events = _deviation(second.replicas.mean(axis=0) - first.replicas.mean(axis=0))
    if first.noise is second.noise or np.array_equal(first.noise, second.noise):
        return Difference(difference, _finite(error_events), _finite(error_events), 0.0, None)
    variances = [*first.training_variances, *second.training_variances]
    total = error_events**2 + sum(variance for variance, _ in variances)
    known = any(m.error_trainings is not None for m in (first, second))
    significance = significance_of(difference, total, variances)
    error_trainings = sum(variance for variance, _ in variances) ** 0.5 if known else None
    error = float(np.hypot(error_events, error_trainings or 0.0))
    return Difference(difference, _finite(error), _finite(error_events), error_trainings, significance)


def compare_pairs(first: Measured | None, second: Measured | None) -> PairedDifference:
    """Second minus first with the error of paired events, and the correlation that pairing makes use of."""
    if first is None or second is None:
        return PairedDifference(None, None, None, None, None, None)
    found = compare(first, second)
    return PairedDifference(**vars(found), correlation=correlation(first, second))


def compare_distances(first: Measured, second: Measured) -> DistanceChange:
    """Distance of the second minus that of the first, and their ratio; negative where the second moves less."""
    return DistanceChange(compare(first, second), ratio(second, first, centred=True))


def gain(first: Measured, second: Measured, *, auc: Difference | None = None) -> Gain:
    """Ratio of the 1/FPR of two recipes, second over first, from their FPR."""
    return Gain(**vars(ratio(first, second)), significance=compare(second, first).significance, auc=auc)


def correlation(first: Measured, second: Measured) -> float | None:
    """Correlation of two numbers over the replicas of the events, which they share; None where one does not vary."""
    pair = np.stack([first.replicas.mean(axis=0), second.replicas.mean(axis=0)])
    pair = pair[:, np.isfinite(pair).all(axis=0)]
    if pair.shape[1] < 2 or not (pair.std(axis=1) > 0).all():
        return None
    return float(np.corrcoef(pair)[0, 1])


def ratio(above: Measured, below: Measured, *, centred: bool = False) -> Ratio:
    """Ratio of two means with its 68 % interval; None where it is not finite.

    Args:
        above: the numerator.
        below: the denominator, not negative.
        centred: scale the interval such that the median of the replicas is the ratio itself. For distances, which
            are positive even without any effect: replicas add fluctuations, so theirs are larger than the data's.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.where(below.drawn > 0, above.drawn / below.drawn, np.inf)
    value = _over(above.value, below.value)
    low, middle, high = np.quantile(drawn, [_LOW, 0.5, _HIGH], method="inverted_cdf").tolist()
    if centred and value is not None and 0 < middle < np.inf:
        low, high = low * value / middle, high * value / middle
    return Ratio(value, (_finite(low), _finite(high)))


def below(first: Measured, second: Measured, share: float) -> float | None:
    """Significance of the statement that the size of the second is less than a share of that of the first.

    It takes the less certain of two: that the second is above the lower and that it is below the upper bound. None for
    the same trainings.
    """
    sign = float(np.sign(first.value)) or 1.0
    bound = first.map(lambda values: share * sign * values)
    found = [compare(one, bound).significance for one in (second, second.map(np.negative))]
    known = [one for one in found if one is not None]
    return min(known) if len(known) == len(found) else None


def fieller(above: Measured | None, below: Measured | None) -> Ratio:
    r"""Ratio of two means of either sign with Fieller's 68 % interval.

    Ratios :math:`\rho` with :math:`|a - \rho b| \le q\,\sigma(a - \rho b)`; the quantile q is Student's where the
    spread of few trainings counts. No interval where b is not known to differ from zero: no ratio is excluded then.
    """
    if above is None or below is None or below.value == 0:
        return Ratio(None, (None, None))
    drawn = np.stack([above.replicas.mean(axis=0), below.replicas.mean(axis=0)])
    drawn = drawn[:, np.isfinite(drawn).all(axis=0)]
    a, b, ratio_ = above.value, below.value, above.value / below.value
    if drawn.shape[1] < 0.8 * above.replicas.shape[1]:
        return Ratio(ratio_, (None, None))
    joint = np.cov(drawn)
    if above.noise is below.noise or np.array_equal(above.noise, below.noise):
        return Ratio(ratio_, (ratio_, ratio_))
    of_above, of_below = above.training_variances, below.training_variances
    scaled = [(ratio_**2 * variance, freedom) for variance, freedom in of_below]
    total = float(joint[0, 0] - 2 * ratio_ * joint[0, 1] + ratio_**2 * joint[1, 1])
    total += sum(variance for variance, _ in (*of_above, *scaled))
    if not total > 0:
        return Ratio(ratio_, (ratio_, ratio_))
    # Hardly any freedom makes quantiles whose squares are no numbers; an interval is open long before.
    quantile = min(float(t.ppf(_HIGH, degrees_of_freedom(total, [*of_above, *scaled]))), _WIDEST)
    v_above = float(joint[0, 0]) + sum(variance for variance, _ in of_above)
    v_below = float(joint[1, 1]) + sum(variance for variance, _ in of_below)
    square = b**2 - quantile**2 * v_below
    middle = a * b - quantile**2 * float(joint[0, 1])
    under = middle**2 - square * (a**2 - quantile**2 * v_above)
    if square <= 0 or under < 0:
        return Ratio(ratio_, (None, None))
    low, high = ((middle + side * under**0.5) / square for side in (-1, 1))
    return Ratio(ratio_, (low, high))


def normal_scores(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Quantiles of the normal distribution in random order: noise whose mean and width are exact [n]."""
    scores = norm.ppf((np.arange(n) + 0.5) / n)
    return rng.permutation(scores / scores.std(ddof=1))


def _deviation(drawn: NDArray[np.float64]) -> float:
    """Standard deviation of the replicas that are defined; NaN if fewer than four fifths are."""
    defined = drawn[np.isfinite(drawn)]
    return float(defined.std(ddof=1)) if len(defined) >= 0.8 * len(drawn) else float("nan")


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _inverse(value: float) -> float | None:
    return 1 / value if value > 0 else None


def _over(above: float | None, below: float) -> float | None:
    return None if above is None or below == 0 else above / below


def _inverse_interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(values, [_HIGH, _LOW]).tolist()
    return _inverse(low), _inverse(high)
