"""Small dense networks whose result for a row is the same to the last bit, whichever other rows there are.

A score that moves by one bit between two cuts of the same jets can move over the edge of a histogram's bin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.models.kernels.compiled import compiled
from rs3l_gnn.models.kernels.elementwise import ELU, LEAKY_RELU, expm1
from rs3l_gnn.models.kernels.layers import pad_channels
from rs3l_gnn.models.kernels.probabilities import directions, probabilities
from rs3l_gnn.models.kernels.products import panels_of
from rs3l_gnn.models.kernels.simd import long_vectors
from rs3l_gnn.models.kernels.tiles import product_rows

__all__ = ["DenseNetwork", "dense_forward"]

_TOGETHER = 480
"""Rows whose products are still in the cache when the activation follows, a multiple of those of the product's tile."""

# Compiled code takes arrays by position.
# ruff: noqa: PLR0917


@compiled
def dense_forward(x: Any, panels: Any, bias: Any, kind: int, slope: Any, out: Any) -> None:
    """``out = act(x W + b)``.

    Args:
        x: rows [n, C_in].
        panels: of the weight, see :func:`rs3l_gnn.models.kernels.products.panels_of`.
        bias: b [C_out].
        kind: ELU or LEAKY_RELU, of :mod:`rs3l_gnn.models.kernels.elementwise`.
        slope: ELU's alpha or the slope below zero.
        out: result [n, C_out].
    """
    long_vectors()
    zero = out.dtype.type(0)
    for first in range(0, len(x), _TOGETHER):
        last = min(first + _TOGETHER, len(x))
        product_rows(x[first:last], panels, out[first:last])
        for i in range(first, last):
            if kind == ELU:
                for c in range(len(bias)):
                    v = out[i, c] + bias[c]
                    below = slope * expm1(min(v, zero))
                    out[i, c] = v if v > zero else below
            else:
                for c in range(len(bias)):
                    v = out[i, c] + bias[c]
                    out[i, c] = v if v > zero else slope * v


class DenseNetwork:
    """Linear layers with ELU or ReLU between them, without gradients.

    Args:
        layers: weight [C_out, C_in] and bias [C_out] of each.
        relu: ReLU between them, else ELU.

    Attributes:
        n_out: outputs.
        dtype: type of the weights, and so of the rows.
    """

    def __init__(self, layers: Sequence[tuple[NDArray[Any], NDArray[Any]]], *, relu: bool) -> None:
        self.n_out = len(layers[-1][1])
        self.dtype = layers[-1][1].dtype
        self._activation = (LEAKY_RELU, 0) if relu else (ELU, 1)
        self._layers = [
            (panels_of(pad_channels(pad_channels(weight, 0), 1)), pad_channels(bias, 0)) for weight, bias in layers
        ]

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """Outputs [n, C_out] of rows [n, C_in]; C_in may be padded with zeros to the kernels' multiple."""
        x = np.ascontiguousarray(pad_channels(x, 1))
        for number, (panels, bias) in enumerate(self._layers):
            last = number == len(self._layers) - 1
            y = np.empty((len(x), len(bias)), x.dtype)
            kind, slope = (LEAKY_RELU, 1) if last else self._activation
            dense_forward(x, panels, bias, kind, bias.dtype.type(slope), y)
            x = y
        return x[:, : self.n_out]

    def probabilities(self, z: NDArray[Any]) -> NDArray[Any]:
        """Probabilities of jets from their embeddings, for a network on the normalised embedding that gives logits.

        Args:
            z: embeddings [n_jets, dim] of any length.

        Returns:
            [n_jets, 1] of the signal for one logit, else [n_jets, n_classes].
        """
        return probabilities(self(directions(z)))
