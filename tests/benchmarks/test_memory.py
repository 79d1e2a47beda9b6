"""The memory that the benchmarks report is the kernel's own number, in MiB."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from rs3l_gnn.benchmarks.memory import current_mb, peak_mb

_HUNDRED_MB = "import numpy; numpy.ones(100 * 2**20, dtype=numpy.uint8).sum()"


def test_an_array_is_counted_and_stays_in_the_peak() -> None:
    before = current_mb()
    array = np.ones(64 * 2**20, dtype=np.uint8)
    with_array = current_mb()
    del array
    assert 60 < with_array - before < 70
    assert peak_mb() > with_array - 2  # the kernel updates its counters in steps
    assert current_mb() < with_array - 60


def test_a_child_counts_where_it_is_asked_for() -> None:
    subprocess.run([sys.executable, "-c", _HUNDRED_MB], check=True)  # noqa: S603  own interpreter, fixed text
    assert peak_mb(children=True) >= max(100, peak_mb())
