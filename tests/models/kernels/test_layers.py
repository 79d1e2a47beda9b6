"""Layers as the loops take them: padded weights, and the gradients of those that they were made of."""

from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.models.kernels import edges, elementwise
from rs3l_gnn.models.kernels.layers import dense_layer, edge_layer, pad_channels


def test_channels_are_padded_with_zeros() -> None:
    multiple = edges.channel_multiple(8)
    x = np.ones((3, multiple + 1))
    padded = pad_channels(x, 1)
    assert padded.shape == (3, 2 * multiple)
    assert padded.sum() == x.sum()
    assert np.array_equal(padded[:, : multiple + 1], x)
    assert pad_channels(padded, 1) is padded
    assert pad_channels(x, 0).shape == (multiple, multiple + 1)


def test_dense_layer_has_the_weights_it_was_given() -> None:
    weight, bias = np.arange(15, dtype=np.float32).reshape(3, 5), np.arange(3, dtype=np.float32)
    layer = dense_layer(weight, bias, pad_inputs=False)
    assert np.array_equal(layer.weight[:3], weight)
    assert np.array_equal(layer.bias[:3], bias)
    assert not layer.weight[3:].any()
    assert dense_layer(weight, bias, pad_inputs=True).weight.shape[1] == edges.channel_multiple(4)


@pytest.mark.parametrize(
    ("kind", "slope"), [(elementwise.ELU, 0.5), (elementwise.LEAKY_RELU, 0.0), (elementwise.LEAKY_RELU, 0.2)]
)
def test_edge_layer_gives_the_messages_of_its_network(kind: int, slope: float) -> None:
    """``act(a_i + b + c_j)`` of the two products is the network on [x_i, x_j - x_i], pair by pair."""
    rng = np.random.default_rng(0)
    weight, bias, x = rng.normal(size=(6, 8)), rng.normal(size=6), rng.normal(size=(7, 4))
    layer = edge_layer(weight, bias, 3, kind=kind, slope=slope)
    a, c = np.split(pad_channels(x, 1) @ layer.weight.T, 2, axis=1)
    for i in range(7):
        for j in range(7):
            v = (a[i] + layer.bias + c[j])[:6]
            assert np.allclose(v, weight @ np.concatenate([x[i], x[j] - x[i]]) + bias, rtol=0, atol=1e-13)
    assert (layer.k, layer.kind, layer.slope) == (3, kind, slope)
    assert not edge_layer(weight, None, 3).bias.any()


def test_gradients_of_an_edge_layer_are_those_of_its_own_weight() -> None:
    """For f = sum of G times the padded weight, df/dw of every entry by a finite difference."""
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(3, 4)), rng.normal(size=3)
    layer = edge_layer(weight, bias, 2)
    g_weight, g_bias = rng.normal(size=layer.weight.shape), rng.normal(size=layer.bias.shape)
    ours, ours_bias = layer.own_gradients(g_weight, g_bias)
    for i in range(3):
        for j in range(4):
            moved = weight.copy()
            moved[i, j] += 1.0
            assert ours[i, j] == pytest.approx(((edge_layer(moved, bias, 2).weight - layer.weight) * g_weight).sum())
    assert np.array_equal(ours_bias, g_bias[:3])
