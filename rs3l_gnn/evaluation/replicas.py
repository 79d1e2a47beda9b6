"""Bootstrap replicas of events as multiplicities, and what changes from replica to replica.

A replica is a row of numbers: how often each event is drawn. With the scores sorted once, every replica costs a running
sum and no sorting.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError

__all__ = [
    "bootstrap_weights",
    "distance_replicas",
    "multiplicities",
    "null_distances",
    "rate_replicas",
    "share_replicas",
]

_SWAPS = 100


def bootstrap_weights(n_events: int, n_replicas: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """How often each event is drawn when as many are drawn as there are, with replacement [n_replicas, n_events]."""
    out = np.empty((n_replicas, n_events), np.uint8)
    for row in out:
        # 255 draws of one event among its like have a probability below 1e-500.
        row[:] = np.bincount(rng.integers(n_events, size=n_events), minlength=n_events)
    return out


def multiplicities(draws: NDArray[np.integer], n_events: int) -> NDArray[np.int64]:
    """Draws of event indices [n_replicas, n_drawn] as multiplicities [n_replicas, n_events]."""
    return np.stack([np.bincount(row, minlength=n_events) for row in draws])


def rate_replicas(
    signal: NDArray[np.floating],
    background: NDArray[np.floating],
    weights: tuple[NDArray[np.integer], NDArray[np.integer]],
    efficiencies: Sequence[float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Area under the ROC curve and false positive rates in every replica.

    Args:
        signal: scores of signal jets [n_signal].
        background: scores of background jets [n_background].
        weights: multiplicities of both [n_replicas, n_signal] and [n_replicas, n_background].
        efficiencies: signal efficiencies [n_efficiencies].

    Returns:
        Areas [n_replicas] and rates [n_replicas, n_efficiencies]; the threshold is found anew in each replica.
    """
    scores = np.concatenate([signal, background])
    order = np.argsort(-scores, kind="stable")
    # Jets of equal score pass together.
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    is_signal = order < len(signal)
    of_signal, of_background = order[is_signal], order[~is_signal] - len(signal)
    areas = np.empty(len(weights[0]))
    rates = np.empty((len(areas), len(efficiencies)))
    wanted = np.asarray(efficiencies) - 1e-12
    drawn = np.zeros((2, len(scores)))
    for replica, (in_signal, in_background) in enumerate(zip(*weights, strict=True)):
        drawn[0, is_signal], drawn[1, ~is_signal] = in_signal[of_signal], in_background[of_background]
        passed = np.cumsum(drawn, axis=1)[:, ends]
        passed /= passed[:, -1:]
        areas[replica] = np.trapezoid(np.append(0.0, passed[0]), np.append(0.0, passed[1]))
        rates[replica] = passed[1, np.searchsorted(passed[0], wanted)]
    return areas, rates


def distance_replicas(
    nominal: NDArray[np.floating], varied: NDArray[np.floating], weights: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Wasserstein distance of first order in every replica: the area between the two distribution functions.

    Args:
        nominal: scores of the nominal views [n_events].
        varied: scores of the varied views of the same events [n_events].
        weights: multiplicities of the events [n_replicas, n_events].

    Returns:
        Distances in units of the score [n_replicas].

    Raises:
        InvalidDataError: no event, or not the same number of both.
    """
    if len(nominal) == 0 or len(nominal) != len(varied):
        raise InvalidDataError("a distance needs scores of the same events", got=f"{len(nominal)} and {len(varied)}")
    pooled = np.concatenate([nominal, varied]).astype(np.float64)
    order = np.argsort(pooled, kind="stable")
    steps = np.diff(pooled[order])
    event = order % len(nominal)
    sign = np.where(order < len(nominal), 1.0, -1.0)
    out = np.empty(len(weights))
    for replica, row in enumerate(weights):
        excess = np.cumsum(sign * row[event])[:-1]
        out[replica] = np.abs(excess) @ steps / max(int(row.sum()), 1)
    return out


def null_distances(
    nominal: NDArray[np.floating], varied: NDArray[np.floating], rng: np.random.Generator, n_swaps: int = _SWAPS
) -> NDArray[np.float64]:
    """Distances that the two views would have without any effect of the variation: statistics alone.

    Without an effect the two views of an event could change places. What random swaps give is what a distance has to
    exceed before it speaks of the variation; it falls with the square root of the number of events.

    Args:
        nominal: scores of the nominal views [n_events].
        varied: scores of the varied views of the same events [n_events].
        rng: chooses the swaps.
        n_swaps: how many.

    Returns:
        The distance after each round of swaps [n_swaps].
    """
    pooled = np.concatenate([nominal, varied]).astype(np.float64)
    order = np.argsort(pooled, kind="stable")
    steps = np.diff(pooled[order])
    event = order % len(nominal)
    sign = np.where(order < len(nominal), 1.0, -1.0)
    swaps = (rng.choice((-1.0, 1.0), len(nominal)) for _ in range(n_swaps))
    return np.array([np.abs(np.cumsum(sign * swap[event])[:-1]) @ steps / len(nominal) for swap in swaps])


def share_replicas(passed: NDArray[np.bool_], weights: NDArray[np.integer]) -> NDArray[np.float64]:
    """Number of events that pass, in every replica.

    Args:
        passed: which events pass [n_events].
        weights: multiplicities of the events [n_replicas, n_events].
    """
    return np.asarray(weights[:, passed].sum(axis=1, dtype=np.float64))
