"""The memory that the benchmarks report is the kernel's own number, in MiB."""

from __future__ import annotations

import subprocess
import sys

from rs3l_gnn.benchmarks.memory import child_peak_mb, peak_mb

_HUNDRED_MB = "import numpy; numpy.ones(100 * 2**20, dtype=numpy.uint8).sum()"
_STEPS = """
import numpy
from rs3l_gnn.benchmarks.memory import current_mb, peak_mb
before = current_mb()
array = numpy.ones(64 * 2**20, dtype=numpy.uint8)
held = current_mb()
del array
print(before, held, peak_mb(), current_mb())
"""


def _run(program: str) -> str:
    """In a fresh process: one with a history has memory to give out again, and a peak of its own."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  own interpreter


def test_an_array_is_counted_and_stays_in_the_peak() -> None:
    before, held, peak, after = map(float, _run(_STEPS).split())
    assert 60 < held - before < 70
    assert peak > held - 2  # the kernel updates its counters in steps
    assert after < held - 60


def test_a_child_counts_where_it_is_asked_for() -> None:
    _run(_HUNDRED_MB)
    assert peak_mb(children=True) >= max(100, peak_mb())
    assert child_peak_mb() >= 100
