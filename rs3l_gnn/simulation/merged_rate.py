"""Cross-section that merging leaves of that of the hard events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["MergedRate"]


@dataclass(frozen=True)
class MergedRate:
    """Sums over hard events, w their weight and f what merging multiplies it with.

    Attributes:
        sumw, sumwf: of w and of w f.
        ww, wwf, wwff: of w^2, w^2 f and w^2 f^2.
    """

    sumw: float
    sumwf: float
    ww: float
    wwf: float
    wwff: float

    @classmethod
    def of(cls, weights: NDArray[np.float64], factors: NDArray[np.float64]) -> MergedRate:
        """Sums over some events [n_events]."""
        merged = weights * factors
        products = ((weights**2).sum(), (weights * merged).sum(), (merged**2).sum())
        return cls(float(weights.sum()), float(merged.sum()), *(float(value) for value in products))

    @classmethod
    def total(cls, parts: Iterable[MergedRate]) -> MergedRate:
        """Sums over the events of all parts."""
        rows = [(part.sumw, part.sumwf, part.ww, part.wwf, part.wwff) for part in parts]
        return cls(*(sum(column) for column in zip(*rows, strict=True)))

    @property
    def share(self) -> float:
        """Part of the cross-section that is left."""
        return 1.0 if self.sumwf == self.sumw else self.sumwf / self.sumw

    @property
    def error(self) -> float:
        """Statistical error of :attr:`share`, that of a ratio of sums over the same events."""
        if self.sumwf == self.sumw:
            return 0.0
        spread = self.wwff - 2 * self.share * self.wwf + self.share**2 * self.ww
        return float(np.sqrt(max(spread, 0.0)) / abs(self.sumw))

    def xsec_error(self, xsec: float, error: float | None) -> float | None:
        """Error of ``xsec`` times the share, None where that of ``xsec`` is not known."""
        return None if error is None else float(np.hypot(error * self.share, xsec * self.error))
