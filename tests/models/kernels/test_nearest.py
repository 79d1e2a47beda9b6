"""The k-th value of every lane, and who is not beyond it, against numpy's sort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rs3l_gnn.models.kernels import nearest, simd

from .conftest import from_python

Real = Any
kth_smallest, select_nearest = map(from_python, (nearest.kth_smallest, nearest.select_nearest))


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("n", [*range(1, 42), 63, 64, 65, 96, 100, 127, 128, 129, 250, 256, 257, 600])
def test_kth_smallest(real: Real, n: int) -> None:
    rng = np.random.default_rng(n)
    lanes = simd.VECTOR_BYTES // np.dtype(real).itemsize
    rows = -(-n // 16) * 16
    for k in sorted({1, (n + 1) // 2, n // 2 + 1, max(n - 1, 1), n, min(n, 24)}):
        table = np.full((2, rows, lanes), np.nan, real)
        table[1, :n] = rng.normal(size=(n, lanes)).round(2 if k % 2 else 9)  # with equal ones
        expected = np.sort(table[1, :n], axis=0)[k - 1]
        given = table[1, :n].copy()
        order = np.full((rows, lanes), np.nan, real)
        kth = kth_smallest(table, 1, n, k, order)
        assert np.array_equal(order[kth], expected)
        assert np.array_equal(table[1, :n], given)
        bits = np.full((-(-n // 64), lanes), -1, np.int64)
        select_nearest(table, 1, n, order, kth, bits)
        selected = (bits[np.arange(len(bits) * 64) // 64].T >> np.arange(len(bits) * 64) % 64) & 1
        assert np.array_equal(selected[:, :n], (given <= expected).T)
        assert not selected[:, n:].any()
