"""The matrix product of all layers: each row by itself, the same to the last bit in any batch and on any machine."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from rs3l_gnn.models.kernels.memory import aligned
from rs3l_gnn.models.kernels.simd import VECTOR_BYTES

__all__ = ["panels_of"]


def panels_of(weight: NDArray[Any]) -> NDArray[Any]:
    """Lay a weight out as products take it.

    Args:
        weight: as in ``torch.nn.Linear`` [C_out, C_in], C_out a multiple of the L numbers of a vector.

    Returns:
        [C_out / L, C_in, L].
    """
    lanes = VECTOR_BYTES // weight.itemsize
    by_panels = weight.reshape(-1, lanes, weight.shape[1]).transpose(0, 2, 1)
    panels = aligned(weight.size, weight.dtype).reshape(by_panels.shape)
    panels[:] = by_panels
    return panels
