"""What the tests of the kernels share."""

from __future__ import annotations

from typing import Any

import numba

from rs3l_gnn.models.kernels.compiled import OPTIONS


def from_python(part: Any) -> Any:
    """A part of the kernels, for a call from Python instead of compiled code."""
    return numba.njit(**OPTIONS)(part.part.dispatcher.py_func)
