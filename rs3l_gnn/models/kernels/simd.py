"""Vector code for the kernels, written as LLVM intermediate code because numba has no vector type.

Three loops decide the speed of a dynamic EdgeConv and numba does not turn them into good vector code by itself: laying
particles out by lanes, distances of a few particles to all others, and the maximum over selected rows. LLVM
translates them for the machine at hand, with or without AVX-512.

Letters: L lanes of a vector, P panels of L particles, C channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]  # no type information in the package
from llvmlite import ir
from numba import config as numba_config
from numba import types
from numba.core import cgutils as numba_cgutils
from numba.extending import intrinsic as numba_intrinsic

__all__ = [
    "ROWS",
    "VECTOR_BYTES",
    "Emitter",
    "cgutils",
    "distance_rows",
    "max_rows",
    "max_rows_where",
    "pack_panels",
]

# numba names the arguments of an intrinsic by its function's, used or not, and compiled code passes them by position.
# ruff: noqa: ARG001, PLR0917

cgutils: Any = numba_cgutils  # in part without annotations


def _wide() -> bool:
    config: Any = numba_config
    if config.CPU_NAME is not None:  # NUMBA_CPU_NAME asks for code for another machine
        return "+avx512f" in (config.CPU_FEATURES or "")
    return bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))


_WIDE = _wide()
VECTOR_BYTES = 64 if _WIDE else 32
"""Bytes of a vector: panels hold ``VECTOR_BYTES // itemsize`` particles, channels come in multiples of that. LLVM cuts
vectors that are longer than the machine's."""
ROWS = 4
"""Particles whose distances :func:`distance_rows` computes together."""

# Sums that stay in registers: 4 x 4 where there are 32 of them (AVX-512), 4 x 2 where there are 16.
_PANELS = 4 if _WIDE else 2
_MAXIMA = 8 if _WIDE else 4
_FLAGS = ("contract", "nnan", "nsz")
_I32, _I64 = ir.IntType(32), ir.IntType(64)


def intrinsic(function: Callable[..., Any]) -> Any:
    """numba's decorator, whose annotations describe a call from Python and not one from compiled code."""
    return numba_intrinsic(function)


class Emitter:
    """Shorthands to write vector code for one element type."""

    def __init__(self, context: Any, builder: Any, dtype: Any) -> None:
        self.context, self.builder = context, builder
        self.size = dtype.bitwidth // 8
        self.lanes = VECTOR_BYTES // self.size
        self.vector = ir.VectorType(context.get_value_type(dtype), self.lanes)
        self.counters = ir.VectorType(ir.IntType(dtype.bitwidth), self.lanes)
        self.undefined = ir.Constant(self.vector, ir.Undefined)

    def array(self, kind: Any, value: Any) -> tuple[Any, list[Any]]:
        """Address and shape of an array."""
        array = self.context.make_array(kind)(self.context, self.builder, value)
        return array.data, cgutils.unpack_tuple(self.builder, array.shape)

    def load(self, base: Any, offset: Any) -> Any:
        where = self.builder.bitcast(self.builder.gep(base, [offset]), self.vector.as_pointer())
        return self.builder.load(where, align=self.size)

    def store(self, value: Any, base: Any, offset: Any) -> None:
        where = self.builder.bitcast(self.builder.gep(base, [offset]), value.type.as_pointer())
        self.builder.store(value, where, align=4)

    def splat(self, scalar: Any) -> Any:
        undefined = ir.Constant(ir.VectorType(scalar.type, self.lanes), ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, _I32(0))
        return self.builder.shuffle_vector(first, undefined, self.lanes_of([0] * self.lanes))

    def lanes_of(self, numbers: list[int]) -> Any:
        return ir.Constant(ir.VectorType(_I32, self.lanes), numbers)

    def constant(self, value: float) -> Any:
        return ir.Constant(self.vector, [value] * self.lanes)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        # Two instructions that LLVM joins where the machine can, and only there.
        return self.builder.fadd(self.builder.fmul(a, b, flags=_FLAGS), c, flags=_FLAGS)

    def greater(self, a: Any, b: Any) -> Any:
        return self.builder.fcmp_ordered(">", a, b, flags=_FLAGS)

    def loop(self, count: Any, start: Any = None) -> Any:
        return cgutils.for_range(self.builder, count, start=start)

    def grouped(self, count: Any, width: int, work: Callable[[Any, int], None]) -> None:
        """``work(first, width)`` for each group of ``width`` out of ``count``, ``work(index, 1)`` for what is left."""
        builder = self.builder
        whole = builder.udiv(count, _I64(width))
        with self.loop(whole) as group:
            work(builder.mul(group.index, _I64(width)), width)
        done = builder.mul(whole, _I64(width))
        with self.loop(builder.sub(count, done)) as single:
            work(builder.add(done, single.index), 1)


@intrinsic
def pack_panels(_typing: Any, x: Any, first: Any, n: Any, panels: Any) -> tuple[Any, Callable[..., Any]]:
    """``panels[p, c, l] = x[first + p L + l, c]`` for n particles; the last one fills up its panel.

    Shapes: x [n_particles, C], panels [P, C, L]; C a multiple of L.
    """
    signature = types.void(x, types.int64, types.int64, panels)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, signature.args[0].dtype)
        source, (_, channels) = emit.array(signature.args[0], args[0])
        target, _ = emit.array(signature.args[3], args[3])
        first, n = args[1], args[2]
        lanes = _I64(emit.lanes)
        last = builder.sub(n, _I64(1))
        with emit.loop(builder.udiv(builder.add(n, _I64(emit.lanes - 1)), lanes)) as panel:
            rows = []
            for lane in range(emit.lanes):
                particle = builder.add(builder.mul(panel.index, lanes), _I64(lane))
                particle = builder.select(builder.icmp_signed("<", particle, last), particle, last)
                rows.append(builder.mul(builder.add(first, particle), channels))
            base = builder.mul(panel.index, builder.mul(channels, lanes))
            with emit.loop(builder.udiv(channels, lanes)) as block:
                channel = builder.mul(block.index, lanes)
                square = [emit.load(source, builder.add(row, channel)) for row in rows]
                for lane, column in enumerate(_transpose(emit, square)):
                    at = builder.mul(builder.add(channel, _I64(lane)), lanes)
                    emit.store(column, target, builder.add(base, at))
        return context.get_dummy_value()

    return signature, generate


def _transpose(emit: Emitter, rows: list[Any]) -> list[Any]:
    # Swaps the off-diagonal quarters of the square, then of its quarters, and so on.
    rows = list(rows)
    half = emit.lanes // 2
    while half:
        low = [lane if not lane & half else emit.lanes + lane - half for lane in range(emit.lanes)]
        high = [lane + half if not lane & half else emit.lanes + lane for lane in range(emit.lanes)]
        for upper in range(emit.lanes):
            if not upper & half:
                a, b = rows[upper], rows[upper + half]
                rows[upper] = emit.builder.shuffle_vector(a, b, emit.lanes_of(low))
                rows[upper + half] = emit.builder.shuffle_vector(a, b, emit.lanes_of(high))
        half //= 2
    return rows


@intrinsic
def distance_rows(_typing: Any, panels: Any, row: Any, n_panels: Any, out: Any) -> tuple[Any, Callable[..., Any]]:
    """``out[r, j] = |x_(row + r) - x_j|^2`` for ``ROWS`` particles and all j.

    Differences are squared and added, which keeps nearby particles apart where ``|x|^2 + |y|^2 - 2 x.y`` cancels. The
    sum runs over the channels in their order, whatever the place of the particle: moving a particle in its jet does
    not change its distances.

    Shapes: panels [P, C, L], out [ROWS, at least P L]; row a multiple of ROWS.
    """
    signature = types.void(panels, types.int64, types.int64, out)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, signature.args[0].dtype)
        source, (_, channels, _) = emit.array(signature.args[0], args[0])
        row, n_panels = args[1], args[2]
        target, (_, stride) = emit.array(signature.args[3], args[3])
        lanes = _I64(emit.lanes)
        size = builder.mul(channels, lanes)
        rows = builder.add(builder.mul(builder.udiv(row, lanes), size), builder.urem(row, lanes))

        def tile(panel: Any, width: int) -> None:
            sums = [[cgutils.alloca_once(builder, emit.vector) for _ in range(width)] for _ in range(ROWS)]
            for place in (place for line in sums for place in line):
                builder.store(emit.constant(0.0), place)
            bases = [builder.mul(builder.add(panel, _I64(v)), size) for v in range(width)]
            with emit.loop(channels) as channel:
                at = builder.mul(channel.index, lanes)
                columns = [emit.load(source, builder.add(base, at)) for base in bases]
                for r, line in enumerate(sums):
                    where = builder.add(builder.add(rows, at), _I64(r))
                    value = emit.splat(builder.load(builder.gep(source, [where])))
                    for column, place in zip(columns, line, strict=True):
                        step = builder.fsub(value, column, flags=_FLAGS)
                        builder.store(emit.multiply_add(step, step, builder.load(place)), place)
            for v in range(width):
                at = builder.mul(builder.add(panel, _I64(v)), lanes)
                for r, line in enumerate(sums):
                    emit.store(builder.load(line[v]), target, builder.add(builder.mul(_I64(r), stride), at))

        emit.grouped(n_panels, _PANELS, tile)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def max_rows(_typing: Any, table: Any, first: Any, index: Any, k: Any, out: Any) -> tuple[Any, Callable[..., Any]]:
    """``out[c] = max_q table[first + index[q], c]`` over q < k; k at least 1.

    Shapes: table [n_particles, C], index int32 [at least k], out [C], C a multiple of L.
    """
    signature = types.void(table, types.int64, index, types.int64, out)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, signature.args[0].dtype)
        target, (channels,) = emit.array(signature.args[4], args[4])

        def block(start: Any, width: int, row_of: Callable[[Any, Any], tuple[Any, Any]], source: Any) -> None:
            best = [cgutils.alloca_once(builder, emit.vector) for _ in range(width)]
            row, _ = row_of(_I64(0), start)
            for v, place in enumerate(best):
                builder.store(emit.load(source, builder.add(row, _I64(v * emit.lanes))), place)
            with emit.loop(args[3], start=_I64(1)) as rank:
                row, _ = row_of(rank.index, start)
                for v, place in enumerate(best):
                    value, before = emit.load(source, builder.add(row, _I64(v * emit.lanes))), builder.load(place)
                    builder.store(builder.select(emit.greater(value, before), value, before), place)
            for v, place in enumerate(best):
                emit.store(builder.load(place), target, builder.add(start, _I64(v * emit.lanes)))

        _over_channels(emit, signature, args, channels, block)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def max_rows_where(
    _typing: Any, table: Any, first: Any, index: Any, k: Any, out: Any, where: Any, at: Any
) -> tuple[Any, Callable[..., Any]]:
    """As :func:`max_rows`, and ``where[at, c]`` becomes the row ``first + index[q]`` of the first maximum.

    Shapes: where int32 [n_particles, C].
    """
    signature = types.void(table, types.int64, index, types.int64, out, where, types.int64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, signature.args[0].dtype)
        target, (channels,) = emit.array(signature.args[4], args[4])
        winners, _ = emit.array(signature.args[5], args[5])
        line = builder.mul(args[6], channels)
        narrow = ir.VectorType(_I32, emit.lanes)

        def block(start: Any, width: int, row_of: Callable[[Any, Any], tuple[Any, Any]], source: Any) -> None:
            best = [cgutils.alloca_once(builder, emit.vector) for _ in range(width)]
            number = [cgutils.alloca_once(builder, emit.counters) for _ in range(width)]
            row, particle = row_of(_I64(0), start)
            for v in range(width):
                builder.store(emit.load(source, builder.add(row, _I64(v * emit.lanes))), best[v])
                builder.store(emit.splat(_as(builder, particle, emit.counters.element)), number[v])
            with emit.loop(args[3], start=_I64(1)) as rank:
                row, particle = row_of(rank.index, start)
                here = emit.splat(_as(builder, particle, emit.counters.element))
                for v in range(width):
                    value, before = emit.load(source, builder.add(row, _I64(v * emit.lanes))), builder.load(best[v])
                    larger = emit.greater(value, before)
                    builder.store(builder.select(larger, value, before), best[v])
                    builder.store(builder.select(larger, here, builder.load(number[v])), number[v])
            for v in range(width):
                at = builder.add(start, _I64(v * emit.lanes))
                emit.store(builder.load(best[v]), target, at)
                emit.store(_as(builder, builder.load(number[v]), narrow), winners, builder.add(line, at))

        _over_channels(emit, signature, args, channels, block)
        return context.get_dummy_value()

    return signature, generate


def _over_channels(emit: Emitter, signature: Any, args: Any, channels: Any, block: Callable[..., None]) -> None:
    builder = emit.builder
    source, (_, stride) = emit.array(signature.args[0], args[0])
    numbers, _ = emit.array(signature.args[2], args[2])

    def row_of(rank: Any, start: Any) -> tuple[Any, Any]:
        particle = builder.add(args[1], builder.sext(builder.load(builder.gep(numbers, [rank])), _I64))
        return builder.add(builder.mul(particle, stride), start), particle

    lanes = _I64(emit.lanes)
    emit.grouped(
        builder.udiv(channels, lanes),
        _MAXIMA,
        lambda vector, width: block(builder.mul(vector, lanes), width, row_of, source),
    )


def _as(builder: Any, value: Any, kind: Any) -> Any:
    return value if value.type == kind else builder.trunc(value, kind)
