"""The k nearest of n particles where distances are equal, decided by coordinates. Rare, and so written plainly."""

from __future__ import annotations

from typing import Any

import numpy as np

from rs3l_gnn.models.kernels.compiled import compiled

__all__ = ["settle_ties"]

# Compiled code takes arrays by position.
# ruff: noqa: PLR0917


@compiled
def settle_ties(distance: Any, farthest: Any, k: int, x: Any, first: int, bits: Any, lane: int) -> None:
    """Select k particles where more than k are not beyond the k-th distance.

    The smaller position in the order of its coordinates comes first, so that the choice does not depend on the order of
    the particles. Where the positions are equal too, the choice makes no difference.

    Args:
        distance: of each particle [n].
        farthest: the k-th smallest of them.
        k: how many.
        x: coordinates of the particles, from row ``first`` on.
        first: see there.
        bits: int64; bit ``j % 64`` of ``bits[j // 64, lane]`` says whether j is selected, and is written.
        lane: see there.
    """
    n = len(distance)
    for word in range((n + 63) // 64):
        bits[word, lane] = 0
    found, one, alike = 0, -1, True
    for j in range(n):
        if distance[j] < farthest:
            bits[j // 64, lane] |= np.int64(1) << (j % 64)
            found += 1
        elif distance[j] == farthest:
            one = j if one < 0 else one
            alike = alike and _compare(x, first + j, first + one) == 0
    while found < k:
        best = -1
        for j in range(n):
            if distance[j] == farthest and not bits[j // 64, lane] >> (j % 64) & 1:
                if best < 0 or _compare(x, first + j, first + best) < 0:
                    best = j
                if alike:
                    break
        if best < 0:  # distances that are no numbers
            break
        bits[best // 64, lane] |= np.int64(1) << (best % 64)
        found += 1


@compiled
def _compare(x: Any, a: int, b: int) -> int:
    """-1, 0 or 1 as row a comes before b in the order of their coordinates, is the same, or comes after it."""
    for c in range(x.shape[1]):
        if x[a, c] != x[b, c]:
            return -1 if x[a, c] < x[b, c] else 1
    return 0
