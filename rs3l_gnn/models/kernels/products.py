"""Matrix products whose rows do not depend on how many there are."""

from __future__ import annotations

import torch
from torch import Tensor

from rs3l_gnn.models.kernels.simd import VECTOR_BYTES

__all__ = ["multiply"]

# The matrix library (MKL 2024.2) sums some rows another way, and a chunk's last bits would depend on its length. With
# AVX-512 it does so in short products, and the bound grows with the row: below 3 rows of 64 numbers, 6 of 128, 11 of
# 256, 16 of 512. With AVX2 it concerns the last rows of any product, but for multiples of 12 rows, from 96 on.
_FEWEST_ROWS, _MULTIPLE = (16, 1) if VECTOR_BYTES == 64 else (96, 12)


def multiply(x: Tensor, weight: Tensor, out: Tensor) -> None:
    """Write ``x @ weight.T`` to ``out``.

    Args:
        x: rows [n, C_in].
        weight: as in ``torch.nn.Linear`` [C_out, C_in].
        out: result [n, C_out].
    """
    n = len(x)
    padded = max(_FEWEST_ROWS, -(-n // _MULTIPLE) * _MULTIPLE)
    if n == padded:
        torch.mm(x, weight.T, out=out)
    elif n:
        rows = x.new_zeros((padded, x.shape[1]))
        rows[:n] = x
        out.copy_((rows @ weight.T)[:n])
