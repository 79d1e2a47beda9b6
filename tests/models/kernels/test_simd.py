"""What vectors are made of: their length, and that loops use it."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from rs3l_gnn.models.kernels.simd import VECTOR_BYTES, long_vectors


@numba.njit
def _double_all(x: Any) -> None:
    long_vectors()
    for i in range(len(x)):
        x[i] *= 2


def test_loops_are_asked_for_the_longest_vectors() -> None:
    x = np.arange(100, dtype=np.float32)
    _double_all(x)
    assert np.array_equal(x, 2 * np.arange(100))
    assert VECTOR_BYTES in (32, 64)
    compiled: Any = _double_all
    (code,) = compiled.inspect_llvm().values()
    assert f'"prefer-vector-width"="{8 * VECTOR_BYTES}"' in code
