"""Which event of one data set is which of another, by a key of a few whole numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["first_repeated", "rows_of_same_key"]


def first_repeated(keys: NDArray[np.uint64]) -> tuple[int, int] | None:
    """Two rows with the same key, None if all differ.

    Args:
        keys: of the events [n_events, n_numbers].
    """
    order = np.lexsort(keys.T[::-1])
    same = (keys[order][1:] == keys[order][:-1]).all(axis=1)
    if not same.any():
        return None
    place = int(np.argmax(same))
    one, other = sorted((int(order[place]), int(order[place + 1])))
    return one, other


def rows_of_same_key(keys: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.int64]:
    """For each of some events, the row of the event with the same key; -1 where there is none [n_others].

    Args:
        keys: to look in, all different [n_events, n_numbers].
        others: to look for [n_others, n_numbers].
    """
    together = np.concatenate([keys, others])
    order = np.lexsort(together.T[::-1])  # stable: rows of ``keys`` come first in each group of equal keys
    new = np.ones(len(order), dtype=bool)
    new[1:] = (together[order][1:] != together[order][:-1]).any(axis=1)
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.cumsum(new) - 1
    row_of_group = np.full(len(order), -1, dtype=np.int64)
    row_of_group[group[: len(keys)]] = np.arange(len(keys))
    return row_of_group[group[len(keys) :]]
