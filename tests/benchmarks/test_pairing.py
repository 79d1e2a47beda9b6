from __future__ import annotations

import math

import pytest

from rs3l_gnn.benchmarks.event_pairing import measure_workers
from rs3l_gnn.benchmarks.pairing import benchmark_pairing, table
from rs3l_gnn.benchmarks.rates import table as rates


def test_matching_and_the_whole_verb_are_measured() -> None:
    numbers = benchmark_pairing(
        sizes=(500, 5000),
        whole_sizes=(100, 200),
        event_sizes=(60,),
        worker_sizes=None,
        events_per_file=20,
        repeats=1,
    )
    assert [row["views"] for row in numbers["matching"]] == [500, 5000]
    assert [row["files"] for row in numbers["matching"]] == [25, 250]
    assert [row["views"] for row in numbers["whole"]] == [100, 200]
    for row in numbers["whole"]:
        assert row["fraction_of_decoding"] == pytest.approx(row["decoding_seconds"] / row["seconds"], rel=1e-9)
    first, last = numbers["matching"][0], numbers["matching"][-1]
    assert numbers["linearity"] == pytest.approx(
        (last["seconds"] / last["views"]) / (first["seconds"] / first["views"]), rel=1e-9
    )
    assert [(row["compression"], row["stored"]) for row in numbers["events"]] == [
        ("gzip", "zlib"),
        ("none", "zlib"),
        ("gzip", "lzma"),
    ]
    events = numbers["events"][0]
    assert (events["views"], events["files"]) == (60, 2)
    for reference in ("reading", "decoding"):
        for kind in ("", "elapsed_"):  # of the one turn
            fraction = events[f"{kind}fraction_of_{reference}"]
            assert fraction * events[f"{kind}seconds"] == pytest.approx(events[reference][f"{kind}seconds"], rel=1e-9)
    assert events["peak_mb"] > 0
    assert len(rates({"pairing": numbers}).splitlines()) == 2 + 4
    assert len(table(numbers)) == 16


@pytest.mark.slow
def test_one_and_two_processes_are_measured() -> None:
    workers = measure_workers((10, 400), events_per_file=50)
    assert workers["views"] == 800
    rates = [workers[name]["views_per_second"] for name in ("two", "one")]
    assert workers["two_over_one"] == pytest.approx(rates[0] / rates[1], rel=1e-9)
    for name in ("one", "two"):
        # Times of so few events are differences that a busy machine may turn round.
        assert all(math.isfinite(workers[name][f"{what}_seconds"]) for what in ("own", "worker"))
        assert all(workers[name][f"{what}_mb"] > 0 for what in ("own", "worker"))
