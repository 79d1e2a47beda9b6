"""Which jets of two views of an event go together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import delta_r
from rs3l_gnn.conventions.jagged import local_index, parents_of, ranges

__all__ = ["Outcome", "Places", "match_by_rank", "match_nearest", "rank_in_event"]

_PAIRS_AT_ONCE = 2_000_000


class Outcome(IntEnum):
    """What became of the search for a partner."""

    FOUND = 0
    NONE_THERE = 1
    TOO_FAR = 2
    TAKEN = 3


@dataclass(frozen=True)
class Places:
    """Directions, grouped by event.

    Attributes:
        event: rising [n].
        eta, phi: directions [n].
    """

    event: NDArray[np.int64]
    eta: NDArray[np.floating]
    phi: NDArray[np.floating]

    def select(self, places: NDArray[np.int64]) -> Places:
        """Some of them, by rising indices."""
        return Places(self.event[places], self.eta[places], self.phi[places])


def match_nearest(one: Places, other: Places, radius: float) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Pairs of which each is the other's nearest, in the same event and nearer than a radius.

    Returns:
        For each of ``one``, its partner in ``other`` or -1, and the :class:`Outcome` [n_one].
    """
    partner = np.full(len(one.event), -1, dtype=np.int64)
    outcome = np.full(len(one.event), Outcome.NONE_THERE, dtype=np.int8)
    low = np.searchsorted(other.event, one.event, side="left")
    counts = np.searchsorted(other.event, one.event, side="right") - low
    start = 0
    # Blocks end with an event, so that each sees all that compete in it; their pairs are in memory together.
    total = np.cumsum(counts)
    while start < len(counts):
        done = total[start - 1] if start else 0
        stop = max(int(np.searchsorted(total, done + _PAIRS_AT_ONCE)), start + 1)
        stop = int(np.searchsorted(one.event, one.event[stop - 1], side="right"))
        block = slice(start, stop)
        mine, theirs = parents_of(counts[block]), ranges(low[block], counts[block])
        here = (one.eta[block][mine], one.phi[block][mine])
        distance = np.asarray(delta_r(*here, other.eta[theirs], other.phi[theirs]), dtype=np.float64)
        nearest = _first_of_each(mine, distance)
        within = distance[nearest] < radius
        outcome[block][mine[nearest]] = np.where(within, Outcome.TAKEN, Outcome.TOO_FAR)
        chosen = nearest[within & np.isin(nearest, _first_of_each(theirs, distance))]
        outcome[block][mine[chosen]] = Outcome.FOUND
        partner[block][mine[chosen]] = theirs[chosen]
        start = stop
    return partner, outcome


def _first_of_each(group: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.int64]:
    """Place of the smallest value of each group."""
    order = np.lexsort((value, group))
    new = np.ones(len(order), dtype=bool)
    new[1:] = group[order][1:] != group[order][:-1]
    return order[new]


def rank_in_event(event: NDArray[np.int64], pt: NDArray[np.floating]) -> NDArray[np.int64]:
    """Place of each jet in its event by falling pT, from 0 [n_jets]; events rise."""
    order = np.lexsort((-pt, event))
    counts = np.bincount(np.cumsum(np.diff(event, prepend=event[:1]) != 0)) if len(event) else np.zeros(0, np.int64)
    rank = np.empty(len(event), dtype=np.int64)
    rank[order] = local_index(counts)
    return rank


def match_by_rank(
    event: NDArray[np.int64], pt: NDArray[np.floating], other_event: NDArray[np.int64], other_pt: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """The hardest with the hardest, the second with the second; returns as :func:`match_nearest`. Events rise."""
    rank = rank_in_event(event, pt)
    order = np.lexsort((-other_pt, other_event))
    low = np.searchsorted(other_event, event, side="left")
    counts = np.searchsorted(other_event, event, side="right") - low
    found = rank < counts
    partner = np.full(len(event), -1, dtype=np.int64)
    partner[found] = order[(low + rank)[found]]
    outcome = np.where(found, Outcome.FOUND, np.where(counts > 0, Outcome.TAKEN, Outcome.NONE_THERE))
    return partner, outcome.astype(np.int8)
