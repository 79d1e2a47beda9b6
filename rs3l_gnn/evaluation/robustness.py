"""How far a variation moves the score of a tagger."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from rs3l_gnn.conventions import InvalidDataError

__all__ = ["Shift", "paired_distances", "quantile_scores", "rate_changes", "score_shift"]


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
        InvalidDataError: no event.
    """
    if len(nominal) == 0 or len(nominal) != len(varied):
        raise InvalidDataError("a shift needs scores of the same events", got=f"{len(nominal)} and {len(varied)}")
    distances = paired_distances(nominal[replicas], varied[replicas])
    return Shift(
        distance=float(wasserstein_distance(nominal, varied)),
        error=float(distances.std(ddof=1)),
        replicas=distances,
        n_events=len(nominal),
    )


def paired_distances(left: NDArray[np.floating], right: NDArray[np.floating]) -> NDArray[np.float64]:
    """Wasserstein distance of rows of equally many scores: the mean distance of the sorted values [n_rows]."""
    a, b = (np.sort(np.asarray(rows, dtype=np.float64), axis=1) for rows in (left, right))
    return np.asarray(np.abs(a - b).mean(axis=1))


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
    nominal: NDArray[np.bool_], varied: NDArray[np.bool_], replicas: NDArray[np.integer]
) -> tuple[float | None, float | None]:
    """Relative change of the pass rate, varied / nominal - 1, and its bootstrap error.

    Args:
        nominal: True where the nominal view passes [n_events].
        varied: True where the varied view of the same event passes [n_events].
        replicas: bootstrap draws of event indices [n_replicas, n_events].

    Returns:
        None for both if no nominal view passes; None for the error if that happens in a replica.
    """
    if not nominal.any():
        return None, None
    change = float(varied.sum() / nominal.sum() - 1)
    below = nominal[replicas].sum(axis=1)
    if (below == 0).any():
        return change, None
    return change, float((varied[replicas].sum(axis=1) / below - 1).std(ddof=1))
