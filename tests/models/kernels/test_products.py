"""Products of few rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rs3l_gnn.models.kernels.products import multiply


@pytest.mark.parametrize("width", [5, 48, 128, 256, 512])
@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 10, 15, 64])
def test_rows_are_those_of_a_larger_product(n: int, width: int) -> None:
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(64, width))).float()
    weight = torch.from_numpy(rng.normal(size=(32, width))).float()
    whole, part = torch.empty(64, 32), torch.empty(n, 32)
    multiply(x, weight, whole)
    multiply(x[:n], weight, part)
    assert torch.equal(part, whole[:n])
    exact = x.numpy().astype(np.float64) @ weight.numpy().astype(np.float64).T
    assert np.abs(whole.numpy() - exact).max() < 1e-6 * width**0.5 * 10
