"""Compiled loops do what Python does, with a place to be kept and without."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from rs3l_gnn.conventions.compiling import compile_loop


def _sum_of_odd(values: Any) -> int:
    total = 0
    for value in values:
        if value % 2:
            total += value
    return total


def test_the_loop_gives_the_same() -> None:
    values = np.arange(101)
    assert compile_loop(_sum_of_odd)(values) == _sum_of_odd(values) == 50**2


def test_without_a_folder_for_compiled_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a worker without a home."""
    njit = numba.njit

    def no_cache(**options: Any) -> Any:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(numba, "njit", no_cache)
    assert compile_loop(_sum_of_odd, error_model="numpy")(np.arange(7)) == 9
