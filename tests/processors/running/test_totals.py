"""Counts of chunks as a report tells them."""

from __future__ import annotations

from typing import Any

import pytest

from rs3l_gnn.processors.running.checkpoints import RESUMED
from rs3l_gnn.processors.running.totals import failures, seconds_in_chunks, seen_events, totals

_OUT: dict[str, Any] = {
    "qcd": {
        "events": 100,
        "jets": 150,
        "scored_jets": 80,
        "jets_below_training_range": 3,
        "seconds": {"selection": 1.0, "networks": 2.0},
        "seen_in_training": {"a": 5},
        "failures": {("b.root", "b.root, events 0 to 9", "InputFileError", "bad")},
    },
    "hbb": {
        "events": 50,
        "jets": 60,
        "scored_jets": 40,
        "jets_below_training_range": 1,
        "seconds": {"networks": 0.5},
        "seen_in_training": {"a": 1, "b": 2},
        "failures": {("a.root", "a.root, events 0 to 9", "InputFileError", "worse")},
    },
    "lost": {"failures": set()},
}


def test_counts_are_of_all_chunks_and_rates_of_this_run() -> None:
    metrics = {"bytes_read": 1234, RESUMED: {"chunks": 3, "events": 90, "jets": 60}}
    assert totals({"out": _OUT, "metrics": metrics}, 4.0) == {
        "events": 150,
        "events_per_second": 15.0,
        "jets_in_files": 210,
        "jets": 120,
        "jets_per_second": 15.0,
        "jets_below_training_range": 4,
        "bytes_read": 1234,
        "chunks_from_checkpoints": 3,
    }
    fresh = totals({"out": _OUT, "metrics": {}}, 4.0)
    assert (fresh["events_per_second"], fresh["chunks_from_checkpoints"], fresh["bytes_read"]) == (37.5, 0, 0)


def test_seconds_and_events_seen_add_up() -> None:
    assert seconds_in_chunks(_OUT) == pytest.approx({"selection": 1.0, "networks": 2.5})
    assert seen_events(_OUT) == {"a": 6, "b": 2}


def test_failures_are_in_the_order_of_the_files() -> None:
    assert [one["error"] for one in failures(_OUT)] == ["worse", "bad"]
