"""Vector code against numpy, at sizes on both sides of a vector and of a group of them."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.models.kernels import simd

Real = Any


@numba.njit
def _pack(x: Any, first: int, n: int, panels: Any) -> None:
    simd.pack_panels(x, first, n, panels)


@numba.njit
def _distances(panels: Any, row: int, n_panels: int, out: Any) -> None:
    simd.distance_rows(panels, row, n_panels, out)


@numba.njit
def _largest(table: Any, first: int, index: Any, out: Any) -> None:
    simd.max_rows(table, first, index, len(index), out)


@numba.njit
def _largest_where(table: Any, first: int, index: Any, out: Any, where: Any) -> None:
    simd.max_rows_where(table, first, index, len(index), out, where, 1)


def _panels(x: NDArray[np.floating], first: int, n: int) -> NDArray[np.floating]:
    lanes = simd.VECTOR_BYTES // x.itemsize
    panels = np.full((-(-n // lanes), x.shape[1], lanes), np.nan, x.dtype)
    _pack(x, first, n, panels)
    return panels


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 17, 100])
def test_panels_and_distances(real: Real, n: int) -> None:
    rng = np.random.default_rng(n)
    lanes = simd.VECTOR_BYTES // np.dtype(real).itemsize
    x = (rng.normal(size=(n + 5, 3 * lanes)) + 100).astype(real)
    panels = _panels(x, 5, n)
    filled = np.concatenate([x[5:], np.repeat(x[-1:], -n % lanes, axis=0)])
    assert np.array_equal(panels.transpose(0, 2, 1).reshape(-1, x.shape[1]), filled)
    exact = ((x[5:, None].astype(np.float64) - x[None, 5:]) ** 2).sum(axis=2)
    for row in range(0, n, simd.ROWS):
        out = np.full((simd.ROWS, len(panels) * lanes), np.nan, real)
        _distances(panels, row, len(panels), out)
        used = min(simd.ROWS, n - row)
        assert np.allclose(out[:used, :n], exact[row : row + used], rtol=8 * np.finfo(real).eps * np.sqrt(3 * lanes))


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("vectors", [1, 4, 8, 11])
@pytest.mark.parametrize("k", [1, 24])
def test_largest_of_some_rows(real: Real, vectors: int, k: int) -> None:
    rng = np.random.default_rng(vectors)
    lanes = simd.VECTOR_BYTES // np.dtype(real).itemsize
    table = rng.integers(-3, 4, size=(40, vectors * lanes)).astype(real)  # with ties
    index = rng.integers(0, 30, size=k).astype(np.int32)
    expected = table[10 + index].max(axis=0)
    out, again = np.empty(vectors * lanes, real), np.empty(vectors * lanes, real)
    where = np.full((2, vectors * lanes), -1, np.int32)
    _largest(table, 10, index, out)
    _largest_where(table, 10, index, again, where)
    assert np.array_equal(out, expected)
    assert np.array_equal(again, expected)
    assert (where[0] == -1).all()
    assert np.array_equal(where[1], 10 + index[table[10 + index].argmax(axis=0)])  # the first of equals
