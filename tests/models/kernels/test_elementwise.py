"""The compiled loops over rows against the same in plain numpy."""

from __future__ import annotations

import numpy as np

from rs3l_gnn.models.kernels import elementwise


def test_pool_and_its_gradient() -> None:
    rng = np.random.default_rng(0)
    cuts = np.array([0, 3, 3, 10])
    h, g = rng.normal(size=(10, 16)), rng.normal(size=(3, 16))
    pooled, back = np.empty((3, 16)), np.empty((10, 16))
    elementwise.pool(h, cuts, pooled)
    elementwise.pool_backward(g, cuts, back)
    assert np.allclose(pooled, [h[:3].sum(axis=0), np.zeros(16), h[3:].sum(axis=0)], atol=1e-14)
    assert np.array_equal(back, g[[0] * 3 + [2] * 7])


def test_gradient_of_elu() -> None:
    y, g = np.array([[-0.5, 2.0], [-0.75, 0.0]]), np.array([[1.0, 3.0], [2.0, 5.0]])
    bias = np.array([10.0, 20.0])
    elementwise.activate_backward(g, y, bias)
    assert g.tolist() == [[0.5, 3], [0.5, 5]]
    assert bias.tolist() == [11, 28]
