"""The maximum over selected rows against numpy, at sizes on both sides of a vector and of a group of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rs3l_gnn.models.kernels import maxima, simd
from rs3l_gnn.models.kernels.compiled import compiled

Real = Any


@compiled
def _largest(  # noqa: PLR0917  # compiled code takes arrays by position
    table: Any, first: int, bits: Any, words: int, lane: int, out: Any, where: Any
) -> None:
    maxima.max_rows(table, first, bits, words, lane, out, 0)
    maxima.max_rows_where(table, first, bits, words, lane, out, 1, where)


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("vectors", [1, 4, 8, 11])
@pytest.mark.parametrize("selected", [[3], [0, 1, 2], [63], [64], [5, 63, 64, 127, 128, 129], range(130)])
def test_largest_of_some_rows(real: Real, vectors: int, selected: list[int]) -> None:
    rng = np.random.default_rng(vectors)
    lanes = simd.VECTOR_BYTES // np.dtype(real).itemsize
    table = rng.integers(-3, 4, size=(140, vectors * lanes)).astype(real)  # with ties
    bits = rng.integers(-9, 9, size=(3, 5))
    bits[:, 2] = 0
    for j in selected:
        bits[j // 64, 2] |= np.int64(1) << (j % 64)
    out, where = np.empty((2, vectors * lanes), real), np.full((2, vectors * lanes), -1, np.int32)
    _largest(table, 10, bits, 3, 2, out, where)
    rows = 10 + np.array(selected)
    assert np.array_equal(out, [table[rows].max(axis=0)] * 2)
    assert (where[0] == -1).all()
    assert np.array_equal(where[1], rows[table[rows].argmax(axis=0)])  # the first of equals


def test_where_nothing_is_larger_than_nothing_the_row_is_its_own() -> None:
    lanes = simd.VECTOR_BYTES // 4
    table, out = np.full((20, lanes), -np.inf, np.float32), np.empty((2, lanes), np.float32)
    where = np.full((2, lanes), -1, np.int32)
    _largest(table, 0, np.full((1, 1), 2, np.int64), 1, 0, out, where)
    assert (out == -np.inf).all()
    assert (where[1] == 1).all()
