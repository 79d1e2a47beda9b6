"""Compiled loops over the jets of a chunk: nearest neighbours, running maximum, and its gradient.

Every function releases the interpreter lock and runs in the calling thread; who calls them from several threads gets
the same numbers. Channels come in multiples of :func:`channel_multiple`. Particles of a jet are contiguous.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rs3l_gnn.models.kernels.compiled import compiled
from rs3l_gnn.models.kernels.distances import pack_panels, panel_distances
from rs3l_gnn.models.kernels.elementwise import expm1
from rs3l_gnn.models.kernels.maxima import max_rows, max_rows_where
from rs3l_gnn.models.kernels.nearest import kth_smallest, select_nearest
from rs3l_gnn.models.kernels.simd import VECTOR_BYTES, long_vectors
from rs3l_gnn.models.kernels.ties import settle_ties

__all__ = [
    "ELU",
    "LEAKY_RELU",
    "channel_multiple",
    "edge_backward",
    "edge_forward",
    "memory_size",
]

ELU, LEAKY_RELU = 0, 1
"""Activations; ReLU is LEAKY_RELU with slope 0."""

_WHOLE = 512
"""Largest jet whose distances are all kept, a megabyte; those of a larger one are made for L particles at a time."""
_ROWS = 16
"""Tables of distances have a multiple of so many rows, which vectors and blocks of rows divide."""

# Compiled code takes arrays by position, and a call costs more than a branch or a statement.
# ruff: noqa: PLR0917


def channel_multiple(itemsize: int) -> int:
    """Channels of x and of the output must be a multiple of this; pad with zeros."""
    return VECTOR_BYTES // itemsize


@compiled
def _finish(a: Any, bias: Any, first: int, last: int, kind: int, slope: Any, out: Any) -> None:
    """``out_i = act(a_i + (out_i + b))`` for the rows of a jet."""
    long_vectors()
    zero = a.dtype.type(0)
    for i in range(first, last):
        if kind == ELU:
            for c in range(out.shape[1]):
                v = a[i, c] + (out[i, c] + bias[c])
                below = slope * expm1(min(v, zero))
                out[i, c] = v if v > zero else below
        else:
            for c in range(out.shape[1]):
                v = a[i, c] + (out[i, c] + bias[c])
                out[i, c] = v if v > zero else slope * v


@compiled
def edge_forward(
    a: Any,
    c: Any,
    x: Any,
    bias: Any,
    cuts: Any,
    k: int,
    kind: int,
    slope: Any,
    out: Any,
    where: Any,
    save: bool,
    memory: Any,
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
        memory: for work, as many numbers as :func:`memory_size` says.
    """
    channels, lanes = x.shape[1], VECTOR_BYTES // x.itemsize
    largest = 1
    for jet in range(len(cuts) - 1):
        largest = max(largest, cuts[jet + 1] - cuts[jet])
    whole = largest <= _WHOLE
    n_panels, length = (largest + lanes - 1) // lanes, (largest + _ROWS - 1) // _ROWS * _ROWS
    n_tables = n_panels if whole else 1
    of_panels, of_table = n_panels * channels * lanes, n_tables * length * lanes
    panels = memory[:of_panels].reshape(n_panels, channels, lanes)
    table = memory[of_panels : of_panels + of_table].reshape(n_tables, length, lanes)
    order = memory[of_panels + of_table :][: length * lanes].reshape(length, lanes)
    bits = np.empty(((largest + 63) // 64, lanes), np.int64)
    for jet in range(len(cuts) - 1):
        first, n = cuts[jet], cuts[jet + 1] - cuts[jet]
        words = (n + 63) // 64
        everybody = n <= k  # is everybody's neighbour
        if everybody:
            _select_all(n, bits)
        else:
            pack_panels(x, first, n, panels)
        for p in range((n + lanes - 1) // lanes):
            if not everybody:
                panel_distances(panels, p, n, table, whole)
                at = p if whole else 0
                kth = kth_smallest(table, at, n, k, order)
                select_nearest(table, at, n, order, kth, bits)
            for lane in range(min(lanes, n - p * lanes)):
                row = first + p * lanes + lane
                if everybody and row > first:
                    _copy_row(first, row, out, where, save)
                    continue
                if not everybody and _count(bits, words, lane) != k:
                    settle_ties(table[at, :n, lane], order[kth, lane], k, x, first, bits, lane)
                if save:
                    max_rows_where(c, first, bits, words, lane, out, row, where)
                else:
                    max_rows(c, first, bits, words, lane, out, row)
        _finish(a, bias, first, first + n, kind, slope, out)


def memory_size(largest: int, channels: int, itemsize: int) -> int:
    """How many numbers of memory :func:`edge_forward` needs for jets of up to so many particles."""
    length = -(-max(largest, 1) // _ROWS) * _ROWS
    lanes = channel_multiple(itemsize)
    return length * channels + max(min(length, _WHOLE) ** 2, length * lanes) + length * lanes


@compiled
def _select_all(n: int, bits: Any) -> None:
    """Set the lowest n bits of the first lane."""
    for word in range((n + 63) // 64):
        left = n - 64 * word
        bits[word, 0] = -1 if left >= 64 else (np.int64(1) << left) - 1


@compiled
def _count(bits: Any, words: int, lane: int) -> int:
    """How many bits are set; LLVM knows the processor's instruction for the inner loop."""
    found = 0
    for word in range(words):
        left = bits[word, lane]
        while left != 0:
            left &= left - 1
            found += 1
    return found


@compiled
def _copy_row(first: int, row: int, out: Any, where: Any, save: bool) -> None:
    for o in range(out.shape[1]):
        out[row, o] = out[first, o]
    if save:
        for o in range(out.shape[1]):
            where[row, o] = where[first, o]


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
