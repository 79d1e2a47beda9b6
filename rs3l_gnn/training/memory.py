"""Squares of means that single batches know badly, with the help of the batches before."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rs3l_gnn.training.penalty import Means

__all__ = ["MeanMemory", "square_of_halves"]

_BATCHES = 20  # that the memory reaches back


class MeanMemory(nn.Module):
    r"""Running means over the batches of a training.

    The square of a mean that one batch knows with an error :math:`\sigma` has gradients of the size of
    :math:`\sigma` times the derivative of the mean, whatever the true mean is, and is too large by
    :math:`\sigma^2`. With the mean m of the batches before in one place,

    .. math:: \sum_k w_k \, m_k (2 v_k - m_k)

    has the gradient of the square on average, with an error that falls with the number of batches.

    Args:
        n: numbers to remember.
    """

    sums: Tensor

    def __init__(self, n: int) -> None:
        super().__init__()
        self.register_buffer("sums", torch.zeros(2, n))  # of weighted values, and of weights

    def forward(self, means: Means) -> Tensor:
        """The penalty of a batch, a scalar; remembers the batch."""
        total, weight = self.sums
        before = torch.where(weight > 0, total / weight.clamp(min=1e-30), 0.0)
        penalty = (means.weights * before * (2 * means.values - before)).sum()
        with torch.no_grad():
            seen = torch.stack([means.weights * means.values, means.weights]).to(self.sums)
            self.sums.mul_(1 - 1 / _BATCHES).add_(seen)
        return penalty


def square_of_halves(first: Means, second: Means) -> Tensor:
    """Weighted squares of means that two halves of the events know: the product is right on average."""
    return (torch.minimum(first.weights, second.weights) * first.values * second.values).sum()
