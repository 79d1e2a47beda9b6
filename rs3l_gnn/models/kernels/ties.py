"""The k nearest of n particles where distances are equal, decided by coordinates. Rare, and so written plainly."""

from __future__ import annotations

from typing import Any

import numpy as np

from rs3l_gnn.models.kernels.parts import part
from rs3l_gnn.models.kernels.simd import types

__all__ = ["settle_ties"]

# Compiled code takes arrays by position.
# ruff: noqa: PLR0917


@part(
    lambda real, whole, held: types.void(
        held[:, ::1], whole, real[:, :, ::1], whole, whole, whole, real, whole, whole[:, ::1]
    )
)
def settle_ties(x: Any, first: int, table: Any, at: int, n: int, lane: int, farthest: Any, k: int, bits: Any) -> None:
    """Select k particles where more than k are not beyond the k-th distance.

    The smaller position in the order of its coordinates comes first, so that the choice does not depend on the order of
    the particles. Where the positions are equal too, the choice makes no difference.

    Args:
        x: coordinates of the particles, from row ``first`` on.
        first: see there.
        table: distances ``table[at, :n, lane]`` of the particles.
        at, n, lane: see there.
        farthest: the k-th smallest of them.
        k: how many.
        bits: int64; bit ``j % 64`` of ``bits[j // 64, lane]`` says whether j is selected, and is written.
    """
    for word in range((n + 63) >> 6):
        bits[word, lane] = 0
    found = 0
    for j in range(n):
        if table[at, j, lane] < farthest:
            bits[j >> 6, lane] |= np.int64(1) << (j & 63)
            found += 1
    alike = False  # all that are left
    while found < k:
        best, differs = -1, False
        for j in range(n):
            if table[at, j, lane] == farthest and not bits[j >> 6, lane] >> (j & 63) & 1:
                if best < 0:
                    best = j
                    if alike:
                        break
                    continue
                c = 0
                while c < x.shape[1] and x[first + j, c] == x[first + best, c]:
                    c += 1
                if c < x.shape[1]:
                    differs = True
                    if x[first + j, c] < x[first + best, c]:
                        best = j
        if best < 0:  # distances that are no numbers
            break
        bits[best >> 6, lane] |= np.int64(1) << (best & 63)
        found += 1
        alike = not differs
