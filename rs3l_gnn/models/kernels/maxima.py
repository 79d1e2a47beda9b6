"""The maximum over selected rows, written as LLVM intermediate code like :mod:`rs3l_gnn.models.kernels.simd`.

Rows are selected by bits: row ``first + j`` where bit ``j % 64`` of ``bits[j // 64, lane]`` is set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # no type information in the package
from numba import types

from rs3l_gnn.models.kernels.simd import VECTOR_BYTES, Emitter, cgutils, intrinsic

__all__ = ["max_rows", "max_rows_where"]

# numba names the arguments of an intrinsic by its function's, used or not, and compiled code passes them by position.
# ruff: noqa: ARG001, PLR0917

_MAXIMA = 8 if VECTOR_BYTES == 64 else 4
"""Vectors of maxima that stay in registers."""
_I1, _I32, _I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)


@intrinsic
def max_rows(
    _typing: Any, table: Any, first: Any, bits: Any, words: Any, lane: Any, out: Any, row: Any
) -> tuple[Any, Callable[..., Any]]:
    """``out[row, c] = max table[first + j, c]`` over the j that ``bits[:words, lane]`` select.

    Shapes: table [n_particles, C], bits int64 [any, any], out [any, C], C a multiple of L.
    """
    signature = types.void(table, types.int64, bits, types.int64, types.int64, out, types.int64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, signature.args[0].dtype)
        target, (_, channels) = emit.array(signature.args[5], args[5])

        def block(start: Any, width: int) -> None:
            best = emit.registers(width, emit.constant(float("-inf")))

            def take(_: Any, source: Any) -> None:
                for v, place in enumerate(best):
                    value, before = emit.load(source, _I64(v * emit.lanes)), builder.load(place)
                    builder.store(builder.select(emit.greater(value, before), value, before), place)

            _over_rows(emit, signature, args, start, take)
            begin = builder.gep(target, [builder.add(builder.mul(args[6], channels), start)])
            for v, place in enumerate(best):
                emit.store(builder.load(place), begin, _I64(v * emit.lanes))

        _over_channels(emit, channels, block)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def max_rows_where(
    _typing: Any, table: Any, first: Any, bits: Any, words: Any, lane: Any, out: Any, row: Any, where: Any
) -> tuple[Any, Callable[..., Any]]:
    """As :func:`max_rows`, and ``where[row, c]`` becomes the row of the table of the first maximum.

    Shapes: where int32 as ``out``.
    """
    signature = types.void(table, types.int64, bits, types.int64, types.int64, out, types.int64, where)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, signature.args[0].dtype)
        target, (_, channels) = emit.array(signature.args[5], args[5])
        winners, _ = emit.array(signature.args[7], args[7])
        narrow = ir.VectorType(_I32, emit.lanes)

        def block(start: Any, width: int) -> None:
            best = emit.registers(width, emit.constant(float("-inf")))
            itself = emit.splat(_as(builder, args[6], emit.counters.element))
            number = emit.registers(width, itself)  # which stays where rows have no numbers in them

            def take(particle: Any, source: Any) -> None:
                here = emit.splat(_as(builder, particle, emit.counters.element))
                for v in range(width):
                    value, before = emit.load(source, _I64(v * emit.lanes)), builder.load(best[v])
                    larger = emit.greater(value, before)
                    builder.store(builder.select(larger, value, before), best[v])
                    builder.store(builder.select(larger, here, builder.load(number[v])), number[v])

            _over_rows(emit, signature, args, start, take)
            begin = builder.add(builder.mul(args[6], channels), start)
            for v in range(width):
                at = builder.add(begin, _I64(v * emit.lanes))
                emit.store(builder.load(best[v]), target, at)
                emit.store(_as(builder, builder.load(number[v]), narrow), winners, at)

        _over_channels(emit, channels, block)
        return context.get_dummy_value()

    return signature, generate


def _over_channels(emit: Emitter, channels: Any, block: Callable[[Any, int], None]) -> None:
    lanes = _I64(emit.lanes)
    vectors = emit.builder.udiv(channels, lanes)
    emit.grouped(vectors, _MAXIMA, lambda vector, width: block(emit.builder.mul(vector, lanes), width))


def _over_rows(emit: Emitter, signature: Any, args: Any, start: Any, take: Callable[[Any, Any], None]) -> None:
    """``take`` the number of each selected row and the address of its channel ``start``, in rising order."""
    builder = emit.builder
    source, (_, stride) = emit.array(signature.args[0], args[0])
    bits, (_, n_lanes) = emit.array(signature.args[2], args[2])
    left = cgutils.alloca_once(builder, _I64)
    with emit.loop(args[3]) as word:
        at = builder.add(builder.mul(word.index, n_lanes), args[4])
        builder.store(builder.load(builder.gep(bits, [at])), left)
        origin = builder.add(args[1], builder.shl(word.index, _I64(6)))
        with emit.loop_while(lambda: builder.icmp_unsigned("!=", builder.load(left), _I64(0))):
            rest = builder.load(left)
            row = builder.add(origin, builder.cttz(rest, _I1(1)))
            builder.store(builder.and_(rest, builder.sub(rest, _I64(1))), left)
            take(row, builder.gep(source, [builder.add(builder.mul(row, stride), start)]))


def _as(builder: Any, value: Any, kind: Any) -> Any:
    return value if value.type == kind else builder.trunc(value, kind)
