"""Layers in a row on the memory of one thread, against loops over edges."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.models.kernels import Stack
from rs3l_gnn.models.kernels.layers import dense_layer, edge_layer

RNG = np.random.default_rng(0)
FIRST, SECOND, EDGE = RNG.normal(size=(9, 5)), RNG.normal(size=(7, 9)), RNG.normal(size=(6, 14))
BIASES = [RNG.normal(size=size) for size in (9, 7, 6)]
OFFSETS = np.array([0, 3, 3, 700, 760])  # the third jet is larger than a chunk
K = 4


def _elu(v: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(v > 0, v, np.expm1(np.minimum(v, 0)))


def _by_edges(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over the particles of each jet after the three layers, with one row for every edge."""
    h = _elu(_elu(x @ FIRST.T + BIASES[0]) @ SECOND.T + BIASES[1])
    jets = np.zeros((len(OFFSETS) - 1, 6))
    for jet, (begin, end) in enumerate(itertools.pairwise(OFFSETS)):
        y = h[begin:end]
        for i in range(len(y)):
            near = np.argsort(((y[i] - y) ** 2).sum(axis=1), kind="stable")[:K]
            edges = np.concatenate([np.repeat(y[i : i + 1], len(near), axis=0), y[near] - y[i]], axis=1)
            jets[jet] += _elu(edges @ EDGE.T + BIASES[2]).max(axis=0)
    return jets


def test_chunk_in_the_memory_of_a_thread() -> None:
    layers = [
        dense_layer(FIRST, BIASES[0], pad_inputs=False),
        dense_layer(SECOND, BIASES[1], pad_inputs=True),
        edge_layer(EDGE, BIASES[2], K),
    ]
    stack = Stack(layers)
    x = np.random.default_rng(1).normal(size=(760, 5))
    memory = stack.memory(760, 4)
    expected = _by_edges(x)
    # A smaller chunk afterwards sees nothing of the larger one before.
    for n in (4, 1):
        pooled = stack.chunk(x[: OFFSETS[n]], OFFSETS[: n + 1], memory)
        assert np.allclose(pooled[:, :6], expected[:n], rtol=0, atol=1e-9)
        assert not pooled[:, 6:].any()
    assert stack.dtype == np.float64
