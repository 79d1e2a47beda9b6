"""Contents of histogram bins with all that is known about their fluctuations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Difference", "Grouping", "Relation", "Yields", "least_known"]

Relation = Literal["known", "independent", "unknown"]
"""How a variation's fluctuations are related to those of nominal: by a known covariance, not at all as far as the run
tells (re-simulated events that were not matched), or in an unknown way."""


@dataclass(frozen=True)
class Grouping:
    """Fine bins that become one: group g holds the fine bins ``cuts[g]`` to ``cuts[g + 1] - 1``."""

    cuts: NDArray[np.int64]

    @property
    def n_bins(self) -> int:
        """Bins after grouping."""
        return len(self.cuts) - 1

    def edges(self, fine: NDArray[np.float64]) -> NDArray[np.float64]:
        """Edges after grouping [n_bins + 1]."""
        return fine[self.cuts]

    def add(self, content: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum yields or variances over each group, along the last axis."""
        return np.asarray(np.add.reduceat(content[..., : self.cuts[-1]], self.cuts[:-1], axis=-1))


@dataclass(frozen=True)
class Difference:
    """A varied template less nominal.

    Attributes:
        values: [n_bins].
        covariance: diag(var(varied) + var(nominal)) - J - J^T with J = cov(nominal, varied) [n_bins, n_bins]: an event
            that moves from one bin to another makes the differences in the two fall and rise together.
        scale: variances before the common part was taken away [n_bins].
    """

    values: NDArray[np.float64]
    covariance: NDArray[np.float64]
    scale: NDArray[np.float64]

    @property
    def error(self) -> NDArray[np.float64]:
        """Standard deviations [n_bins]."""
        return np.sqrt(np.maximum(np.diagonal(self.covariance), 0.0))


@dataclass(frozen=True)
class Yields:
    """Contents of the bins of one template [n_bins], in pb or in events.

    Attributes:
        values: contents.
        variances: their variances, None where the file has none.
        covariance: covariance with nominal of the same hard events: [n_bins], or [n_bins, n_bins] (nominal bin, varied
            bin) where events move between bins. It sums up what is known.
        relation: ``known`` with a covariance of all parts; otherwise the error of a difference is an upper bound for
            events that nominal shares. Of a sum it is that of the part of which least is known.
    """

    values: NDArray[np.float64]
    variances: NDArray[np.float64] | None
    covariance: NDArray[np.float64] | None = None
    relation: Relation = "unknown"

    @classmethod
    def total(cls, parts: Iterable[Yields], n_bins: int) -> Yields:
        """Sum of several, of which there may be none."""
        return reduce(add, parts, cls(np.zeros(n_bins), np.zeros(n_bins), None, "known"))

    def __add__(self, other: Yields) -> Yields:
        """Contents and variances add up, and so do covariances with nominals of different events."""
        variances = None if self.variances is None or other.variances is None else self.variances + other.variances
        covariances = [c for c in (self.covariance, other.covariance) if c is not None]
        if any(c.ndim == 2 for c in covariances):
            covariances = [_full(c) for c in covariances]
        covariance = reduce(add, covariances) if covariances else None
        relation = least_known({self.relation, other.relation})
        return Yields(self.values + other.values, variances, covariance, relation)

    def scaled(self, factor: float) -> Yields:
        """Contents times a factor, which nominal has, too."""
        variances, covariance = (
            None if content is None else content * factor**2 for content in (self.variances, self.covariance)
        )
        return Yields(self.values * factor, variances, covariance, self.relation)

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Bins that hold numbers [n_bins]."""
        return np.isfinite(self.values if self.variances is None else self.values + self.variances)

    def only(self, good: NDArray[np.bool_], nominal: NDArray[np.bool_]) -> Yields:
        """Zeros outside the ``good`` bins; nor is there a covariance with those or with others than ``nominal``."""
        covariance = self.covariance
        if covariance is not None:
            keep = good & nominal if covariance.ndim == 1 else np.outer(nominal, good)
            covariance = np.where(keep, covariance, 0.0)
        variances = None if self.variances is None else np.where(good, self.variances, 0.0)
        return Yields(np.where(good, self.values, 0.0), variances, covariance, self.relation)

    def grouped(self, grouping: Grouping) -> Yields:
        """In wider bins; events that move within one of them cancel."""
        variances = None if self.variances is None else grouping.add(self.variances)
        covariance = self.covariance
        if covariance is not None and covariance.ndim == 2:
            covariance = grouping.add(grouping.add(covariance).T).T
        elif covariance is not None:
            covariance = grouping.add(covariance)
        return Yields(grouping.add(self.values), variances, covariance, self.relation)

    def less(self, nominal: Yields, *, rate: float = 1.0) -> Difference | None:
        """``self / rate - nominal`` with its covariance, None where one of the two has no variances."""
        if self.variances is None or nominal.variances is None:
            return None
        scale = self.variances / rate**2 + nominal.variances
        covariance = np.diag(scale)
        if self.covariance is not None:
            joint = _full(self.covariance) / rate
            covariance = covariance - joint - joint.T
        return Difference(self.values / rate - nominal.values, covariance, scale)


def least_known(relations: Iterable[Relation]) -> Relation:
    """Of several relations that of which least is known."""
    found = set(relations)
    worst: tuple[Relation, ...] = ("unknown", "independent")
    return next((word for word in worst if word in found), "known")


def _full(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.diag(covariance) if covariance.ndim == 1 else covariance
