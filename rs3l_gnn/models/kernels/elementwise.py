"""Compiled loops over rows: activations, sums over the particles of a jet.

Every function works on whole arrays in the calling thread, without the interpreter's lock.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from rs3l_gnn.models.kernels.compiled import compiled

__all__ = [
    "ELU",
    "LEAKY_RELU",
    "activate_backward",
    "expm1",
    "pool",
    "pool_backward",
]

ELU, LEAKY_RELU = 0, 1
"""Activations; ReLU is LEAKY_RELU with slope 0, and no activation the one with slope 1."""


def expm1(x: Any) -> Any:
    """exp(x) - 1 for x <= 0, in compiled code."""
    raise NotImplementedError("compiled code only")


@overload(expm1, jit_options={"fastmath": {"contract"}})
def _expm1_of(x):  # type: ignore[no-untyped-def]  # numba compares its signature with those it returns
    """exp(x) - 1 for x <= 0, to 1e-7 relative in single precision and without a call, so that loops vectorise."""
    if x != types.float32:

        def double(x):  # type: ignore[no-untyped-def]  # numba compares the two signatures, annotations included
            return math.expm1(x)

        return double
    f = np.float32

    def single(x):  # type: ignore[no-untyped-def]  # as above
        x = max(x, f(-87.0))
        # Adding 1.5 * 2^23 rounds to an integer n, which then stands in the lowest bits; so does n + 127.
        shifted = f(x * f(1.4426950408889634) + f(12583039.0))
        n = f(shifted - f(12583039.0))
        power = np.int32(shifted.view(np.int32) << np.int32(23)).view(np.float32)  # 2^n
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


@compiled
def activate_backward(g: Any, y: Any, g_bias: Any) -> None:
    """Turn the gradient g of ``y = ELU(v + b)`` into that of v, in place [n, C], and add its sum to g_bias [C]."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(y.shape[0]):
        for c in range(y.shape[1]):
            g[i, c] *= one + min(y[i, c], zero)
            g_bias[c] += g[i, c]


@compiled
def pool(h: Any, cuts: Any, out: Any) -> None:
    """Sum the particles of each jet: h [n_particles, C] -> out [n_jets, C]."""
    for jet in range(len(cuts) - 1):
        for c in range(h.shape[1]):
            out[jet, c] = 0
        for i in range(cuts[jet], cuts[jet + 1]):
            for c in range(h.shape[1]):
                out[jet, c] += h[i, c]


@compiled
def pool_backward(g: Any, cuts: Any, out: Any) -> None:
    """Hand the gradient of each jet to its particles: g [n_jets, C] -> out [n_particles, C]."""
    for jet in range(len(cuts) - 1):
        for i in range(cuts[jet], cuts[jet + 1]):
            for c in range(out.shape[1]):
                out[i, c] = g[jet, c]
