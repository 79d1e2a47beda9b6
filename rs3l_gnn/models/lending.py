"""Memory that comes back when the last array on it is gone, and is lent again.

A training step needs the same memory as the one before, and the operating system hands memory out page by page: asked
anew each time, that takes a seventh of the step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.models.kernels.memory import aligned

__all__ = ["Lender"]


class Lender:
    """Lends memory to any thread.

    Args:
        keep: how many pieces stay at hand once they are back.
    """

    def __init__(self, keep: int = 2) -> None:
        self._keep = keep
        self._free: list[NDArray[np.uint8]] = []

    def lend(self, size: int) -> NDArray[np.uint8]:
        """So many bytes of any content, which begin with a cache line; arrays and tensors on them count as use."""
        whole: NDArray[np.uint8] = np.asarray(_Loan(self._find(size), self._free, self._keep))
        return whole[:size]

    def _find(self, size: int) -> NDArray[np.uint8]:
        for _ in range(len(self._free)):
            try:
                memory = self._free.pop(0)
            except IndexError:  # another thread was faster
                break
            if size <= len(memory) <= 2 * size:
                return memory
        return aligned(size + size // 8, np.dtype(np.uint8))  # the next batch may be a little larger


class _Loan:
    """What numpy holds on to as long as there is an array on the memory."""

    def __init__(self, memory: NDArray[np.uint8], free: list[NDArray[np.uint8]], keep: int) -> None:
        self._memory, self._free, self._keep = memory, free, keep
        self.__array_interface__: dict[str, Any] = memory.__array_interface__

    def __del__(self) -> None:
        if len(self._free) < self._keep:
            self._free.append(self._memory)
