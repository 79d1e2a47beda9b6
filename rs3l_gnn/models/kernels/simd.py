"""Vector code for the kernels, written as LLVM intermediate code because numba has no vector type.

Three loops decide the speed of a dynamic EdgeConv and numba does not turn them into good vector code by itself: laying
particles out by lanes, distances of a few particles to all others, and the maximum over selected rows. LLVM
translates them for the machine at hand, with or without AVX-512.

Letters: L lanes of a vector, P panels of L particles, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]  # no type information in the package
import numba
from llvmlite import ir
from numba import config as numba_config
from numba import types as numba_types
from numba.core import cgutils as numba_cgutils
from numba.extending import intrinsic as numba_intrinsic

__all__ = [
    "FLAGS",
    "VECTOR_BYTES",
    "Emitter",
    "address",
    "carray",
    "cgutils",
    "intrinsic",
    "long_vectors",
    "types",
]

# numba names the arguments of an intrinsic by its function's, used or not, and compiled code passes them by position.
# ruff: noqa: ARG001

cgutils: Any = numba_cgutils  # in part without annotations, like what follows
types: Any = numba_types
carray: Any = getattr(numba, "carray")  # noqa: B009  # which numba does not say that it exports


def _wide() -> bool:
    config: Any = numba_config
    if config.CPU_NAME is not None:  # NUMBA_CPU_NAME asks for code for another machine
        return "+avx512f" in (config.CPU_FEATURES or "")
    return bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))


_WIDE = _wide()
VECTOR_BYTES = 64 if _WIDE else 32
"""Bytes of a vector: panels hold ``VECTOR_BYTES // itemsize`` particles, channels come in multiples of that. LLVM cuts
vectors that are longer than the machine's."""
FLAGS = ("contract", "nnan", "nsz")
"""Of arithmetic on vectors, see :data:`rs3l_gnn.models.kernels.compiled.OPTIONS`."""
_I32, _I64 = ir.IntType(32), ir.IntType(64)


def intrinsic(function: Callable[..., Any]) -> Any:
    """numba's decorator, whose annotations describe a call from Python and not one from compiled code."""
    return numba_intrinsic(function)


@intrinsic
def long_vectors(_typing: Any) -> tuple[Any, Callable[..., Any]]:
    """In a compiled loop: make vectors as long as there are. LLVM by itself stops at half of AVX-512's."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # llvmlite's own ``add`` knows attributes without a value only.
        set.add(builder.function.attributes, f'"prefer-vector-width"="{8 * VECTOR_BYTES}"')
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def address(_typing: Any, array: Any, start: Any, like: Any) -> tuple[Any, Callable[..., Any]]:
    """Of the number ``start`` of a C-contiguous array's memory, for a ``numba.carray`` of the numbers in ``like``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.bitcast(builder.gep(data, [args[1]]), context.get_value_type(signature.return_type))

    return types.CPointer(like.dtype)(array, types.int64, like), generate


class Emitter:
    """Shorthands to write vector code for one element type."""

    def __init__(self, context: Any, builder: Any, dtype: Any) -> None:
        self.context, self.builder = context, builder
        self.size = dtype.bitwidth // 8
        self.lanes = VECTOR_BYTES // self.size
        self.vector = ir.VectorType(context.get_value_type(dtype), self.lanes)
        self.counters = ir.VectorType(ir.IntType(dtype.bitwidth), self.lanes)

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

    @property
    def zero(self) -> Any:
        """Vector of zeros."""
        return self.constant(0 if isinstance(self.vector.element, ir.IntType) else 0.0)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        # Two instructions that LLVM joins where the machine can, and only there.
        return self.builder.fadd(self.builder.fmul(a, b, flags=FLAGS), c, flags=FLAGS)

    def multiply_add_pairs(self, a: Any, b: Any, c: Any) -> Any:
        """``c[l] + a[2 l] b[2 l] + a[2 l + 1] b[2 l + 1]`` of pairs of int16: one instruction where there is one."""
        narrow, wide = (ir.VectorType(ir.IntType(bits), 2 * self.lanes) for bits in (16, 32))
        first, second = (self.builder.sext(self.builder.bitcast(each, narrow), wide) for each in (a, b))
        products = self.builder.mul(first, second)
        undefined = ir.Constant(wide, ir.Undefined)
        even, odd = (
            self.builder.shuffle_vector(
                products, undefined, self.lanes_of([2 * lane + which for lane in range(self.lanes)])
            )
            for which in (0, 1)
        )
        return self.builder.add(c, self.builder.add(even, odd))

    def greater(self, a: Any, b: Any) -> Any:
        return self.builder.fcmp_ordered(">", a, b, flags=FLAGS)

    def larger(self, a: Any, b: Any) -> Any:
        return self.builder.select(self.greater(a, b), a, b)

    def absolute(self, a: Any) -> Any:
        return self.larger(a, self.builder.fsub(self.zero, a, flags=FLAGS))

    def total(self, vector: Any, add: Callable[[Any, Any], Any]) -> Any:
        """Number l with number l + L/2, and so on with what comes of it: the result in the first lane."""
        undefined, half = ir.Constant(vector.type, ir.Undefined), self.lanes // 2
        while half:
            moved = self.lanes_of([(lane + half) % self.lanes for lane in range(self.lanes)])
            vector = add(vector, self.builder.shuffle_vector(vector, undefined, moved))
            half //= 2
        return vector

    def bits(self, mask: Any, kind: Any) -> Any:
        """A vector of conditions as the lowest bits of an integer of this type."""
        number = self.builder.bitcast(mask, ir.IntType(self.lanes))
        return number if number.type == kind else self.builder.zext(number, kind)

    def registers(self, count: int, start: Any) -> list[Any]:
        """Places for vectors, which LLVM keeps in registers."""
        places = [cgutils.alloca_once(self.builder, start.type) for _ in range(count)]
        for place in places:
            self.builder.store(start, place)
        return places

    @contextmanager
    def loop_while(self, condition: Callable[[], Any]) -> Iterator[None]:
        check, body, end = (self.builder.append_basic_block(name) for name in ("while", "do", "done"))
        self.builder.branch(check)
        self.builder.position_at_end(check)
        self.builder.cbranch(condition(), body, end)
        self.builder.position_at_end(body)
        yield
        self.builder.branch(check)
        self.builder.position_at_end(end)

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
