"""Lists of different lengths as flat arrays, in the terms of awkward: counts, offsets, starts, parents, local index."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["count_runs", "first_not_finite", "local_index", "offsets_of", "parents_of", "ranges", "starts_of"]

Integers = NDArray[np.integer[Any]]


def offsets_of(counts: Integers) -> NDArray[np.int64]:
    """First element of each list, and the end of the last one [n + 1], from the lengths of the lists [n]."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def starts_of(counts: Integers) -> NDArray[np.int64]:
    """First element of each list [n], from the lengths of the lists [n]."""
    return offsets_of(counts)[:-1]


def parents_of(counts: Integers) -> NDArray[np.int64]:
    """List that each element belongs to [sum of counts], from the lengths of the lists [n]."""
    return np.repeat(np.arange(len(counts), dtype=np.int64), counts)


def local_index(counts: Integers) -> NDArray[np.int64]:
    """Place of each element in its list [sum of counts], from the lengths of the lists [n]."""
    return ranges(np.zeros(len(counts), dtype=np.int64), counts)


def ranges(first: Integers, counts: Integers) -> NDArray[np.int64]:
    """The numbers ``first[i]``, ``first[i] + 1``, ... of each range, one range after another [sum of counts].

    Args:
        first: where each range begins [n].
        counts: how long each range is [n].
    """
    offsets = offsets_of(counts)
    return np.arange(offsets[-1]) + np.repeat(np.asarray(first, dtype=np.int64) - offsets[:-1], counts)


def count_runs(values: Integers) -> int:
    """How many different numbers there are, of numbers that never fall; without the sorting of ``numpy.unique``."""
    return int(np.count_nonzero(np.diff(values))) + min(len(values), 1)


def first_not_finite(values: NDArray[Any]) -> tuple[int, ...] | None:
    """Index of the first element that is NaN or infinite, in the order of memory; None if all are finite."""
    finite = np.isfinite(values)
    if finite.all():
        return None
    return tuple(int(place) for place in np.unravel_index(int(np.argmin(finite)), values.shape))
