"""Squares of distances against numpy in double precision, and their mirror images to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.models.kernels import distances, simd
from rs3l_gnn.models.kernels.compiled import compiled

from .conftest import from_python

Real = Any
pack_panels, panel_distances = map(from_python, (distances.pack_panels, distances.panel_distances))
CHANNELS = 48


def _panels(x: NDArray[np.floating], first: int, n: int) -> NDArray[np.floating]:
    lanes = simd.VECTOR_BYTES // x.itemsize
    panels = np.full((-(-n // lanes), x.shape[1], lanes), np.nan, x.dtype)
    pack_panels(x, first, n, panels)
    return panels


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 17, 40, 100])
@pytest.mark.parametrize("whole", [True, False])
def test_panels_and_distances(real: Real, n: int, whole: bool) -> None:
    rng = np.random.default_rng(n)
    lanes = simd.VECTOR_BYTES // np.dtype(real).itemsize
    x = (rng.normal(size=(n + 5, CHANNELS)) + 100).astype(real)
    panels = _panels(x, 5, n)
    filled = np.concatenate([x[5:], np.repeat(x[-1:], -n % lanes, axis=0)])
    assert np.array_equal(panels.transpose(0, 2, 1).reshape(-1, CHANNELS), filled)
    exact = ((x[5:, None].astype(np.float64) - filled[None]) ** 2).sum(axis=2)
    table = np.full((len(panels) if whole else 1, len(filled), lanes), np.nan, real)
    found = np.empty((n, len(filled)), real)
    for p in range(len(panels)):
        panel_distances(panels, p, n, table, whole)
        # With all panels in the table, those of earlier ones are in place by now, and so are mirrored ones.
        found[:, p * lanes : (p + 1) * lanes] = table[p if whole else 0, :n]
    assert np.allclose(found, exact, rtol=8 * np.finfo(real).eps * np.sqrt(CHANNELS), atol=0)
    assert np.array_equal(found[:, :n], found[:, :n].T)


def test_a_square_is_transposed_and_filled_up() -> None:
    lanes = simd.VECTOR_BYTES // 4
    source = np.arange(1000 * lanes, dtype=np.float32)
    target = np.zeros((3, lanes, lanes), np.float32)
    _transpose(source, 7, 50, lanes - 3, target, lanes * lanes)
    rows = [7 + 50 * min(r, lanes - 4) for r in range(lanes)]
    assert np.array_equal(target[1], [[row + c for row in rows] for c in range(lanes)])
    assert not target[::2].any()


@compiled
def _transpose(  # noqa: PLR0917  # compiled code takes arrays by position
    source: Any, start: int, step: int, n_rows: int, target: Any, at: int
) -> None:
    distances.transpose_square(source, start, step, n_rows, target, at)
