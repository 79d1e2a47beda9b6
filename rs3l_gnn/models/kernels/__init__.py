"""Layers on the CPU by compiled loops alone, bit for bit the same in any batch; numba and numpy, no torch.

:class:`Stack` runs the layers on particles, :class:`DenseNetwork` those on whole jets. What makes them of torch's
modules, and gradients, is in :mod:`rs3l_gnn.models.differentiable`.
"""

from rs3l_gnn.models.kernels.dense import DenseNetwork
from rs3l_gnn.models.kernels.layers import Layer
from rs3l_gnn.models.kernels.stack import Stack

__all__ = ["DenseNetwork", "Layer", "Stack"]
