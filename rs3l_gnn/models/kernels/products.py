"""Matrix products whose rows do not depend on how many there are."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["multiply"]

# With few rows the matrix library takes another way to sum, and a chunk's last bits would depend on its length. Where
# the way changes grows with the row: below 3 rows of 64 numbers, 6 of 128, 11 of 256, 16 of 512 (MKL 2024.2, AVX-512).
_FEWEST_ROWS = 16


def multiply(x: Tensor, weight: Tensor, out: Tensor) -> None:
    """Write ``x @ weight.T`` to ``out``.

    Args:
        x: rows [n, C_in].
        weight: as in ``torch.nn.Linear`` [C_out, C_in].
        out: result [n, C_out].
    """
    n = len(x)
    if n >= _FEWEST_ROWS:
        torch.mm(x, weight.T, out=out)
    elif n:
        rows = x.new_zeros((_FEWEST_ROWS, x.shape[1]))
        rows[:n] = x
        out.copy_((rows @ weight.T)[:n])
