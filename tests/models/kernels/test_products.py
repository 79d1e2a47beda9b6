"""Products against double precision, a chain of multiply-adds, and themselves with other rows around."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.models.kernels.dense import dense_forward
from rs3l_gnn.models.kernels.elementwise import LEAKY_RELU
from rs3l_gnn.models.kernels.products import panels_of


def multiply(x: NDArray[Any], panels: NDArray[Any], out: NDArray[Any]) -> None:
    """The product alone: a layer without bias whose activation changes nothing."""
    dense_forward(x, panels, np.zeros(out.shape[1], x.dtype), LEAKY_RELU, x.dtype.type(1), out)


@pytest.mark.parametrize("width", [5, 48, 128, 256, 512])
@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 10, 15, 64])
def test_rows_are_those_of_a_larger_product(n: int, width: int) -> None:
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(64, width)).astype(np.float32), rng.normal(size=(32, width)).astype(np.float32)
    whole, part = np.empty((64, 32), np.float32), np.empty((n, 32), np.float32)
    multiply(x, panels_of(weight), whole)
    multiply(x[:n], panels_of(weight), part)
    assert np.array_equal(part, whole[:n])
    exact = x.astype(np.float64) @ weight.astype(np.float64).T
    assert np.abs(whole - exact).max() < 1e-6 * width**0.5 * 10


@pytest.mark.parametrize("outputs", [16, 80, 144])
def test_every_number_is_one_chain_of_multiply_adds(outputs: int) -> None:
    """A double holds the product of two floats exactly, so that each step rounds once, but for a few double roundings.

    So the last bit depends neither on the length of the machine's vectors nor on a matrix library.
    """
    rng = np.random.default_rng(1)
    x, weight = rng.normal(size=(33, 40)).astype(np.float32), rng.normal(size=(outputs, 40)).astype(np.float32)
    out = np.empty((33, outputs), np.float32)
    multiply(x, panels_of(weight), out)
    expected = np.zeros_like(out)
    for c in range(40):
        step = x[:, c, None].astype(np.float64) * weight[None, :, c].astype(np.float64)
        expected = (expected.astype(np.float64) + step).astype(np.float32)
    assert np.mean(out == expected) > 0.999


def test_double_precision() -> None:
    rng = np.random.default_rng(2)
    x, weight = rng.normal(size=(7, 19)), rng.normal(size=(24, 19))
    out = np.empty((7, 24))
    multiply(x, panels_of(weight), out)
    assert np.allclose(out, x @ weight.T, rtol=0, atol=1e-13)
