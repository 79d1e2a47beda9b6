"""The measurement of the analysis runs and gives sensible numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import uproot

from rs3l_gnn.benchmarks.analysis import run_analysis_benchmark, worker_memory, write_events
from rs3l_gnn.benchmarks.memory import peak_mb
from rs3l_gnn.benchmarks.rates import table as rates


@pytest.mark.slow
def test_a_small_measurement() -> None:
    numbers = run_analysis_benchmark(events=2000, files=2, single=20)
    assert numbers["jets"] == 2000
    # Ratios of times depend on what else the machine does: only their arithmetic is asserted.
    assert numbers["processor_over_floor"] == pytest.approx(
        numbers["floor_jets_per_second"] / numbers["jets_per_second"]
    )
    assert numbers["speedup_over_single"] == pytest.approx(
        numbers["jets_per_second"] / numbers["single_jets_per_second"]
    )
    assert numbers["workers_speedup"] == pytest.approx(
        numbers["workers_jets_per_second"] / numbers["one_worker_jets_per_second"]
    )
    assert 0 < numbers["small_chunks_over_large"] < 2
    assert 100 < numbers["peak_memory_mb"] <= peak_mb()
    assert len(rates({"analysis": numbers}).splitlines()) == 2 + 5


@pytest.mark.slow
def test_memory_does_not_follow_the_file() -> None:
    numbers = worker_memory(sizes=(1000, 8000), chunksize=1000)
    peaks = numbers["peak_memory_mb"]
    assert 100 < peaks["1000"] < 1500
    assert peaks["8000"] < 1.2 * peaks["1000"]
    assert numbers["file_mb"]["8000"] > 5 * numbers["file_mb"]["1000"]


def test_events_are_written_in_blocks(tmp_path: Path) -> None:
    path = write_events(tmp_path / "a.root", 25, seed=1, block=10)
    with uproot.open(path) as file:
        arrays = file["Events"].arrays(["event", "nPFCands"], library="np")
    assert len(set(arrays["event"].tolist())) == 25
    assert (arrays["nPFCands"] > 0).all()
