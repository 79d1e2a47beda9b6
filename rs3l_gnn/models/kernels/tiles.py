"""The matrix product of the kernels, written as LLVM intermediate code like :mod:`rs3l_gnn.models.kernels.simd`.

Every number is one chain of multiply-adds over the inputs in their order, or an exact sum of whole numbers. So a row
does not depend on how many others there are, on the length of the machine's vectors, or on which matrix library is
installed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # no type information in the package
from numba import types

from rs3l_gnn.models.kernels.simd import VECTOR_BYTES, Emitter, cgutils, intrinsic

__all__ = ["product_rows"]

# Sums that stay in registers: 6 x 4 where there are 32 of them (AVX-512), 6 x 2 where there are 16.
_ROWS = 6
_VECTORS = 4 if VECTOR_BYTES == 64 else 2
_I64 = ir.IntType(64)


@intrinsic
def product_rows(_typing: Any, x: Any, panels: Any, out: Any) -> tuple[Any, Callable[..., Any]]:
    """``out[i, p L + l] = sum_c x[i, c] panels[p, c, l]``, c rising.

    Where x and panels are whole numbers (:mod:`rs3l_gnn.models.kernels.fixed_point`), int32 of two each, the sum, which
    must fit into int32, is exact before it becomes a number of ``out``.

    Shapes: x [n, C], panels [P, C, L], out [n, P L]; n at least 1.
    """
    signature = types.void(x, panels, out)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, signature.args[0].dtype)
        real = Emitter(context, builder, signature.args[2].dtype)
        pairs = isinstance(signature.args[0].dtype, types.Integer)
        source, (n, channels) = emit.array(signature.args[0], args[0])
        weights, (n_panels, _, _) = emit.array(signature.args[1], args[1])
        target, (_, stride) = emit.array(signature.args[2], args[2])
        lanes = _I64(emit.lanes)
        last = builder.sub(n, _I64(1))

        def tile(panel: Any, width: int) -> None:
            columns = [builder.mul(builder.add(panel, _I64(v)), builder.mul(channels, lanes)) for v in range(width)]
            tiles = builder.udiv(builder.add(n, _I64(_ROWS - 1)), _I64(_ROWS))
            with emit.loop(tiles) as block:
                rows = []
                for r in range(_ROWS):
                    # The last tile computes its last row several times rather than rows that are not there.
                    row = builder.add(builder.mul(block.index, _I64(_ROWS)), _I64(r))
                    rows.append(builder.select(builder.icmp_signed("<", row, last), row, last))
                inputs = [builder.gep(source, [builder.mul(row, channels)]) for row in rows]
                sums = [[cgutils.alloca_once(builder, emit.vector) for _ in range(width)] for _ in range(_ROWS)]
                for place in (place for line in sums for place in line):
                    builder.store(emit.zero, place)
                with emit.loop(channels) as channel:
                    at = builder.mul(channel.index, lanes)
                    vectors = [emit.load(weights, builder.add(column, at)) for column in columns]
                    for line, begin in zip(sums, inputs, strict=True):
                        value = emit.splat(builder.load(builder.gep(begin, [channel.index])))
                        for vector, place in zip(vectors, line, strict=True):
                            add = emit.multiply_add_pairs if pairs else emit.multiply_add
                            builder.store(add(value, vector, builder.load(place)), place)
                for row, line in zip(rows, sums, strict=True):
                    base = builder.add(builder.mul(row, stride), builder.mul(panel, lanes))
                    for v, place in enumerate(line):
                        found = builder.load(place)
                        found = builder.sitofp(found, real.vector) if pairs else found
                        emit.store(found, target, builder.add(base, _I64(v * emit.lanes)))

        emit.grouped(n_panels, _VECTORS, tile)
        return context.get_dummy_value()

    return signature, generate
