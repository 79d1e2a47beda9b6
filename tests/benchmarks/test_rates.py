"""All measurements of speed in one table; what each benchmark reports is put into it by that benchmark's own test."""

from __future__ import annotations

import os
from typing import Any

import pytest

from rs3l_gnn.benchmarks.rates import measure_all, table
from rs3l_gnn.conventions import MissingDependencyError


def _process() -> dict[str, Any]:
    return {"process": os.getpid()}


def _without_its_package() -> dict[str, Any]:
    raise MissingDependencyError("weaver-core is not installed")


def _broken() -> dict[str, Any]:
    raise ZeroDivisionError


def test_each_has_a_process_of_its_own() -> None:
    found = measure_all({"one": _process, "two": _process, "peers": _without_its_package})
    assert list(found) == ["one", "two", "peers"]
    assert len({os.getpid(), found["one"]["process"], found["two"]["process"]}) == 3
    assert found["one"]["load_average"] >= 0
    assert found["peers"] == {"not_run": "weaver-core is not installed"}
    with pytest.raises(ZeroDivisionError):
        measure_all({"broken": _broken})


def test_rates_over_those_of_the_references() -> None:
    ways = {"light": 0.75, "torch": 3.0, "onnx": 0.5, "never compiled": 5.0}
    start = {way: {"first_score_seconds": seconds} for way, seconds in ways.items()}
    kernels = {"jets_per_second": 12_345.6, "simd_off": 0.04}
    peers = {"not_run": "weaver-core is not installed"}
    assert table({"kernels": kernels, "peers": peers, "start": start}).splitlines() == [
        "| What | Rate | Reference | Ratio | `rs3l benchmark` |",
        "| --- | --- | --- | --- | --- |",
        "| layers in hand-written vector code | 12,346 jets/s | numba's own loops | 25 | `kernels` |",
        "| not run: weaver-core is not installed |  |  |  | `peers` |",
        "| first score of a fresh process | 0.75 s | ONNX Runtime: 0.50 s | 0.67 | `start` |",
        "| first score of a fresh process, with torch | 3.00 s | the light part | 0.25 | `start` |",
        "| first score of a fresh process, never compiled | 5.00 s | compiled | 0.15 | `start` |",
    ]
