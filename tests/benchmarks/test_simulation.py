from __future__ import annotations

import logging
import time

import pytest

from rs3l_gnn.benchmarks import simulation
from rs3l_gnn.benchmarks.memory import peak_mb
from rs3l_gnn.benchmarks.rates import table as rates
from rs3l_gnn.benchmarks.simulation import benchmark_simulation, table

pytest.importorskip("pythia8mc", reason="the extra 'simulation' is not installed")


def test_both_turns_are_measured(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="rs3l_gnn"):
        numbers = benchmark_simulation(events=6, rounds=1, workers=1)
    assert numbers["fraction_of_reference"] == pytest.approx(
        numbers["events_per_second"] / numbers["reference_events_per_second"]
    )
    assert len(numbers["own_variations"]) == 5
    assert numbers["fraction_with_own_variations"] > 0
    assert numbers["v0_decays"] is True
    assert numbers["scaling"] is numbers["reference_scaling"] is numbers["scaling_over_reference"] is None
    # The peak belongs to the whole life of this process, other tests included: no limit of its own can be asserted.
    assert 50 < numbers["peak_memory_mb"] <= peak_mb(children=True)
    lines = table(numbers)
    assert lines[0] == "hbb: 1 rounds of 6 events"
    assert f"  chain over bare Pythia                            {numbers['fraction_of_reference']:.3f}" in lines
    assert caplog.messages[-len(lines) :] == lines
    assert len(rates({"simulation": numbers}).splitlines()) == 2 + 2


def test_several_processes_have_a_row() -> None:
    numbers = {
        "process": "qcd",
        "events": 10,
        "rounds": 2,
        "reference_events_per_second": 100.0,
        "events_per_second": 90.0,
        "fraction_of_reference": 0.9,
        "own_variations": ["one", "two"],
        "fraction_with_own_variations": 0.95,
        "workers": 4,
        "cores": 8,
        "scaling": 3.5,
        "reference_scaling": 3.6,
        "load_average": 0.2,
        "peak_memory_mb": 200.0,
    }
    lines = table(numbers)
    assert "  the same with 2 variations of one's own           0.950" in lines
    assert "  4 processes over one                              3.50" in lines
    assert "  the same for bare Pythia                          3.60" in lines


def test_the_gain_is_counted_while_all_processes_are_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that start at 10 s and 11 s and need 2 s a task: one task a second, until the first runs dry."""
    clock = iter([12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 25.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    assert simulation._rate(range(7), 2) == 1.0
