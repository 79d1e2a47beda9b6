"""The measurement of the analysis runs and gives sensible numbers."""

from __future__ import annotations

import pytest

from rs3l_gnn.benchmarks.analysis import run_analysis_benchmark


@pytest.mark.slow
def test_a_small_measurement() -> None:
    numbers = run_analysis_benchmark(events=2000, files=2, single=20)
    assert numbers["jets"] == 2000
    assert 1 <= numbers["processor_over_floor"] < 3
    assert numbers["speedup_over_single"] > 10
    assert numbers["peak_memory_mb"] < 1500
