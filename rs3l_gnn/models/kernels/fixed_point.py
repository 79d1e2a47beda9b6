"""Particles and weights as whole numbers of 16 bits with a common factor, for products at twice the rate of float32.

    x = factor * q, q rounded to the nearest of -32767 .. 32767

Processors multiply pairs of int16 and add both products to an int32 in one instruction (AVX512-VNNI, AVX-VNNI, or two
in AVX2), so that a vector holds twice as many. Sums of whole numbers are exact: they do not depend on their order or on
the machine. They must fit into 31 bits. As ``|x . w| <= |x| |w|`` (Cauchy and Schwarz), it is lengths that are bounded:
a typical number keeps 12 bits, against the 8 of bfloat16.

The particles of a jet have one factor: then distances and maxima of whole numbers are those of the particles, but for
it. Pairs are stored as int32.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # no type information in the package
from numba.extending import overload
from numpy.typing import NDArray

from rs3l_gnn.models.kernels.compiled import compiled
from rs3l_gnn.models.kernels.memory import aligned
from rs3l_gnn.models.kernels.products import panels_of
from rs3l_gnn.models.kernels.simd import VECTOR_BYTES, Emitter, intrinsic, long_vectors, types

__all__ = ["LONGEST", "WholeNumbers", "edge_sum", "extra_rows", "factor_at", "fix_jets", "fixed_weight", "padded_width"]

_PEAK = 32700.0
"""Largest number, less what rounding adds."""
LONGEST = 46200.0
"""Length of particles and weights: products of both, and of two particles, stay below 2^31. Rounding adds up to half of
the square root of the number of channels to a length."""
_TOGETHER = 16
"""Sums side by side, on machines with shorter vectors, too: another order of the sum would be another number."""
_I64 = ir.IntType(64)
_SMALLEST = np.float32(1e-30)
"""Lengths below are zero: one over them would be infinite."""

# numba names the arguments of an intrinsic by its function's, used or not, and compiled code passes them by position.
# ruff: noqa: ARG001, ARG005, PLR0917


class WholeNumbers:
    """Memory of one thread for what goes into a layer.

    Args:
        particles, jets: of the largest chunk.
        channels: of the widest layer.
    """

    def __init__(self, particles: int, jets: int, channels: int) -> None:
        self._numbers = aligned(particles * padded_width(channels), np.dtype(np.int16))
        self._factors = np.empty(jets, np.float32)

    def of(self, x: NDArray[Any], cuts: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Round particles.

        Args:
            x: particles [n, C], C a multiple of the L numbers of a vector.
            cuts: first particle of each jet, from 0 [n_jets + 1].

        Returns:
            Pairs of int16 [n, C / 2], C padded with zeros, and the factor of each jet [n_jets]; in memory of its own.
        """
        width = padded_width(x.shape[1])
        whole, factors = self._numbers[: len(x) * width].reshape(len(x), width), self._factors[: len(cuts) - 1]
        fix_jets(x, cuts, whole, factors)
        return whole.view(np.int32), factors


def padded_width(channels: int) -> int:
    """Channels of whole numbers, a multiple of those in a vector; zeros beyond the layer's own."""
    numbers = VECTOR_BYTES // 2
    return -(-channels // numbers) * numbers


def fixed_weight(weight: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Round the rows of a weight.

    Args:
        weight: [O, C], O a multiple of the L numbers of a vector.

    Returns:
        Pairs of int16 as products take them [O / L, C / 2, L], C padded with zeros, and the factor of each row [O].
    """
    exact = np.asarray(weight, np.float64)
    peaks, lengths = np.abs(exact).max(axis=1, initial=0), np.sqrt((exact**2).sum(axis=1))
    factors = np.maximum(np.maximum(peaks / _PEAK, lengths / LONGEST), _SMALLEST).astype(np.float32)
    whole = np.zeros((len(exact), padded_width(exact.shape[1])), np.int16)
    whole[:, : exact.shape[1]] = np.rint(exact / factors[:, None])
    return panels_of(whole.view(np.int32)), factors


@intrinsic
def largest_square_and_peak(_typing: Any, x: Any, first: Any, last: Any) -> Any:
    """Largest square of a row's length, and largest size of a number, of the rows ``first`` to ``last`` of x [n, C].

    C is a multiple of L.
    """
    signature = types.UniTuple(x.dtype, 2)(x, types.int64, types.int64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, signature.args[0].dtype)
        source, (_, channels) = emit.array(signature.args[0], args[0])
        square, peak = emit.registers(2, emit.zero)
        sums = emit.registers(max(1, _TOGETHER // emit.lanes), emit.zero)
        vectors, together = builder.udiv(channels, _I64(emit.lanes)), _I64(len(sums))
        groups = builder.udiv(builder.add(vectors, builder.sub(together, _I64(1))), together)
        with emit.loop(args[2], start=args[1]) as row:
            begin = builder.gep(source, [builder.mul(row.index, channels)])
            for place in sums:
                builder.store(emit.zero, place)
            with emit.loop(groups) as group:
                for number, place in enumerate(sums):
                    vector = builder.add(builder.mul(group.index, together), _I64(number))
                    there = builder.icmp_signed("<", vector, vectors)
                    found = emit.load(begin, builder.mul(builder.select(there, vector, _I64(0)), _I64(emit.lanes)))
                    value = builder.select(there, found, emit.zero)
                    builder.store(emit.multiply_add(value, value, builder.load(place)), place)
                    builder.store(emit.larger(emit.absolute(value), builder.load(peak)), peak)
            whole = reduce(builder.fadd, map(builder.load, sums))
            builder.store(emit.larger(emit.total(whole, builder.fadd), builder.load(square)), square)
        found = (builder.load(square), emit.total(builder.load(peak), emit.larger))
        values = [builder.extract_element(vector, _I64(0)) for vector in found]
        return context.make_tuple(builder, signature.return_type, values)

    return signature, generate


def extra_rows(x: Any) -> Any:
    """Rows of a panel beside the channels (:func:`rs3l_gnn.models.kernels.distances.pack_panels`); in compiled code."""
    raise NotImplementedError("compiled code only")


def factor_at(x: Any, factors: Any, i: int, real: Any) -> Any:
    """``factors[i]`` where x is made of whole numbers, else ``real``, which nobody looks at; in compiled code."""
    raise NotImplementedError("compiled code only")


def edge_sum(x: Any, own: Any, other: Any, factors: Any, factor: Any, bias: Any, c: int) -> Any:
    """``own + (other + b_c)``, both with their factors where x is made of whole numbers; in compiled code."""
    raise NotImplementedError("compiled code only")


def _whole(x: Any) -> bool:
    return isinstance(x.dtype, types.Integer)


# numba compares the signatures of these functions with those of what they return, annotations included.
@overload(extra_rows, inline="always")
def _extra_rows(x):  # type: ignore[no-untyped-def]
    return (lambda x: 1) if _whole(x) else (lambda x: 0)


@overload(factor_at, inline="always")
def _factor_at(x, factors, i, real):  # type: ignore[no-untyped-def]
    return (lambda x, factors, i, real: factors[i]) if _whole(x) else (lambda x, factors, i, real: real)


@overload(edge_sum, inline="always")
def _edge_sum(x, own, other, factors, factor, bias, c):  # type: ignore[no-untyped-def]
    if _whole(x):
        # One product in each sum: of two, a multiply-add could take either.
        return lambda x, own, other, factors, factor, bias, c: (
            own * (factors[0, c] * factor) + (other * (factors[1, c] * factor) + bias[c])
        )
    return lambda x, own, other, factors, factor, bias, c: own + (other + bias[c])


@compiled
def fix_jets(x: Any, cuts: Any, out: Any, factors: Any) -> None:
    """Particles as whole numbers with one factor a jet.

    Args:
        x: particles [n, C], C a multiple of the L numbers of a vector.
        cuts: first particle of each jet, from 0, int64 [n_jets + 1].
        out: result, int16 [n, at least C], zeros from C on.
        factors: result [n_jets].
    """
    long_vectors()
    real = np.float32
    for jet in range(len(cuts) - 1):
        square, peak = largest_square_and_peak(x, cuts[jet], cuts[jet + 1])
        # Squares of very large numbers and of very small ones are infinite or zero.
        length = np.sqrt(square) if _SMALLEST < square < np.inf else peak * real(np.sqrt(x.shape[1]))
        factor = max(real(length * real(1 / LONGEST)), real(peak * real(1 / _PEAK)))
        scale = real(1) / factor
        if not length > _SMALLEST:
            scale = factor = real(0)
        factors[jet] = factor
        for i in range(cuts[jet], cuts[jet + 1]):
            for c in range(x.shape[1]):
                # Adding 1.5 * 2^23 rounds to an integer, which then stands in the lowest bits.
                out[i, c] = np.int16(real(x[i, c] * scale + real(12582912.0)).view(np.int32))
            for c in range(x.shape[1], out.shape[1]):
                out[i, c] = 0
