"""Nearest neighbours with torch against a loop."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from rs3l_gnn.models.knn import neighbours


@pytest.mark.parametrize("k", [1, 4, 24])
def test_neighbours_against_a_loop(k: int) -> None:
    rng = np.random.default_rng(k)
    offsets = np.cumsum([0, 0, 1, 3, 4, 5, 24, 40, 0])
    x = rng.normal(size=(offsets[-1], 3))
    index, valid = neighbours(torch.from_numpy(x), torch.from_numpy(offsets), k)
    for first, last in itertools.pairwise(offsets):
        for i in range(first, last):
            nearest = sorted(range(first, last), key=lambda j: float(((x[j] - x[i]) ** 2).sum()))[:k]
            assert index[i, valid[i]].tolist() == nearest
            assert nearest[0] == i
            assert index[i, ~valid[i]].tolist() == [i] * (k - len(nearest))


def test_no_gradient_flows_through_the_choice() -> None:
    x = torch.randn(5, 2).requires_grad_()
    index, _ = neighbours(x, torch.tensor([0, 5]), 2)
    assert not index.requires_grad
