"""How far a variation moves the score of a tagger."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.evaluation.replicas import distance_replicas, multiplicities, share_replicas

__all__ = ["Shift", "ViewWeights", "distance", "quantile_scores", "rate_changes", "score_shift"]

ViewWeights = tuple[NDArray[np.floating], NDArray[np.floating]]
"""Weights of the nominal and the varied views of some events, or of signal and background jets."""


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


def score_shift(
    nominal: NDArray[np.floating],
    varied: NDArray[np.floating],
    replicas: NDArray[np.integer],
    weights: ViewWeights | None = None,
) -> Shift:
    """Wasserstein distance (of first order) of the scores of nominal and varied views.

    Args:
        nominal: scores of the nominal views [n_events].
        varied: scores of the varied views of the same events [n_events].
        replicas: bootstrap draws of event indices [n_replicas, n_events].
        weights: of the nominal and of the varied views [n_events] each; None counts every view once.

    Raises:
        InvalidDataError: no event, or not the same number of both.
    """
    central = distance(nominal, varied, weights)
    distances = distance_replicas(nominal, varied, multiplicities(replicas, len(nominal)), weights)
    return Shift(central, error=float(distances.std(ddof=1)), replicas=distances, n_events=len(nominal))


def distance(nominal: NDArray[np.floating], varied: NDArray[np.floating], weights: ViewWeights | None = None) -> float:
    """Wasserstein distance of first order; arguments and errors as for :func:`score_shift`."""
    return float(distance_replicas(nominal, varied, np.ones((1, len(nominal)), np.int64), weights)[0])


def quantile_scores(
    scores: NDArray[np.floating],
    signal: NDArray[np.floating],
    background: NDArray[np.floating],
    weights: ViewWeights | None = None,
) -> NDArray[np.float64]:
    """Scores on a scale that every tagger shares: the share of nominal jets with a lower score.

    Signal and background count the same. A monotone change of a tagger's score, such as a head that is less sure of
    itself, changes nothing here, whereas it changes distances in units of the score.

    Args:
        scores: scores to translate [n].
        signal: nominal scores of signal jets.
        background: nominal scores of background jets.
        weights: of the signal and of the background jets; None counts every jet once.
    """
    shares = []
    for number, reference in enumerate((signal, background)):
        of_jets = np.ones(len(reference)) if weights is None else weights[number]
        order = np.argsort(reference, kind="stable")
        rising = reference[order]
        before = np.concatenate([[0.0], np.cumsum(of_jets[order])])
        left, right = (np.searchsorted(rising, scores, side=side) for side in ("left", "right"))
        shares.append((before[left] + before[right]) / (2 * before[-1]))
    return np.asarray((shares[0] + shares[1]) / 2)


def rate_changes(
    nominal: NDArray[np.bool_],
    varied: NDArray[np.bool_],
    draws: NDArray[np.integer],
    weights: ViewWeights | None = None,
) -> tuple[float, NDArray[np.float64]] | None:
    """Relative change of the pass rate, varied / nominal - 1, and its value in every replica of the events.

    Args:
        nominal: True where the nominal view passes [n_events].
        varied: True where the varied view of the same event passes [n_events].
        draws: multiplicities of the events [n_replicas, n_events].
        weights: of the nominal and of the varied views [n_events] each; each rate is divided by its sum. None counts
            every view once.

    Returns:
        None if no nominal view passes (or those that do have no positive sum of weights); NaN for replicas in which
        that happens.
    """
    of_nominal, of_varied = (None, None) if weights is None else weights

    def changes(multiplicity: NDArray[np.integer]) -> NDArray[np.float64]:
        below = share_replicas(nominal, multiplicity, of_nominal)
        above = share_replicas(varied, multiplicity, of_varied)
        quotient = np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)
        if of_nominal is None or of_varied is None or np.array_equal(of_nominal, of_varied):
            return np.asarray(quotient - 1)  # both samples have the same sum
        everything = np.ones(len(nominal), dtype=bool)
        total = share_replicas(everything, multiplicity, of_nominal)
        other = share_replicas(everything, multiplicity, of_varied)
        return np.asarray(quotient * np.divide(total, other, out=np.full(len(below), np.nan), where=other > 0) - 1)

    value = float(changes(np.ones((1, len(nominal)), np.int64))[0])
    return None if np.isnan(value) else (value, changes(draws))
