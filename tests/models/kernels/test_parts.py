"""Parts that are compiled by themselves give their callers what Python gives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import void
from numba.core import errors

from rs3l_gnn.models.kernels.parts import calling_parts, part, parts

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import calls, numpy as np
x = np.arange(12, dtype=sys.argv[2]).reshape(3, 4)
print(calls.largest(x), x.tolist(), sum(calls.largest.stats.cache_hits.values()))
"""
PIECES = """
from numba import float64, int32, void
from rs3l_gnn.models.kernels.parts import part

@part(lambda real, whole, _: whole(real[:, ::1], whole, real))
def double_row(x, row, offset):
    for column in range(x.shape[1]):
        x[row, column] = 2 * x[row, column] + offset
    return row + 10

@part(lambda real, *_: void(real[:, ::1]))
def negate(x):
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            x[row, column] = -x[row, column]
"""
CALLS = """
from pieces import double_row, negate
from rs3l_gnn.models.kernels.parts import calling_parts

@calling_parts
def largest(x):
    total = 0
    for row in range(x.shape[0]):
        total += double_row(x, row, x[row, 0])
    negate(x)
    return total
"""


def _run(folder: Path, *options: str, program: str = PROGRAM) -> str:
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", program, str(folder), *options], check=True, capture_output=True, text=True
    )
    return (done.stdout + done.stderr).strip()


def test_a_process_calls_what_another_compiled(tmp_path: Path) -> None:
    """With parts of other types, the same caller is compiled anew: its code would call what is not there."""
    (tmp_path / "calls.py").write_text(CALLS, encoding="utf-8")
    (tmp_path / "pieces.py").write_text(PIECES, encoding="utf-8")
    expected = [[-(2.0 * (4 * row + column) + 4 * row) for column in range(4)] for row in range(3)]
    for hits in range(2):
        assert _run(tmp_path, "float32") == f"33 {expected} {hits}"
    assert _run(tmp_path, "float64") == f"33 {expected} 0"
    (tmp_path / "pieces.py").write_text(PIECES.replace("whole, real)", "int32, float64)"), encoding="utf-8")
    for hits in range(2):
        assert _run(tmp_path, "float32") == f"33 {expected} {hits}"


def test_an_array_of_another_layout_is_refused() -> None:
    @part(lambda real, *_: void(real[:, ::1]))
    def clear(x: Any) -> None:
        x[:] = 0

    @calling_parts
    def call(x: Any) -> None:
        clear(x)

    try:
        with pytest.raises(errors.TypingError, match="clear takes"):
            call(np.ones((4, 6), np.float32)[:, ::2])
        x = np.ones((4, 6), np.float32)
        call(x)
        assert not x.any()
    finally:
        parts.pop()


UNKNOWN = ["get_pointer_to_function", "llvm_func_name", "get_function_type", "CPUCallConv"]


@pytest.mark.parametrize("name", [UNKNOWN[0], *(pytest.param(name, marks=pytest.mark.slow) for name in UNKNOWN[1:])])
def test_another_numba_makes_functions_of_parts(tmp_path: Path, renamed: Callable[[str, str], str], name: str) -> None:
    (tmp_path / "calls.py").write_text(CALLS, encoding="utf-8")
    (tmp_path / "pieces.py").write_text(PIECES, encoding="utf-8")
    expected = [[-(2.0 * (4 * row + column) + 4 * row) for column in range(4)] for row in range(3)]
    for hits in range(2):
        found, said = _run(tmp_path, "float32", program=renamed("numba", name) + PROGRAM).splitlines()
        assert found == f"33 {expected} {hits}"
        assert said.startswith("WARNING rs3l_gnn.models.kernels.parts numba")
        assert name in said
