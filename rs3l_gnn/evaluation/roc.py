"""Receiver operating characteristic: efficiencies, rejection, area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError

__all__ = ["Roc", "roc_curve", "threshold_at"]


@dataclass(frozen=True)
class Roc:
    """Efficiencies at falling thresholds.

    Attributes:
        threshold: a jet is tagged if its score is at least this [n].
        signal: signal efficiency, rising from 0 to 1 [n].
        background: background efficiency (false positive rate), rising from 0 to 1 [n].
    """

    threshold: NDArray[np.float64]
    signal: NDArray[np.float64]
    background: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Area under signal against background efficiency, by trapezoids, exact for ties."""
        return float(np.trapezoid(self.signal, self.background))

    def background_at(self, efficiency: float) -> float:
        """False positive rate at the loosest needed threshold that reaches a signal efficiency."""
        return float(self.background[np.searchsorted(self.signal, efficiency - 1e-12)])

    def rejection_at(self, efficiency: float) -> float | None:
        """1 / false positive rate; None where no background jet passes."""
        rate = self.background_at(efficiency)
        return 1 / rate if rate > 0 else None


def roc_curve(signal: NDArray[np.floating], background: NDArray[np.floating]) -> Roc:
    """Count jets above each score that occurs.

    Args:
        signal: scores of signal jets [n_signal].
        background: scores of background jets [n_background].

    Raises:
        InvalidDataError: a class without jets, or a score that is not finite.
    """
    for name, scores in (("signal", signal), ("background", background)):
        if len(scores) == 0 or not np.isfinite(scores).all():
            raise InvalidDataError(f"the {name} scores must be finite and at least one", got=f"{len(scores)} scores")
    # Decimals of float32 scores stay apart in float64.
    threshold = np.unique(np.concatenate([signal, background]).astype(np.float64))[::-1]
    efficiency = [
        np.searchsorted(np.sort(-scores.astype(np.float64)), -threshold, side="right") / len(scores)
        for scores in (signal, background)
    ]
    return Roc(
        threshold=np.concatenate([[np.inf], threshold]),
        signal=np.concatenate([[0.0], efficiency[0]]),
        background=np.concatenate([[0.0], efficiency[1]]),
    )


def threshold_at(signal: NDArray[np.floating], efficiency: float) -> float:
    """Largest threshold that keeps at least this share of the signal jets."""
    order = np.sort(signal.astype(np.float64))[::-1]
    return float(order[max(int(np.ceil(efficiency * len(order) - 1e-9)), 1) - 1])
