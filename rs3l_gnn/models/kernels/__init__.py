"""Layers on the CPU: matrix products by torch, everything else by compiled loops, bit for bit the same in any batch.

:class:`Stack` runs the layers on particles, :class:`DenseNetwork` those on whole jets; nothing else is used outside.
"""

from rs3l_gnn.models.kernels.dense import DenseNetwork
from rs3l_gnn.models.kernels.stack import Stack

__all__ = ["DenseNetwork", "Stack"]
