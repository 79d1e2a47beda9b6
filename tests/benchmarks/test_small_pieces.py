"""Rates of small pieces: the arithmetic, with a clock of the test, and that all of them see their events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rs3l_gnn.benchmarks import small_pieces
from rs3l_gnn.benchmarks.analysis import write_events


def test_rates_over_that_of_large_chunks(tmp_path: Path, tagger_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [write_events(tmp_path / "whole.root", 40, seed=1)]
    small = [write_events(tmp_path / f"small{n}.root", 10, seed=n) for n in range(2)]
    # 40 events in 2 s, 40 in 4 s, 20 in 10 s.
    clock = iter([0.0, 2.0, 2.0, 6.0, 6.0, 16.0])
    monkeypatch.setattr(small_pieces, "process_time", lambda: next(clock))
    found = small_pieces.rates_in_pieces(whole, small, tagger_path, tmp_path, size=10, rounds=1)
    assert found == {
        "large_chunks_events_per_second": 20.0,
        "small_chunks_over_large": 0.5,
        "small_files_over_large": pytest.approx(0.1),
    }
    reports = {
        name: json.loads((tmp_path / f"{name}-0" / "report.json").read_text())
        for name in ("large", "small_chunks", "small_files")
    }
    assert {name: report["chunks"] for name, report in reports.items()} == {
        "large": 1,
        "small_chunks": 4,
        "small_files": 2,
    }
    histograms = [
        json.loads((tmp_path / name / "histograms.json").read_text())["histograms"]
        for name in ("large-0", "small_chunks-0")
    ]
    assert histograms[0] == histograms[1]
