"""Compiled loops over the jets of a chunk: nearest neighbours, running maximum, and its gradient.

Every function releases the interpreter lock and runs in the calling thread; who calls them from several threads gets
the same numbers. Channels come in multiples of :func:`channel_multiple`. Particles of a jet are contiguous.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rs3l_gnn.models.kernels.compiled import compiled
from rs3l_gnn.models.kernels.distances import pack_panels, panel_distances
from rs3l_gnn.models.kernels.elementwise import ELU, expm1
from rs3l_gnn.models.kernels.fixed_point import edge_sum, extra_rows, factor_at
from rs3l_gnn.models.kernels.maxima import max_rows, max_rows_where
from rs3l_gnn.models.kernels.nearest import kth_smallest, select_nearest
from rs3l_gnn.models.kernels.parts import calling_parts, part
from rs3l_gnn.models.kernels.simd import VECTOR_BYTES, address, carray, long_vectors, types
from rs3l_gnn.models.kernels.ties import settle_ties
from rs3l_gnn.models.kernels.tiles import product_rows

__all__ = [
    "channel_multiple",
    "edge_backward",
    "edge_forward",
    "memory_size",
]

_WHOLE = 512
"""Largest jet whose distances are all kept, a megabyte; those of a larger one are made for L particles at a time."""
_TOGETHER = 512
"""Particles whose products are made at once: large enough for the matrix products, small enough for the cache."""
_ROWS = 16
"""Tables of distances have a multiple of so many rows, which vectors and blocks of rows divide."""

# Compiled code takes arrays by position, and a call costs more than a branch or a statement.
# ruff: noqa: PLR0917


def channel_multiple(itemsize: int) -> int:
    """Channels of x and of the output must be a multiple of this; pad with zeros."""
    return VECTOR_BYTES // itemsize


@part(
    lambda real, whole, held: types.void(
        held[:, ::1], real[:, ::1], real[:, ::1], real, real[::1], whole, whole, whole, real, real[:, ::1]
    )
)
def _finish(
    x: Any, a: Any, factors: Any, factor: Any, bias: Any, first: int, last: int, kind: int, slope: Any, out: Any
) -> None:
    """``out_i = act(a_i + (out_i + b))`` for the rows of a jet; a and out are those of x, whole numbers or not."""
    long_vectors()
    zero = a.dtype.type(0)
    for i in range(first, last):
        if kind == ELU:
            for c in range(out.shape[1]):
                v = edge_sum(x, a[i, c], out[i, c], factors, factor, bias, c)
                below = slope * expm1(min(v, zero))
                out[i, c] = v if v > zero else below
        else:
            for c in range(out.shape[1]):
                v = edge_sum(x, a[i, c], out[i, c], factors, factor, bias, c)
                out[i, c] = v if v > zero else slope * v


@calling_parts
def edge_forward(  # noqa: PLR0912  # each part is compiled for itself, which takes longer
    x: Any,
    weights: Any,
    factors: Any,
    bias: Any,
    cuts: Any,
    of_jets: Any,
    k: int,
    kind: int,
    slope: Any,
    out: Any,
    where: Any,
    save: bool,
    memory: Any,
) -> None:
    """``out_i = act(a_i + b + max_j c_j)``, j over the k nearest particles of i in x, with two products a and c of x.

    As many jets at a time as do best in the cache; with ``save`` all of them.

    Args:
        x: particles [n_particles, C], or int32, pairs of whole numbers (:mod:`rs3l_gnn.models.kernels.fixed_point`).
        weights: of a and c [2, O / L, C, L], see :func:`rs3l_gnn.models.kernels.products.panels_of`; with none
            [2, 0, C, L], a and c are what the memory begins with.
        factors: of whole weights [2, O], else of any size.
        bias: b [O].
        cuts: first particle of each jet, from 0, int64 [n_jets + 1].
        of_jets: factors of whole numbers [n_jets], else of any size.
        k: neighbours, at least 1.
        kind: ELU or LEAKY_RELU.
        slope: ELU's alpha or the slope below zero.
        out: result [n_particles, O].
        where: int32 [n_particles, O]; with ``save`` the particle whose c was the maximum.
        save: whether to fill ``where``.
        memory: for work, twice as many numbers as in ``out``, and as many as :func:`memory_size` says.
    """
    channels, lanes, n_outputs, n_jets = x.shape[1], VECTOR_BYTES // x.itemsize, len(bias), len(cuts) - 1
    largest = 1
    for jet in range(n_jets):
        largest = max(largest, cuts[jet + 1] - cuts[jet])
    whole = largest <= _WHOLE
    n_panels, length = (largest + lanes - 1) // lanes, (largest + _ROWS - 1) // _ROWS * _ROWS
    n_tables, free = n_panels if whole else 1, 2 * x.shape[0] * n_outputs
    height = channels + extra_rows(x)
    of_panels, of_table = n_panels * height * lanes, n_tables * length * lanes
    # With slices and numpy's functions the whole would take a third longer to compile.
    panels = carray(address(memory, free, x), (n_panels, height, lanes))
    table = carray(address(memory, free + of_panels, bias), (n_tables, length, lanes))
    order = carray(address(memory, free + of_panels + of_table, bias), (length, lanes))
    bits = carray(address(memory, free + of_panels + of_table + order.size, cuts), ((largest + 63) // 64, lanes))
    end = 0
    for jet in range(n_jets):
        if jet == end:
            origin, end = cuts[jet], n_jets if save else jet + 1
            while end < n_jets and cuts[end + 1] - origin <= _TOGETHER:
                end += 1
            n_rows = cuts[end] - origin
            a, c = (
                carray(address(memory, 0, bias), (n_rows, n_outputs)),
                carray(address(memory, n_rows * n_outputs, bias), (n_rows, n_outputs)),
            )
            here, result = (
                carray(address(x, origin * channels, x), (n_rows, channels)),
                carray(address(out, origin * n_outputs, bias), (n_rows, n_outputs)),
            )
            for which in range(2 if n_rows else 0):
                of_which = carray(address(weights, which * weights.size // 2, x), (weights.shape[1], channels, lanes))
                product_rows(here, of_which, c if which else a)
        first, n = cuts[jet] - origin, cuts[jet + 1] - cuts[jet]
        words = (n + 63) // 64
        everybody = n <= k  # is everybody's neighbour, so that one maximum is enough
        if everybody:
            for word in range(words):
                bits[word, 0] = -1 if n >= 64 * (word + 1) else (np.int64(1) << (n - 64 * word)) - 1
        else:
            pack_panels(here, first, n, panels)
            if whole:  # all at once, before what follows drives the panels from the cache
                for p in range((n + lanes - 1) // lanes):
                    panel_distances(panels, p, n, table, whole)
        for p in range(min(n, 1) if everybody else (n + lanes - 1) // lanes):
            at, kth, ties = p if whole else 0, 0, False
            if not everybody:
                if not whole:
                    panel_distances(panels, p, n, table, whole)
                kth = kth_smallest(table, at, n, k, order)
                ties = select_nearest(table, at, n, order, kth, bits) != k * lanes
            for lane in range(1 if everybody else min(lanes, n - p * lanes)):
                row = first + p * lanes + lane
                if ties:
                    settle_ties(here, first, table, at, n, lane, order[kth, lane], k, bits)
                if save:
                    max_rows_where(c, first, bits, words, lane, result, row, where)
                else:
                    max_rows(c, first, bits, words, lane, result, row)
        if everybody:
            for row in range(first + 1, first + n):
                for o in range(n_outputs):
                    result[row, o] = result[first, o]
                    if save:
                        where[row, o] = where[first, o]
        _finish(here, a, factors, factor_at(x, of_jets, jet, slope), bias, first, first + n, kind, slope, result)


def memory_size(largest: int, channels: int, itemsize: int) -> int:
    """Numbers of memory that :func:`edge_forward` needs beside its products for jets of up to so many particles.

    Args:
        largest: particles of a jet.
        channels: of a particle, for pairs of whole numbers one more than pairs.
        itemsize: bytes of a number.
    """
    length = -(-max(largest, 1) // _ROWS) * _ROWS
    lanes = channel_multiple(itemsize)
    words = -(-length // 64) * lanes * 8 // itemsize
    return length * channels + max(min(length, _WHOLE) ** 2, length * lanes) + length * lanes + words


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
    long_vectors()
    zero, one = out.dtype.type(0), out.dtype.type(1)
    for i in range(out.shape[0]):
        # One array in each loop: LLVM gives vectors up where it would have to compare many places in memory.
        for o in range(out.shape[1]):
            y = out[i, o]
            below = y + slope if kind == ELU else slope
            ga[i, o] = g[i, o] * (one if y > zero else below)
        for o in range(out.shape[1]):
            g_bias[o] += ga[i, o]
        for o in range(out.shape[1]):
            gc[i, o] = 0
    for i in range(out.shape[0]):
        for o in range(out.shape[1]):
            gc[np.uint64(where[i, o]), o] += ga[i, o]
