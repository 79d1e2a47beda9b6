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
        n_background: effective number of background jets that pass, see
            :func:`~rs3l_gnn.data.effective_number` [n].

    With negative weights the efficiencies need not rise everywhere; a threshold is then the first that reaches what is
    asked for.
    """

    threshold: NDArray[np.float64]
    signal: NDArray[np.float64]
    background: NDArray[np.float64]
    n_background: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Area under signal against background efficiency, by trapezoids, exact for ties."""
        return float(np.trapezoid(self.signal, self.background))

    def background_at(self, efficiency: float) -> float:
        """False positive rate at the loosest needed threshold that reaches a signal efficiency."""
        return float(self.background[self.place_of(efficiency)])

    def place_of(self, efficiency: float) -> int:
        """Place of the threshold that reaches a signal efficiency."""
        return int(np.searchsorted(np.maximum.accumulate(self.signal), efficiency - 1e-12))

    def rejection_at(self, efficiency: float) -> float | None:
        """1 / false positive rate; None where no background jet passes."""
        rate = self.background_at(efficiency)
        return 1 / rate if rate > 0 else None


def roc_curve(
    signal: NDArray[np.floating],
    background: NDArray[np.floating],
    weights: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None,
) -> Roc:
    """Sum the weights of the jets above each score that occurs.

    Args:
        signal: scores of signal jets [n_signal].
        background: scores of background jets [n_background].
        weights: of both; negative ones are subtracted. None counts every jet once.

    Raises:
        InvalidDataError: a class without jets, or a score that is not finite, or weights without a positive sum.
    """
    for name, scores in (("signal", signal), ("background", background)):
        if len(scores) == 0 or not np.isfinite(scores).all():
            raise InvalidDataError(f"the {name} scores must be finite and at least one", got=f"{len(scores)} scores")
    # Decimals of float32 scores stay apart in float64.
    threshold = np.unique(np.concatenate([signal, background]).astype(np.float64))[::-1]
    of_signal, of_background = (
        (np.ones(len(signal)), np.ones(len(background)))
        if weights is None
        else tuple(np.asarray(of_jets, dtype=np.float64) for of_jets in weights)
    )
    for name, of_jets in (("signal", of_signal), ("background", of_background)):
        if not of_jets.sum() > 0:
            raise InvalidDataError(f"the weights of the {name} jets have no positive sum", got=float(of_jets.sum()))
    passing = _sum_above(signal, of_signal, threshold), _sum_above(background, of_background, threshold)
    squares = _sum_above(background, of_background**2, threshold)
    return Roc(
        threshold=np.concatenate([[np.inf], threshold]),
        signal=passing[0] / passing[0][-1],
        background=passing[1] / passing[1][-1],
        n_background=np.divide(passing[1] ** 2, squares, out=np.zeros(len(squares)), where=squares > 0),
    )


def _sum_above(
    scores: NDArray[np.floating], weights: NDArray[np.float64], threshold: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sums of the weights at or above falling thresholds, with 0 before the first [n + 1]."""
    falling = -scores.astype(np.float64)
    order = np.argsort(falling, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(weights[order])])
    place = np.searchsorted(falling[order], -threshold, side="right")
    return np.concatenate([[0.0], sums[place]])


def threshold_at(signal: NDArray[np.floating], efficiency: float, weights: NDArray[np.floating] | None = None) -> float:
    """Largest threshold that keeps at least this share of the signal jets, by weight if there are weights."""
    scores = signal.astype(np.float64)
    if weights is None:
        weights = np.ones(len(scores))
    falling = np.argsort(-scores, kind="stable")
    kept = np.maximum.accumulate(np.cumsum(weights[falling], dtype=np.float64))
    total = float(np.sum(weights, dtype=np.float64))
    # A billionth of a jet for what rounding does to the product.
    place = int(np.searchsorted(kept, efficiency * total - 1e-9 * abs(total) / len(scores)))
    return float(scores[falling[min(place, len(scores) - 1)]])
