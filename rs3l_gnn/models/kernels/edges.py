"""Compiled loops over the jets of a chunk: nearest neighbours, running maximum, and its gradient.

Every function releases the interpreter lock and runs in the calling thread; who calls them from several threads gets
the same numbers. Channels come in multiples of :func:`channel_multiple`. Particles of a jet are contiguous.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rs3l_gnn.models.kernels.compiled import compiled
from rs3l_gnn.models.kernels.elementwise import expm1
from rs3l_gnn.models.kernels.simd import (
    ROWS,
    VECTOR_BYTES,
    distance_rows,
    max_rows,
    max_rows_where,
    pack_panels,
)

__all__ = [
    "ELU",
    "LEAKY_RELU",
    "channel_multiple",
    "edge_backward",
    "edge_forward",
]

ELU, LEAKY_RELU = 0, 1
"""Activations; ReLU is LEAKY_RELU with slope 0."""

# Compiled code takes arrays by position, and a call costs more than a branch or a statement.
# ruff: noqa: PLR0912, PLR0917


def channel_multiple(itemsize: int) -> int:
    """Channels of x and of the output must be a multiple of this; pad with zeros."""
    return VECTOR_BYTES // itemsize


@compiled
def _count_up_to(values: Any, n_vectors: int, threshold: Any) -> int:
    """How many of the first ``n_vectors L`` values are at most ``threshold``; LLVM vectorises this loop by itself."""
    count = 0
    for j in range(n_vectors * (VECTOR_BYTES // values.itemsize)):
        count += values[j] <= threshold
    return count


@compiled
def _nearest(distance: Any, n: int, k: int, x: Any, first: int, index: Any, guess: Any) -> Any:
    """Write the numbers of the k < n smallest distances to index [at least n + 1].

    Returns:
        A good ``guess`` for the next particle of the same jet: the fourth root of the threshold that was found.
    """
    lanes = VECTOR_BYTES // distance.itemsize
    n_vectors = (n + lanes - 1) // lanes
    for j in range(n, n_vectors * lanes):
        distance[j] = np.inf  # lanes without a particle are nobody's neighbours
    high = distance[0]
    for j in range(n):
        high = max(high, distance[j])
    # Search for a threshold with k distances at or below it, by the distance's fourth root, in which distances are
    # spread more evenly. At ``low`` there are fewer than k, at ``high`` there are more.
    low, high = distance.dtype.type(0), distance.dtype.type(math.sqrt(math.sqrt(high)))
    below, above = 1, n
    root = guess if guess < high else high * distance.dtype.type(0.5)
    count, threshold = 0, low
    for step in range(24):
        threshold = root * root * root * root
        count = _count_up_to(distance, n_vectors, threshold)
        if count == k:
            break
        if count < k:
            low, below = root, count
        else:
            high, above = root, count
        # As if the roots were spread evenly, and half-way now and then in case they are not.
        even = distance.dtype.type(k + 0.5 - below) / distance.dtype.type(above - below)
        root = low + (high - low) * (distance.dtype.type(0.5) if step % 4 == 3 else even)
    if count == k:
        found = np.uint64(0)
        for j in range(n):
            index[found] = j
            found += np.uint64(distance[j] <= threshold)
    else:
        _nearest_with_ties(distance, n, k, x, first, index)
    return root


@compiled
def _nearest_with_ties(distance: Any, n: int, k: int, x: Any, first: int, index: Any) -> None:
    n_vectors = (n + VECTOR_BYTES // distance.itemsize - 1) // (VECTOR_BYTES // distance.itemsize)
    # The k-th smallest value, by stepping through the values from below.
    threshold = distance[0]
    for j in range(n):
        threshold = min(threshold, distance[j])
    count = _count_up_to(distance, n_vectors, threshold)
    while count < k:
        following = distance.dtype.type(np.inf)
        for j in range(n):
            if distance[j] > threshold:
                following = min(following, distance[j])
        if not following > threshold:
            break
        threshold = following
        count = _count_up_to(distance, n_vectors, threshold)
    found = 0
    for j in range(n):
        if distance[j] < threshold:
            index[found] = j
            found += 1
    nearer = found
    alike = True
    for j in range(n):
        if distance[j] == threshold:
            if found < k:
                index[found] = j
                found += 1
            alike = alike and not _differ(x, first + j, first + index[nearer])
    if alike:
        return
    # Equal distances: the smaller position in the order of its coordinates comes first, so that the choice does not
    # depend on the order of the particles. Where the positions are equal too, the choice makes no difference.
    found = nearer
    while found < k:
        best = -1
        for j in range(n):
            if distance[j] != threshold:
                continue
            taken = False
            for q in range(nearer, found):
                taken = taken or index[q] == j
            if not taken and (best < 0 or _comes_before(x, first + j, first + best)):
                best = j
        index[found] = max(best, 0)
        found += 1


@compiled
def _differ(x: Any, a: int, b: int) -> bool:
    differ = False
    for c in range(x.shape[1]):
        differ |= x[a, c] != x[b, c]
    return differ


@compiled
def _comes_before(x: Any, a: int, b: int) -> bool:
    for c in range(x.shape[1]):
        if x[a, c] < x[b, c]:
            return True
        if x[a, c] > x[b, c]:
            return False
    return False


@compiled
def _finish(a: Any, i: int, bias: Any, best: Any, kind: int, slope: Any, out: Any) -> None:
    zero = a.dtype.type(0)
    if kind == ELU:
        for c in range(out.shape[1]):
            v = a[i, c] + (best[c] + bias[c])
            below = slope * expm1(min(v, zero))
            out[i, c] = v if v > zero else below
    else:
        for c in range(out.shape[1]):
            v = a[i, c] + (best[c] + bias[c])
            out[i, c] = v if v > zero else slope * v


@compiled
def edge_forward(
    a: Any, c: Any, x: Any, bias: Any, cuts: Any, k: int, kind: int, slope: Any, out: Any, where: Any, save: bool
) -> None:
    """``out_i = act(a_i + b + max_j c_j)``, j over the k nearest particles of i in x.

    Args:
        a: product of each particle with its own weight [n_particles, O].
        c: product of each particle with the weight that its neighbours see [n_particles, O].
        x: positions [n_particles, C].
        bias: b [O].
        cuts: first particle of each jet of the chunk, int64 [n_jets + 1].
        k: neighbours, at least 1.
        kind: ELU or LEAKY_RELU.
        slope: ELU's alpha or the slope below zero.
        out: result [n_particles, O].
        where: int32 [n_particles, O]; with ``save`` the particle whose c was the maximum.
        save: whether to fill ``where``.
    """
    channels, n_out = x.shape[1], out.shape[1]
    lanes = VECTOR_BYTES // x.itemsize
    largest = 1
    for jet in range(len(cuts) - 1):
        largest = max(largest, cuts[jet + 1] - cuts[jet])
    n_panels = (largest + lanes - 1) // lanes
    panels = np.empty((n_panels, channels, lanes), x.dtype)
    distance = np.empty((ROWS, n_panels * lanes), x.dtype)
    best = np.empty(n_out, x.dtype)
    index = np.empty(n_panels * lanes + 1, np.int32)
    for jet in range(len(cuts) - 1):
        first, n = cuts[jet], cuts[jet + 1] - cuts[jet]
        if n == 0:
            continue
        if n <= k:  # everybody is everybody's neighbour
            for j in range(n):
                index[j] = j
            if save:
                max_rows_where(c, first, index, n, best, where, first)
            else:
                max_rows(c, first, index, n, best)
            for i in range(first, first + n):
                _finish(a, i, bias, best, kind, slope, out)
                if save:
                    for o in range(n_out):
                        where[i, o] = where[first, o]
            continue
        pack_panels(x, first, n, panels)
        n_used = (n + lanes - 1) // lanes
        guess = x.dtype.type(np.inf)
        for row in range(0, n, ROWS):
            distance_rows(panels, row, n_used, distance)
            for r in range(min(ROWS, n - row)):
                i = first + row + r
                guess = _nearest(distance[r], n, k, x, first, index, guess)
                if save:
                    max_rows_where(c, first, index, k, best, where, i)
                else:
                    max_rows(c, first, index, k, best)
                _finish(a, i, bias, best, kind, slope, out)


@compiled
def edge_backward(g: Any, out: Any, where: Any, kind: int, slope: Any, ga: Any, gc: Any, g_bias: Any) -> None:
    """Gradient of :func:`edge_forward`.

    Args:
        g: gradient of ``out`` [n_particles, O].
        out: result of the forward pass [n_particles, O].
        where: particle of each maximum, int32 [n_particles, O].
        kind: ELU or LEAKY_RELU.
        slope: ELU's alpha or the slope below zero.
        ga: result, gradient of ``a`` [n_particles, O].
        gc: result, gradient of ``c`` [n_particles, O].
        g_bias: the bias' gradient is added to it [O].
    """
    zero, one = out.dtype.type(0), out.dtype.type(1)
    for i in range(out.shape[0]):
        for o in range(out.shape[1]):
            y = out[i, o]
            below = y + slope if kind == ELU else slope
            ga[i, o] = g[i, o] * (one if y > zero else below)
            g_bias[o] += ga[i, o]
            gc[i, o] = 0
    for i in range(out.shape[0]):
        for o in range(out.shape[1]):
            gc[np.uint64(where[i, o]), o] += ga[i, o]
