"""Small dense networks whose result for a row is the same to the last bit, whichever other rows there are.

torch's own layers come close, but a product with one column and the ends of its vector loops depend on the number of
rows; a score that moves by one bit between two cuts of the same jets can move over the edge of a histogram's bin.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from rs3l_gnn.models.kernels import elementwise
from rs3l_gnn.models.kernels.layers import pad_channels
from rs3l_gnn.models.kernels.products import multiply

__all__ = ["DenseNetwork"]


class DenseNetwork:
    """Linear layers with ELU or ReLU between them, on the CPU and without gradients.

    Args:
        network: ``Linear`` layers with the same activation between them.
    """

    def __init__(self, network: nn.Sequential) -> None:
        linears = [cast("nn.Linear", layer) for layer in list(network)[::2]]
        self._n_out = linears[-1].out_features
        self._relu = any(isinstance(layer, nn.ReLU) for layer in network)
        self._layers = [
            (pad_channels(pad_channels(linear.weight.detach(), 0), 1), pad_channels(linear.bias.detach(), 0))
            for linear in linears
        ]

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs [n, C_out] of rows [n, C_in]; C_in may be padded with zeros to the kernels' multiple."""
        x = pad_channels(x, 1)
        for number, (weight, bias) in enumerate(self._layers):
            y = x.new_empty((len(x), len(weight)))
            multiply(x, weight, y)
            if number == len(self._layers) - 1:
                elementwise.shift(y.numpy(), bias.numpy())
            elif self._relu:
                elementwise.rectify(y.numpy(), bias.numpy())
            else:
                elementwise.activate(y.numpy(), bias.numpy())
            x = y
        return x[:, : self._n_out]

    def probabilities(self, z: Tensor) -> Tensor:
        """Probabilities of jets from their embeddings, for a network on the normalised embedding that gives logits.

        Args:
            z: embeddings [n_jets, dim] of any length.

        Returns:
            [n_jets, 1] of the signal for one logit, else [n_jets, n_classes].
        """
        direction = z.clone()
        elementwise.normalise(direction.numpy())
        logits = self(direction).contiguous()
        elementwise.probabilities(logits.numpy())
        return logits
