"""Memory for vector code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CACHE_LINE", "aligned"]

CACHE_LINE = 64
"""Bytes. A vector of AVX-512 that lies in two lines takes twice as long to load; numpy begins arrays anywhere."""


def aligned(size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Memory for so many numbers that begins where a cache line does."""
    memory = np.empty(size * dtype.itemsize + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size * dtype.itemsize].view(dtype)
