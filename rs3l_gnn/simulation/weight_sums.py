"""How far shower weights spread."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["WeightSums", "weight_spread"]

_FEW_EFFECTIVE = 0.2
"""Share of the events below which the error of a weighted sum is more than twice that of the nominal one."""

_log = logging.getLogger("rs3l_gnn")


@dataclass(frozen=True)
class WeightSums:
    """What tells of one weight over many events whether it may be used.

    Attributes:
        n: events.
        total, squares: sums of the weights, relative to nominal, and of their squares.
        largest: the largest absolute value, 0 without events.
    """

    n: int
    total: float
    squares: float
    largest: float

    @classmethod
    def of(cls, weights: NDArray[np.float64]) -> WeightSums:
        """Sums over weights [n_events]."""
        largest = float(np.abs(weights).max(initial=0.0))
        return cls(len(weights), float(weights.sum()), float((weights**2).sum()), largest)

    @classmethod
    def joined(cls, parts: Iterable[WeightSums]) -> WeightSums:
        """Sums over all events of several parts."""
        every = tuple(parts)
        return cls(
            sum(part.n for part in every),
            sum(part.total for part in every),
            sum(part.squares for part in every),
            max((part.largest for part in every), default=0.0),
        )

    @property
    def mean(self) -> float:
        """Mean weight, 1 within its error for a shower, whose weights keep the cross-section."""
        return self.total / max(self.n, 1)

    @property
    def effective(self) -> float:
        """Effective number of events (sum w)^2 / sum w^2, 0 without events."""
        return self.total**2 / self.squares if self.squares > 0 else 0.0


def weight_spread(sample: str, parts: Sequence[Mapping[str, WeightSums]]) -> dict[str, dict[str, float]]:
    """How far the shower weights of a sample spread; a warning names those that leave few effective events.

    Args:
        sample: its name.
        parts: the sums of each part, by the meaning of the weight.

    Returns:
        n, mean, largest and n_eff of each weight.
    """
    spread = {}
    for name in dict.fromkeys(name for part in parts for name in part):
        sums = WeightSums.joined(part[name] for part in parts if name in part)
        spread[name] = {"n": sums.n, "mean": sums.mean, "largest": sums.largest, "n_eff": sums.effective}
    weak = [
        f"{name} ({row['n_eff']:.0f} of {row['n']:.0f}, largest weight {row['largest']:.3g})"
        for name, row in spread.items()
        if row["n_eff"] < _FEW_EFFECTIVE * row["n"]
    ]
    if weak:
        _log.warning(
            "%s: few effective events under the shower weights %s; take the re-simulated views of these scales instead",
            sample,
            ", ".join(weak),
        )
    return spread
