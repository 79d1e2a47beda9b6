"""Compiled loops over the jets of a chunk: nearest neighbours, running maximum, activations, and their gradients.

Every function releases the interpreter lock and runs in the calling thread; who calls them from several threads gets
the same numbers. Channels come in multiples of :func:`channel_multiple`. Particles of a jet are contiguous.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba import types
from numba.extending import overload

from rs3l_gnn.models.simd import ROWS, VECTOR_BYTES, count_up_to, distance_rows, max_rows, max_rows_where, pack_panels

__all__ = [
    "ELU",
    "LEAKY_RELU",
    "activate",
    "activate_backward",
    "channel_multiple",
    "edge_backward",
    "edge_forward",
    "nearest",
    "normalise",
    "pool",
    "pool_backward",
    "probabilities",
    "rectify",
    "shift",
]

ELU, LEAKY_RELU = 0, 1
"""Activations; ReLU is LEAKY_RELU with slope 0."""

# Compiled code takes arrays by position, and a call costs more than a branch or a statement.
# ruff: noqa: PLR0912, PLR0917

Function = TypeVar("Function", bound=Callable[..., Any])


def channel_multiple(itemsize: int) -> int:
    """Channels of x and of the output must be a multiple of this; pad with zeros."""
    return VECTOR_BYTES // itemsize


def _compiled(function: Function) -> Function:
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nnan", "nsz"}}
    try:
        return cast("Function", numba.njit(cache=True, **options)(function))
    except RuntimeError:  # no folder to keep the compiled code in
        return cast("Function", numba.njit(**options)(function))


def _expm1(x: Any) -> Any:
    raise NotImplementedError("compiled code only")


@overload(_expm1, jit_options={"fastmath": {"contract"}})
def _expm1_for(x):  # type: ignore[no-untyped-def]  # numba compares its signature with those it returns
    """exp(x) - 1 for x <= 0, to 1e-7 relative in single precision and without a call, so that loops vectorise."""
    if x != types.float32:

        def double(x):  # type: ignore[no-untyped-def]  # numba compares the two signatures, annotations included
            return math.expm1(x)

        return double
    f = np.float32

    def single(x):  # type: ignore[no-untyped-def]  # as above
        x = max(x, f(-87.0))
        # Adding 1.5 * 2^23 rounds to an integer n, which then stands in the lowest bits.
        shifted = f(x * f(1.4426950408889634) + f(12582912.0))
        n = f(shifted - f(12582912.0))
        power = np.int32((shifted.view(np.int32) + np.int32(127)) << np.int32(23)).view(np.float32)  # 2^n
        r = x - n * f(0.693359375)  # x - n log 2 in two steps, the first one exact
        r -= n * f(-2.12194440e-4)
        # Taylor-like polynomial of (exp(r) - 1 - r) / r^2 on |r| < log(2) / 2 (Cephes, expf).
        p = f(1.9875691500e-4)
        p = p * r + f(1.3981999507e-3)
        p = p * r + f(8.3334519073e-3)
        p = p * r + f(4.1665795894e-2)
        p = p * r + f(1.6666665459e-1)
        p = p * r + f(5.0000001201e-1)
        p = p * r * r + r
        return power * p + (power - f(1.0))

    return single


@_compiled
def activate(x: Any, bias: Any) -> None:
    """Add the bias and apply ELU, in place: x [n, C], bias [C]."""
    zero = x.dtype.type(0)
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            v = x[i, c] + bias[c]
            below = _expm1(min(v, zero))
            x[i, c] = v if v > zero else below


@_compiled
def shift(x: Any, bias: Any) -> None:
    """Add the bias, in place: x [n, C], bias [C]."""
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            x[i, c] += bias[c]


@_compiled
def rectify(x: Any, bias: Any) -> None:
    """Add the bias and apply ReLU, in place: x [n, C], bias [C]."""
    zero = x.dtype.type(0)
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            x[i, c] = max(x[i, c] + bias[c], zero)


@_compiled
def normalise(z: Any) -> None:
    """Divide each row [n, dim] by its length, in place; a row of zeros stays."""
    for i in range(z.shape[0]):
        square = 0.0
        for c in range(z.shape[1]):
            square += np.float64(z[i, c]) ** 2
        length = max(math.sqrt(square), 1e-12)
        for c in range(z.shape[1]):
            z[i, c] = z[i, c] / length


@_compiled
def probabilities(x: Any) -> None:
    """Turn logits [n, classes] into probabilities, in place: logistic for one class, else softmax."""
    for i in range(x.shape[0]):
        if x.shape[1] == 1:
            x[i, 0] = 1.0 / (1.0 + math.exp(-np.float64(x[i, 0])))
            continue
        largest = x[i, 0]
        for c in range(x.shape[1]):
            largest = max(largest, x[i, c])
        total = 0.0
        for c in range(x.shape[1]):
            total += math.exp(np.float64(x[i, c] - largest))
        for c in range(x.shape[1]):
            x[i, c] = math.exp(np.float64(x[i, c] - largest)) / total


@_compiled
def activate_backward(g: Any, y: Any, g_bias: Any) -> None:
    """Turn the gradient g of ``y = ELU(v + b)`` into that of v, in place [n, C], and add its sum to g_bias [C]."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(y.shape[0]):
        for c in range(y.shape[1]):
            g[i, c] *= one + min(y[i, c], zero)
            g_bias[c] += g[i, c]


@_compiled
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
        count = count_up_to(distance, n_vectors, threshold)
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


@_compiled
def _nearest_with_ties(distance: Any, n: int, k: int, x: Any, first: int, index: Any) -> None:
    n_vectors = (n + VECTOR_BYTES // distance.itemsize - 1) // (VECTOR_BYTES // distance.itemsize)
    # The k-th smallest value, by stepping through the values from below.
    threshold = distance[0]
    for j in range(n):
        threshold = min(threshold, distance[j])
    count = count_up_to(distance, n_vectors, threshold)
    while count < k:
        following = distance.dtype.type(np.inf)
        for j in range(n):
            if distance[j] > threshold:
                following = min(following, distance[j])
        if not following > threshold:
            break
        threshold = following
        count = count_up_to(distance, n_vectors, threshold)
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


@_compiled
def _differ(x: Any, a: int, b: int) -> bool:
    differ = False
    for c in range(x.shape[1]):
        differ |= x[a, c] != x[b, c]
    return differ


@_compiled
def _comes_before(x: Any, a: int, b: int) -> bool:
    for c in range(x.shape[1]):
        if x[a, c] < x[b, c]:
            return True
        if x[a, c] > x[b, c]:
            return False
    return False


@_compiled
def _finish(a: Any, i: int, bias: Any, best: Any, kind: int, slope: Any, out: Any) -> None:
    zero = a.dtype.type(0)
    if kind == ELU:
        for c in range(out.shape[1]):
            v = a[i, c] + (best[c] + bias[c])
            below = slope * _expm1(min(v, zero))
            out[i, c] = v if v > zero else below
    else:
        for c in range(out.shape[1]):
            v = a[i, c] + (best[c] + bias[c])
            out[i, c] = v if v > zero else slope * v


@_compiled
def nearest(x: Any, cuts: Any, k: int, index: Any, valid: Any) -> None:
    """Numbers of the k nearest particles of the same jet, in no order.

    Args:
        x: positions [n_particles, C].
        cuts: first particle of each jet of the chunk, int64 [n_jets + 1].
        k: neighbours, at least 1.
        index: result int64 [n_particles, k]; the particle's own number where it has no more neighbours.
        valid: result bool [n_particles, k], True = such a neighbour exists.
    """
    lanes = VECTOR_BYTES // x.itemsize
    largest = 1
    for jet in range(len(cuts) - 1):
        largest = max(largest, cuts[jet + 1] - cuts[jet])
    n_panels = (largest + lanes - 1) // lanes
    panels = np.empty((n_panels, x.shape[1], lanes), x.dtype)
    distance = np.empty((ROWS, n_panels * lanes), x.dtype)
    found = np.empty(n_panels * lanes + 1, np.int32)
    for jet in range(len(cuts) - 1):
        first, n = cuts[jet], cuts[jet + 1] - cuts[jet]
        if n <= k:
            for i in range(first, first + n):
                for q in range(k):
                    valid[i, q] = q < n
                    index[i, q] = first + q if q < n else i
            continue
        pack_panels(x, first, n, panels)
        n_used = (n + lanes - 1) // lanes
        guess = x.dtype.type(np.inf)
        for row in range(0, n, ROWS):
            distance_rows(panels, row, n_used, distance)
            for r in range(min(ROWS, n - row)):
                guess = _nearest(distance[r], n, k, x, first, found, guess)
                for q in range(k):
                    valid[first + row + r, q] = True
                    index[first + row + r, q] = first + found[q]


@_compiled
def pool(h: Any, cuts: Any, out: Any) -> None:
    """Sum the particles of each jet: h [n_particles, C] -> out [n_jets, C]."""
    for jet in range(len(cuts) - 1):
        for c in range(h.shape[1]):
            out[jet, c] = 0
        for i in range(cuts[jet], cuts[jet + 1]):
            for c in range(h.shape[1]):
                out[jet, c] += h[i, c]


@_compiled
def pool_backward(g: Any, cuts: Any, out: Any) -> None:
    """Hand the gradient of each jet to its particles: g [n_jets, C] -> out [n_particles, C]."""
    for jet in range(len(cuts) - 1):
        for i in range(cuts[jet], cuts[jet + 1]):
            for c in range(out.shape[1]):
                out[i, c] = g[jet, c]


@_compiled
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


@_compiled
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
