"""The nearest neighbours of L particles at a time, by the distance that the farthest of them has.

Distances come as :mod:`rs3l_gnn.models.kernels.distances` lays them out, so that L particles sort theirs together,
without a branch. Written in part as LLVM intermediate code like :mod:`rs3l_gnn.models.kernels.simd`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # no type information in the package

from rs3l_gnn.models.kernels.parts import part
from rs3l_gnn.models.kernels.simd import VECTOR_BYTES, Emitter, intrinsic, long_vectors, types

__all__ = ["BLOCK", "exchange_block", "exchange_rows", "kth_smallest", "select_nearest", "sort_block"]

# numba names the arguments of an intrinsic by its function's, used or not, and compiled code passes them by position.
# ruff: noqa: ARG001, PLR0917

_I64 = ir.IntType(64)
BLOCK = 8
"""Rows that are sorted in registers."""
_SORT = (
    (0, 2), (1, 3), (4, 6), (5, 7), (0, 4), (1, 5), (2, 6), (3, 7), (0, 1), (2, 3),
    (4, 5), (6, 7), (2, 4), (3, 5), (1, 4), (3, 6), (1, 2), (3, 4), (5, 6),
)  # fmt: skip  # the network of 19 exchanges for eight numbers
_MERGE = tuple((i, i + stride) for stride in (4, 2, 1) for i in range(BLOCK) if not i & stride)


@part(lambda real, whole, _: whole(real[:, :, ::1], whole, whole, whole, real[:, ::1]))
def kth_smallest(table: Any, at: int, n: int, k: int, order: Any) -> int:
    """Sort the n values ``table[at, :, l]`` for each lane l as far as the k-th one needs it.

    A bitonic sorting network: runs of 8, 16, ... rows are merged, of the last two just what leads to the k-th row.

    Args:
        table: distances [any, at least n rounded up to a multiple of 8, L]; rows from n on are overwritten.
        at: which of them.
        n: values, at least 1.
        k: from 1 to n.
        order: memory [as many rows, L].

    Returns:
        The row of ``order`` that holds the k-th value of every lane.
    """
    end = (n + BLOCK - 1) // BLOCK * BLOCK
    for row in range(n, end):
        table[at, row] = np.inf
    for row in range(0, end, BLOCK):
        sort_block(table, at, row, order)
    run = BLOCK
    while run < end:
        # Rows from ``end`` on, which are not there, count as infinite: an exchange with one of them changes nothing.
        last = 2 * run >= end
        for start in range(0, end - run, 2 * run):
            exchange_rows(order, start + run - 1, start + run, -1, min(run, end - start - run))
        stride = run
        first, stop = 0, end
        while stride > BLOCK:
            if last:  # only the half with the row that is asked for
                first += 0 if k <= first + stride else stride
                stop = min(first + stride, end)
            stride //= 2
            for start in range(first, stop - stride, 2 * stride):
                exchange_rows(order, start, start + stride, 1, min(stride, stop - start - stride))
        if last:
            first = (k - 1) // BLOCK * BLOCK
            stop = first + BLOCK
        for start in range(first, stop, BLOCK):
            exchange_block(order, start)
        run *= 2
    return k - 1


@part(lambda real, whole, _: whole(real[:, :, ::1], whole, whole, real[:, ::1], whole, whole[:, ::1]))
def select_nearest(table: Any, at: int, n: int, order: Any, kth: int, bits: Any) -> int:
    """Bit ``j % 64`` of ``bits[j // 64, l]`` says whether ``table[at, j, l] <= order[kth, l]``, j < n.

    Shapes: table [any, at least n rounded up to a multiple of 8, L], order [any, L], bits int64 [at least n / 64, L].

    Returns:
        How many bits are set in all lanes.
    """
    long_vectors()
    lanes, found = VECTOR_BYTES // table.itemsize, 0
    for first in range(0, n, 64):
        word = first // 64
        for lane in range(lanes):
            bits[word, lane] = 0
        for row in range(first, min(first + 64, n), BLOCK):
            for lane in range(lanes):
                some = np.int32(0)
                for j in range(BLOCK):
                    some |= np.int32(table[at, row + j, lane] <= order[kth, lane]) << j
                bits[word, lane] |= np.int64(some) << (row - first)
        valid = np.int64(-1) if n - first >= 64 else (np.int64(1) << (n - first)) - 1
        for lane in range(lanes):
            left = bits[word, lane] & valid
            bits[word, lane] = left
            while left != 0:  # LLVM knows the processor's instruction for this loop
                left &= left - 1
                found += 1
    return found


@intrinsic
def exchange_rows(
    _typing: Any, order: Any, low: Any, high: Any, step: Any, count: Any
) -> tuple[Any, Callable[..., Any]]:
    """The smaller value of each lane to row ``low + step i``, the larger to ``high + i``, for i < count.

    Shapes: order [any, L].
    """
    signature = types.void(order, types.int64, types.int64, types.int64, types.int64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, signature.args[0].dtype)
        rows, _ = emit.array(signature.args[0], args[0])
        lanes = _I64(emit.lanes)
        with emit.loop(args[4]) as one:
            i = one.index
            places = [builder.add(args[1], builder.mul(args[3], i)), builder.add(args[2], i)]
            places = [builder.mul(place, lanes) for place in places]
            values = _exchanged(emit, *(emit.load(rows, place) for place in places))
            for value, place in zip(values, places, strict=True):
                emit.store(value, rows, place)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def sort_block(_typing: Any, table: Any, at: Any, row: Any, order: Any) -> tuple[Any, Callable[..., Any]]:
    """Write the rows ``table[at, row : row + 8]``, sorted in each lane, to the same rows of ``order``.

    Shapes: table [any, any, L], order [any, L].
    """
    signature = types.void(table, types.int64, types.int64, order)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, signature.args[0].dtype)
        source, (_, length, _) = emit.array(signature.args[0], args[0])
        target, _ = emit.array(signature.args[3], args[3])
        first = builder.add(builder.mul(args[1], length), args[2])
        _network(emit, _SORT, (source, first), (target, args[2]))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def exchange_block(_typing: Any, order: Any, row: Any) -> tuple[Any, Callable[..., Any]]:
    """Sort the rows ``order[row : row + 8]``, which rise and then fall, or fall and then rise, in each lane."""
    signature = types.void(order, types.int64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, signature.args[0].dtype)
        rows, _ = emit.array(signature.args[0], args[0])
        _network(emit, _MERGE, (rows, args[1]), (rows, args[1]))
        return context.get_dummy_value()

    return signature, generate


def _network(
    emit: Emitter, exchanges: Sequence[tuple[int, int]], source: tuple[Any, Any], target: tuple[Any, Any]
) -> None:
    """Exchanges among the 8 rows from a row of one array on, to those of another."""
    builder, lanes = emit.builder, _I64(emit.lanes)
    (given, first), (result, place) = ((array, builder.mul(row, lanes)) for array, row in (source, target))
    rows = [emit.load(given, builder.add(first, _I64(i * emit.lanes))) for i in range(BLOCK)]
    for i, j in exchanges:
        rows[i], rows[j] = _exchanged(emit, rows[i], rows[j])
    for i, row in enumerate(rows):
        emit.store(row, result, builder.add(place, _I64(i * emit.lanes)))


def _exchanged(emit: Emitter, a: Any, b: Any) -> tuple[Any, Any]:
    larger = emit.greater(a, b)
    return emit.builder.select(larger, b, a), emit.builder.select(larger, a, b)
