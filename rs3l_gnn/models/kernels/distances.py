"""Distances between the particles of a jet, a square of particles at a time.

Distances are symmetric to the last bit, so that every pair of particles is computed once and its square mirrored. The
squares are written as LLVM intermediate code like :mod:`rs3l_gnn.models.kernels.simd`.

Particles are laid out by lanes: P panels of L particles, a panel holding [C, L]. Where they are whole numbers
(:mod:`rs3l_gnn.models.kernels.fixed_point`), int32 of two each, one more row holds half of the square of each one's
length. Distances are laid out by panels, too: ``table[p, j, l]`` is that of the particles j and p L + l. So L particles
look at all others together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # no type information in the package

from rs3l_gnn.models.kernels.parts import part
from rs3l_gnn.models.kernels.simd import FLAGS, VECTOR_BYTES, Emitter, intrinsic, types

__all__ = ["distance_square", "half_squares", "pack_panels", "panel_distances", "transpose_square"]

# numba names the arguments of an intrinsic by its function's, used or not, and compiled code passes them by position.
# ruff: noqa: ARG001, PLR0917

_I32, _I64 = ir.IntType(32), ir.IntType(64)


@part(lambda _, whole, held: types.void(held[:, ::1], whole, whole, held[:, :, ::1]))
def pack_panels(x: Any, first: int, n: int, panels: Any) -> None:
    """``panels[p, c, l] = x[first + p L + l, c]`` for n particles; the last one fills up its panel.

    Shapes: x [n_particles, C], panels [P, C, L], of pairs [P, C + 1, L]; C a multiple of L.
    """
    channels, lanes = x.shape[1], VECTOR_BYTES // x.itemsize
    for p in range((n + lanes - 1) // lanes):
        for c in range(0, channels, lanes):
            start, target = (first + p * lanes) * channels + c, (p * panels.shape[1] + c) * lanes
            transpose_square(x, start, channels, min(lanes, n - p * lanes), panels, target)
        half_squares(panels, p)


@part(lambda real, whole, held: types.void(held[:, :, ::1], whole, whole, real[:, :, ::1], types.boolean))
def panel_distances(panels: Any, p: int, n: int, table: Any, whole: bool) -> None:
    """Distances of all n particles to those of panel p.

    Args:
        panels: particles by lanes, see :func:`pack_panels`.
        p: the panel.
        n: particles.
        table: with ``whole`` [P, P L, L]: panels that come before p have their distances in it, and those that come
            after it get theirs to p; else [1, P L, L].
        whole: see above.
    """
    lanes = VECTOR_BYTES // panels.itemsize
    length, at = table.shape[1], p if whole else 0
    for q in range(at, (n + lanes - 1) // lanes):
        rows = min(lanes, n - q * lanes)
        distance_square(panels, q, p, rows, table, at)
        if whole and p < q:
            source, target = (p * length + q * lanes) * lanes, (q * length + p * lanes) * lanes
            transpose_square(table, source, lanes, rows, table, target)


@intrinsic
def half_squares(_typing: Any, panels: Any, panel: Any) -> tuple[Any, Callable[..., Any]]:
    """The last row of a panel: half of the square of each particle's length, rounded up. None of real numbers.

    Shapes: panels [P, C + 1, L].
    """
    signature = types.void(panels, types.int64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        dtype = signature.args[0].dtype
        if not isinstance(dtype, types.Integer):
            return context.get_dummy_value()
        emit = Emitter(context, builder, dtype)
        source, (_, rows, _) = emit.array(signature.args[0], args[0])
        lanes, pairs = _I64(emit.lanes), builder.sub(rows, _I64(1))
        begin = builder.gep(source, [builder.mul(builder.mul(args[1], rows), lanes)])
        (total,) = emit.registers(1, emit.constant(1))
        with emit.loop(pairs) as pair:
            numbers = emit.load(begin, builder.mul(pair.index, lanes))
            builder.store(emit.multiply_add_pairs(numbers, numbers, builder.load(total)), total)
        emit.store(builder.lshr(builder.load(total), emit.constant(1)), begin, builder.mul(pairs, lanes))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def distance_square(
    _typing: Any, panels: Any, row: Any, column: Any, n_rows: Any, table: Any, at: Any
) -> tuple[Any, Callable[..., Any]]:
    """``table[at, row L + r, l] = |x_(row L + r) - x_(column L + l)|^2`` for at least ``n_rows`` values of r.

    Differences are squared and added, which keeps nearby particles apart where ``|x|^2 + |y|^2 - 2 x.y`` cancels. The
    sum runs over the channels in their order, whatever the place of the particle: moving a particle in its jet does
    not change its distances.

    Of whole numbers it is half of that, the halves of the squares of both lengths less the product, and exact until it
    becomes a real number: sums may overflow on the way, but what comes out is below 2^32, as lengths are below 2^15.5.

    Shapes: panels [P, C, L], of pairs [P, C + 1, L], table [any, at least P L, L]; n_rows from 1 to L.
    """
    signature = types.void(panels, types.int64, types.int64, types.int64, table, types.int64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, signature.args[0].dtype)
        pairs = isinstance(signature.args[0].dtype, types.Integer)
        real = Emitter(context, builder, signature.args[4].dtype)
        source, (_, height, _) = emit.array(signature.args[0], args[0])
        target, (_, length, _) = emit.array(signature.args[4], args[4])
        lanes = _I64(emit.lanes)
        size, channels = builder.mul(height, lanes), builder.sub(height, _I64(int(pairs)))
        rows, columns = (builder.gep(source, [builder.mul(panel, size)]) for panel in args[1:3])
        begin = builder.add(builder.mul(args[5], length), builder.mul(args[1], lanes))
        place = builder.gep(target, [builder.mul(begin, lanes)])

        def of_row(at: Any, r: int) -> Any:
            return emit.splat(builder.load(builder.gep(rows, [builder.add(at, _I64(r))])))

        def square(width: int) -> None:
            sums = emit.registers(width, emit.zero)
            with emit.loop(channels) as channel:
                at = builder.mul(channel.index, lanes)
                others = emit.load(columns, at)
                for r, one in enumerate(sums):
                    value = of_row(at, r)
                    if pairs:
                        added = emit.multiply_add_pairs(value, others, builder.load(one))
                    else:
                        step = builder.fsub(value, others, flags=FLAGS)
                        added = emit.multiply_add(step, step, builder.load(one))
                    builder.store(added, one)
            at = builder.mul(channels, lanes)
            for r, one in enumerate(sums):
                found = builder.load(one)
                if pairs:
                    halves = builder.add(emit.load(columns, at), of_row(at, r))
                    found = builder.uitofp(builder.sub(halves, found), real.vector)
                emit.store(found, place, _I64(r * emit.lanes))

        # The last panel of a jet has few rows, often: as many quarters of a square as it needs.
        quarter, end = emit.lanes // 4, builder.append_basic_block("end")
        blocks = [builder.append_basic_block(f"{quarters}/4") for quarters in range(1, 5)]
        choice = builder.switch(builder.udiv(builder.sub(args[3], _I64(1)), _I64(quarter)), blocks[-1])
        for number, block in enumerate(blocks):
            choice.add_case(_I64(number), block)
            builder.position_at_end(block)
            square((number + 1) * quarter)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def transpose_square(
    _typing: Any, source: Any, start: Any, step: Any, n_rows: Any, target: Any, at: Any
) -> tuple[Any, Callable[..., Any]]:
    """``target[at + c L + r] = source[start + r step + c]`` for L rows and columns of the arrays' memory.

    From ``n_rows`` on, the last row is taken again. C-contiguous arrays of any shape.
    """
    signature = types.void(source, types.int64, types.int64, types.int64, target, types.int64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, signature.args[0].dtype)
        given, _ = emit.array(signature.args[0], args[0])
        result, _ = emit.array(signature.args[4], args[4])
        last = builder.sub(args[3], _I64(1))
        square = []
        for r in range(emit.lanes):
            row = builder.select(builder.icmp_signed("<", _I64(r), last), _I64(r), last)
            square.append(emit.load(given, builder.add(args[1], builder.mul(row, args[2]))))
        for c, column in enumerate(_transpose(emit, square)):
            emit.store(column, result, builder.add(args[5], _I64(c * emit.lanes)))
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
