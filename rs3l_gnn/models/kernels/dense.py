"""Small dense networks whose result for a row is the same to the last bit, whichever other rows there are.

A score that moves by one bit between two cuts of the same jets can move over the edge of a histogram's bin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.models.kernels import elementwise
from rs3l_gnn.models.kernels.layers import pad_channels
from rs3l_gnn.models.kernels.products import multiply, panels_of

__all__ = ["DenseNetwork"]


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
        self._relu = relu
        self._layers = [
            (panels_of(pad_channels(pad_channels(weight, 0), 1)), pad_channels(bias, 0)) for weight, bias in layers
        ]

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """Outputs [n, C_out] of rows [n, C_in]; C_in may be padded with zeros to the kernels' multiple."""
        x = np.ascontiguousarray(pad_channels(x, 1))
        for number, (panels, bias) in enumerate(self._layers):
            y = np.empty((len(x), len(bias)), x.dtype)
            multiply(x, panels, y)
            if number == len(self._layers) - 1:
                elementwise.shift(y, bias)
            elif self._relu:
                elementwise.rectify(y, bias)
            else:
                elementwise.activate(y, bias)
            x = y
        return x[:, : self.n_out]

    def probabilities(self, z: NDArray[Any]) -> NDArray[Any]:
        """Probabilities of jets from their embeddings, for a network on the normalised embedding that gives logits.

        Args:
            z: embeddings [n_jets, dim] of any length.

        Returns:
            [n_jets, 1] of the signal for one logit, else [n_jets, n_classes].
        """
        direction = z.copy()
        elementwise.normalise(direction)
        logits = np.ascontiguousarray(self(direction))
        elementwise.probabilities(logits)
        return logits
