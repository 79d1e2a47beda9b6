"""Memory is lent again when nobody uses it, and not before."""

from __future__ import annotations

import numpy as np
import torch

from rs3l_gnn.models.lending import Lender


def test_memory_is_not_lent_twice_at_a_time() -> None:
    lender = Lender()
    first, second = lender.lend(1000), lender.lend(1000)
    assert not np.shares_memory(first, second)
    assert len(first) == len(second) == 1000
    assert first.ctypes.data % 64 == second.ctypes.data % 64 == 0


def test_memory_comes_back_with_the_last_view_of_it() -> None:
    lender = Lender()
    memory = lender.lend(4000)
    address = memory.ctypes.data
    tensor = torch.from_numpy(memory.view(np.float32)[100:])[5:]
    del memory
    assert lender.lend(4000).ctypes.data != address
    tensor[:] = 1
    del tensor
    assert address in {lender.lend(4000 + extra).ctypes.data for extra in (0, 0, 200)}


def test_other_sizes_and_more_than_is_kept() -> None:
    lender = Lender(keep=1)
    address = lender.lend(100_000).ctypes.data
    assert lender.lend(60_000).ctypes.data == address
    small = lender.lend(1000)
    assert len(small) == 1000
    assert lender._free == []  # what is much too large is given up
    pieces = [lender.lend(1000) for _ in range(3)]
    del pieces
    assert len(lender._free) == 1
