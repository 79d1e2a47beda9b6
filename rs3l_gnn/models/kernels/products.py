"""The matrix product of all layers: each row by itself, the same to the last bit in any batch and on any machine."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from rs3l_gnn.models.kernels.compiled import compiled
from rs3l_gnn.models.kernels.memory import aligned
from rs3l_gnn.models.kernels.simd import VECTOR_BYTES
from rs3l_gnn.models.kernels.tiles import product_rows

__all__ = ["multiply", "panels_of"]


def panels_of(weight: NDArray[Any]) -> NDArray[Any]:
    """Lay a weight out as :func:`multiply` takes it.

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


@compiled
def multiply(x: Any, panels: Any, out: Any) -> None:
    """Write ``x @ weight.T`` to ``out``.

    Args:
        x: rows [n, C_in].
        panels: of the weight, see :func:`panels_of`.
        out: result [n, C_out].
    """
    if x.shape[0]:
        product_rows(x, panels, out)
