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
    draws: tuple[NDArray[np.integer], NDArray[np.integer]],
    efficiencies: Sequence[float],
    weights: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Area under the ROC curve and false positive rates in every replica.

    Args:
        signal: scores of signal jets [n_signal].
        background: scores of background jets [n_background].
        draws: multiplicities of both [n_replicas, n_signal] and [n_replicas, n_background].
        efficiencies: signal efficiencies [n_efficiencies].
        weights: of the jets of both; negative ones are subtracted. None counts every jet once.

    Returns:
        Areas [n_replicas] and rates [n_replicas, n_efficiencies]; the threshold is found anew in each replica. NaN for
        a replica in which the weights of a class have no positive sum.
    """
    of_jets = (np.ones(len(signal)), np.ones(len(background))) if weights is None else weights
    scores = np.concatenate([signal, background])
    order = np.argsort(-scores, kind="stable")
    # Jets of equal score pass together.
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    is_signal = order < len(signal)
    of_signal, of_background = order[is_signal], order[~is_signal] - len(signal)
    areas = np.empty(len(draws[0]))
    rates = np.empty((len(areas), len(efficiencies)))
    wanted = np.asarray(efficiencies) - 1e-12
    drawn = np.zeros((2, len(scores)))
    for replica, (in_signal, in_background) in enumerate(zip(*draws, strict=True)):
        drawn[0, is_signal] = (in_signal * of_jets[0])[of_signal]
        drawn[1, ~is_signal] = (in_background * of_jets[1])[of_background]
        passed = np.cumsum(drawn, axis=1)[:, ends]
        if not (passed[:, -1] > 0).all():
            areas[replica], rates[replica] = np.nan, np.nan
            continue
        passed /= passed[:, -1:]
        areas[replica] = np.trapezoid(np.append(0.0, passed[0]), np.append(0.0, passed[1]))
        rates[replica] = passed[1, np.searchsorted(np.maximum.accumulate(passed[0]), wanted)]
    return areas, rates


def distance_replicas(
    nominal: NDArray[np.floating],
    varied: NDArray[np.floating],
    draws: NDArray[np.integer],
    weights: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None,
) -> NDArray[np.float64]:
    """Wasserstein distance of first order in every replica: the area between the two distribution functions.

    Args:
        nominal: scores of the nominal views [n_events].
        varied: scores of the varied views of the same events [n_events].
        draws: multiplicities of the events [n_replicas, n_events].
        weights: of the nominal and of the varied views; each sample is divided by its sum. None counts every view once.

    Returns:
        Distances in units of the score [n_replicas]; NaN where the weights have no positive sum.

    Raises:
        InvalidDataError: no event, or not the same number of both.
    """
    if len(nominal) == 0 or len(nominal) != len(varied):
        raise InvalidDataError("a distance needs scores of the same events", got=f"{len(nominal)} and {len(varied)}")
    pooled = np.concatenate([nominal, varied]).astype(np.float64)
    order = np.argsort(pooled, kind="stable")
    steps = np.diff(pooled[order])
    event = order % len(nominal)
    is_nominal = order < len(nominal)
    of_views = _view_weights(len(nominal), weights)
    of_pooled = np.concatenate(of_views)[order]
    out = np.zeros(len(draws))
    for replica, row in enumerate(draws):
        if row.any():
            totals = float(row @ of_views[0]), float(row @ of_views[1])
            out[replica] = _area_between(is_nominal, row[event] * of_pooled, totals, steps)
    return out


def _view_weights(
    n: int, weights: tuple[NDArray[np.floating], NDArray[np.floating]] | None
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    return (np.ones(n), np.ones(n)) if weights is None else weights


def _area_between(
    is_first: NDArray[np.bool_], weights: NDArray[np.float64], totals: tuple[float, float], steps: NDArray[np.float64]
) -> float:
    """Area between the distribution functions of two samples, from their pooled jets by rising score.

    Args:
        is_first: True for jets of the first sample [n].
        weights: of the jets [n].
        totals: sums of the weights of both.
        steps: differences of the scores [n - 1].
    """
    first, second = totals
    if not (first > 0 and second > 0):
        return float("nan")
    excess = np.cumsum(np.where(is_first, weights, -weights * (first / second)))[:-1]
    return float(np.abs(excess) @ steps / first)


def null_distances(
    nominal: NDArray[np.floating],
    varied: NDArray[np.floating],
    rng: np.random.Generator,
    n_swaps: int = _SWAPS,
    weights: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None,
) -> NDArray[np.float64]:
    """Distances that the two views would have without any effect of the variation: statistics alone.

    Without an effect the two views of an event could change places. What random swaps give is what a distance has to
    exceed before it speaks of the variation; it falls with the square root of the number of events.

    Args:
        nominal: scores of the nominal views [n_events].
        varied: scores of the varied views of the same events [n_events].
        rng: chooses the swaps.
        n_swaps: how many.
        weights: of the nominal and of the varied views, which change places with them.

    Returns:
        The distance after each round of swaps [n_swaps].
    """
    pooled = np.concatenate([nominal, varied]).astype(np.float64)
    order = np.argsort(pooled, kind="stable")
    steps = np.diff(pooled[order])
    event = order % len(nominal)
    is_nominal = order < len(nominal)
    of_nominal, of_varied = _view_weights(len(nominal), weights)
    of_pooled = np.concatenate([of_nominal, of_varied])[order]
    out = np.empty(n_swaps)
    for number in range(n_swaps):
        stays = rng.choice((-1.0, 1.0), len(nominal)) > 0
        totals = (
            float(np.sum(np.where(stays, of_nominal, of_varied))),
            float(np.sum(np.where(stays, of_varied, of_nominal))),
        )
        out[number] = _area_between(is_nominal == stays[event], of_pooled, totals, steps)
    return out


def share_replicas(
    passed: NDArray[np.bool_], draws: NDArray[np.integer], weights: NDArray[np.floating] | None = None
) -> NDArray[np.float64]:
    """Sum of the weights of the events that pass, in every replica; their number without weights.

    Args:
        passed: which events pass [n_events].
        draws: multiplicities of the events [n_replicas, n_events].
        weights: of the events [n_events].
    """
    of_passed = np.ones(int(passed.sum())) if weights is None else weights[passed].astype(np.float64)
    return np.asarray(draws[:, passed] @ of_passed)
