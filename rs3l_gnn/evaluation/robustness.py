"""How far a variation moves the score of a tagger."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.evaluation.replicas import distance_replicas, multiplicities, share_replicas

__all__ = ["Shift", "distance", "quantile_scores", "rate_changes", "score_shift"]


@dataclass(frozen=True)
class Shift:
    """Distance of two score distributions of the same events.

    Attributes:
        distance: Wasserstein distance, in units of the score.
        error: its standard deviation over bootstrap replicas of the events.
        replicas: the distance of each replica [n_replicas].
        n_events: events with both views.
    """

    distance: float
    error: float
    replicas: NDArray[np.float64]
    n_events: int


def score_shift(nominal: NDArray[np.floating], varied: NDArray[np.floating], replicas: NDArray[np.integer]) -> Shift:
    """Wasserstein distance (of first order) of the scores of nominal and varied views.

    Args:
        nominal: scores of the nominal views [n_events].
        varied: scores of the varied views of the same events [n_events].
        replicas: bootstrap draws of event indices [n_replicas, n_events].

    Raises:
        InvalidDataError: no event, or not the same number of both.
    """
    central = distance(nominal, varied)
    distances = distance_replicas(nominal, varied, multiplicities(replicas, len(nominal)))
    return Shift(central, error=float(distances.std(ddof=1)), replicas=distances, n_events=len(nominal))


def distance(nominal: NDArray[np.floating], varied: NDArray[np.floating]) -> float:
    """Wasserstein distance of first order; errors as for :func:`score_shift`."""
    return float(distance_replicas(nominal, varied, np.ones((1, len(nominal)), np.int64))[0])


def quantile_scores(
    scores: NDArray[np.floating], signal: NDArray[np.floating], background: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Scores on a scale that every tagger shares: the share of nominal jets with a lower score.

    Signal and background count the same. A monotone change of a tagger's score, such as a head that is less sure of
    itself, changes nothing here, whereas it changes distances in units of the score.

    Args:
        scores: scores to translate [n].
        signal: nominal scores of signal jets.
        background: nominal scores of background jets.
    """
    shares = []
    for reference in (signal, background):
        order = np.sort(reference)
        below = np.searchsorted(order, scores, side="left") + np.searchsorted(order, scores, side="right")
        shares.append(below / (2 * len(order)))
    return np.asarray((shares[0] + shares[1]) / 2)


def rate_changes(
    nominal: NDArray[np.bool_], varied: NDArray[np.bool_], weights: NDArray[np.integer]
) -> tuple[float, NDArray[np.float64]] | None:
    """Relative change of the pass rate, varied / nominal - 1, and its value in every replica of the events.

    Args:
        nominal: True where the nominal view passes [n_events].
        varied: True where the varied view of the same event passes [n_events].
        weights: multiplicities of the events [n_replicas, n_events].

    Returns:
        None if no nominal view passes; NaN for replicas in which that happens.
    """
    if not nominal.any():
        return None
    below = share_replicas(nominal, weights)
    above = share_replicas(varied, weights)
    replicas = np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0) - 1
    return float(varied.sum() / nominal.sum() - 1), replicas
