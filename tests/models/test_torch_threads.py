"""Threads for operations of torch: none of torch's settings changed."""

from __future__ import annotations

import threading

import pytest
import torch

from rs3l_gnn.models.threads import run_chunks
from rs3l_gnn.models.torch_threads import TorchPool


def _of_a_new_thread() -> int:
    numbers: list[int] = []
    new = threading.Thread(target=lambda: numbers.append(torch.get_num_threads()))
    new.start()
    new.join()
    return numbers[0]


def _set(number: int) -> None:
    torch.get_num_threads()
    torch.set_num_threads(number)


@pytest.mark.parametrize("general", [1, 2, 3])
def test_torch_settings_stay(general: int) -> None:
    own, earlier = torch.get_num_threads(), _of_a_new_thread()
    inside: list[int] = []
    new = threading.Thread(target=lambda: _set(general))
    new.start()
    new.join()
    try:
        run_chunks(lambda *_: inside.append(torch.get_num_threads()), 20, threads=4, scratch=object, pool=TorchPool())
        assert set(inside) == {1}
        assert torch.get_num_threads() == own
        assert _of_a_new_thread() == general
    finally:
        new = threading.Thread(target=lambda: _set(earlier))
        new.start()
        new.join()
