"""Memory begins with a cache line."""

from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.models.kernels.memory import aligned


@pytest.mark.parametrize("size", [1, 37, 100_000])
@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_begins_where_a_cache_line_does(size: int, real: type[np.floating]) -> None:
    memory = aligned(size, np.dtype(real))
    assert memory.shape == (size,)
    assert memory.dtype == real
    assert memory.ctypes.data % 64 == 0
    memory[:] = 3  # all of it may be written
