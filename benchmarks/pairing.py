"""How the work of ``rs3l pair`` grows with the number of views.

Three measurements. Matching alone: event numbers and fingerprints of hard events are compared, events with views
counted, and the files that hold them found, for every file; no particles. The reference is the time a view at the
smallest size: linear work needs no more at the largest. The whole verb, from ROOT files with particles to one HDF5
file, on invented jets. And event files, see :mod:`~rs3l_gnn.benchmarks.event_pairing`.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import awkward as ak
import numpy as np
import uproot

from rs3l_gnn.benchmarks.event_pairing import measure_event_pairing, measure_workers
from rs3l_gnn.benchmarks.invented import invented_candidates
from rs3l_gnn.conventions import Variation, get_variation
from rs3l_gnn.data import PairConfig, SimulatedFile, pair
from rs3l_gnn.data.fast_zlib import read_fast
from rs3l_gnn.data.matching import MatchedSample
from rs3l_gnn.data.opening import open_events

__all__ = ["benchmark_pairing", "table"]

_VARIATIONS = ("nominal", "seed", "fsrRenHi", "fsrRenLo", "altHad")
_CANDIDATES = 40
_KINDS: tuple[tuple[str, Literal["zlib", "lzma"]], ...] = (("gzip", "zlib"), ("none", "zlib"), ("gzip", "lzma"))
"""Compression of views and of event files."""
_JETS = ("pt", "eta", "phi", "mass", "msoftdrop", "n2b1")
_log = logging.getLogger("rs3l_gnn")


def benchmark_pairing(
    *,
    sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000),
    whole_sizes: tuple[int, ...] = (5_000, 20_000),
    event_sizes: tuple[int, ...] = (10_000, 40_000),
    worker_sizes: tuple[int, int] | None = (20_000, 100_000),
    events_per_file: int = 500,
    repeats: int = 3,
) -> dict[str, Any]:
    """Measure matching and the whole verb, and log the table.

    Args:
        sizes: views of the measurements of matching, rising, in five variations.
        whole_sizes: views of the measurements of the whole verb, rising.
        event_sizes: views of the measurements on event files of an experiment, rising.
        worker_sizes: views of the measurement of one and two processes that read event files, rising; none if None.
        events_per_file: hard events of one file; event files have ten times as many.
        repeats: measurements of each size of matching, of which the fastest counts, and turns of event files.

    Returns:
        ``matching`` and ``whole``: for each size ``views``, ``files``, ``seconds`` (of processor time) and
        ``views_per_second``, of the whole verb also ``decoding_seconds``, those in which uproot opens the files and
        unpacks the branches of their candidates, and ``fraction_of_decoding``, the rate over that; ``linearity`` and
        ``whole_linearity``: seconds a view at the largest size over those at the smallest (1 for linear work, below 1
        where the start matters); ``seconds_per_million_views`` of matching at the largest size; ``events``: rows of
        :func:`~rs3l_gnn.benchmarks.event_pairing.measure_event_pairing`; ``workers``: of
        :func:`~rs3l_gnn.benchmarks.event_pairing.measure_workers`; ``load_average`` of the machine before the start.
    """
    load = os.getloadavg()[0]
    matching = [_matching(size, events_per_file, repeats) for size in sizes]
    with tempfile.TemporaryDirectory() as folder:
        whole = [_whole(size, events_per_file, Path(folder) / str(size)) for size in whole_sizes]
    events = [
        measure_event_pairing(size // 2, 10 * events_per_file, compression=compression, stored=stored, repeats=repeats)
        for size in event_sizes
        for compression, stored in _KINDS
    ]
    workers = None
    if worker_sizes is not None:
        workers = measure_workers((worker_sizes[0] // 2, worker_sizes[1] // 2), 10 * events_per_file)
    numbers = {
        "matching": matching,
        "whole": whole,
        "events": events,
        "workers": workers,
        "linearity": matching[0]["views_per_second"] / matching[-1]["views_per_second"],
        "whole_linearity": whole[0]["views_per_second"] / whole[-1]["views_per_second"],
        "seconds_per_million_views": 1e6 / matching[-1]["views_per_second"],
        "load_average": load,
    }
    for line in table(numbers):
        _log.info(line)
    return numbers


def table(numbers: dict[str, Any]) -> list[str]:
    """The numbers of :func:`benchmark_pairing` as lines for a reader."""
    lines = [f"{'':<10}{'views':>10}{'files':>8}{'seconds':>10}{'views/s':>12}"]
    for name in ("matching", "whole", "events"):
        lines += [
            f"{name:<10}{row['views']:>10}{row['files']:>8}{row['seconds']:>10.3f}{row['views_per_second']:>12.0f}"
            for row in numbers[name]
        ]
    matching, whole = numbers["linearity"], numbers["whole_linearity"]
    return [
        *lines,
        f"time a view at the largest size over that at the smallest: matching {matching:.2f}, whole {whole:.2f}",
        *(
            f"{row['views']} views of simulated files: {row['fraction_of_decoding']:.0%} of the rate of opening and "
            "unpacking alone"
            for row in numbers["whole"]
        ),
        *(
            f"event files ({row['stored']}), {row['views']} views ({row['compression']}): "
            f"{row['fraction_of_reading']:.0%} of the rate of reading in processor time "
            f"({row['fraction_of_decoding']:.0%} without features), "
            f"{row['elapsed_fraction_of_reading']:.0%} ({row['elapsed_fraction_of_decoding']:.0%}) by the clock, "
            f"{row['peak_mb']:.0f} MiB"
            for row in numbers["events"]
        ),
        *([] if (workers := numbers["workers"]) is None else [_workers_line(workers)]),
        f"matching a million views: {numbers['seconds_per_million_views']:.2f} s",
        f"load of the machine before the start: {numbers['load_average']:.1f} on {os.cpu_count()} cores",
    ]


def _workers_line(row: dict[str, Any]) -> str:
    return (
        f"event files read by two processes: {row['two_over_one']:.2f} times the rate of one; a million views take "
        f"{row['two']['own_seconds']:.0f} processor s where they are written and "
        f"{row['two']['worker_seconds']:.0f} where they are read, and {row['two']['own_mb']:.0f} and "
        f"{row['two']['worker_mb']:.0f} MiB"
    )


def _matching(views: int, events_per_file: int, repeats: int) -> dict[str, Any]:
    files = list(_light_files(views // len(_VARIATIONS), events_per_file))
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        sample = MatchedSample.collect("qcd", files)
        report = sample.report()
        found = sum(len(sample.members(nominal)[0]) for nominal in sample.nominal)
        seconds.append(time.process_time() - start)
    if found != report.matched:
        raise RuntimeError(f"{found} of {report.matched} matched events were found again")
    n_views = sum(len(file.event) for file in files)
    return _row(n_views, len(files), min(seconds))


def _light_files(n_events: int, events_per_file: int) -> Iterator[SimulatedFile]:
    """Files without particles: three of four events have their jet, in each variation independently."""
    rng = np.random.default_rng(1)
    for name in _VARIATIONS:
        for first in range(0, n_events, events_per_file):
            event = np.arange(first, min(first + events_per_file, n_events))
            yield SimulatedFile(
                path=Path(f"{name}_{first}.root"),
                metadata={"n_hard_events": len(event)},
                sample="qcd",
                variation=get_variation(name),
                event=event,
                hard_hash=event.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15),
                has_anchor=rng.random(len(event)) < 0.75,
            )


def _whole(views: int, events_per_file: int, folder: Path) -> dict[str, Any]:
    n_events = views // len(_VARIATIONS)
    rng = np.random.default_rng(2)
    n_files = 0
    folder.mkdir()
    for name in _VARIATIONS:
        for first in range(0, n_events, events_per_file):
            event = np.arange(first, min(first + events_per_file, n_events))
            _write(folder / f"{name}_{first:08d}.root", event, get_variation(name), rng)
            n_files += 1
    start = time.process_time()
    report = pair(PairConfig(directories=(folder,)), folder / "views.h5")
    row = _row(report.views, n_files, time.process_time() - start)
    reading = _decode(sorted(folder.glob("*.root")))
    return {**row, "decoding_seconds": reading, "fraction_of_decoding": reading / row["seconds"]}


def _decode(paths: list[Path]) -> float:
    """Seconds to open the files and unpack the branches of their candidates by uproot, and nothing else."""
    read_fast()
    start = time.process_time()
    for path in paths:
        with open_events(str(path)) as file:
            file["Events"].arrays(filter_name=["PFCands_*", "FatJetPFCands_*"])
    return time.process_time() - start


def _row(views: int, files: int, seconds: float) -> dict[str, Any]:
    return {"views": views, "files": files, "seconds": seconds, "views_per_second": views / seconds}


def _write(path: Path, event: np.ndarray[Any, Any], variation: Variation, rng: np.random.Generator) -> None:
    """One invented jet in each event, as ``rs3l simulate`` writes it."""
    n = len(event)
    shape = (n, _CANDIDATES)
    charge, candidates = invented_candidates(rng, shape)
    jets = {"pt": candidates["pt"].sum(axis=1), **{name: rng.uniform(0, 0.3, n) for name in _JETS[1:]}}
    own = np.broadcast_to(np.arange(_CANDIDATES, dtype=np.int32), shape)
    tree = {
        "run": np.ones(n, np.uint32),
        "luminosityBlock": np.ones(n, np.uint32),
        "event": event.astype(np.uint64),
        "hardHash": event.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15),
        "genWeight": np.ones(n, np.float32),
        "FatJet": _columns(
            {
                **{name: values[:, np.newaxis].astype(np.float32) for name, values in jets.items()},
                "jettype": np.ones((n, 1), np.int32),
                "anchor": np.ones((n, 1), np.bool_),
            }
        ),
        "PFCands": _columns(
            {
                **{name: values.astype(np.float32) for name, values in candidates.items()},
                "charge": charge,
                "pdgId": np.where(charge != 0, 211 * charge, 22).astype(np.int32),
            }
        ),
        "FatJetPFCands": _columns({"jetIdx": np.zeros(shape, np.int32), "pFCandsIdx": own}),
    }
    metadata = {
        "format": "rs3l-simulation",
        "version": 1,
        "sample": "qcd",
        "variation": variation.record(),
        "n_hard_events": n,
    }
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        types = {name: v.dtype if isinstance(v, np.ndarray) else v.type.content for name, v in tree.items()}
        file.mktree("Events", types)
        file["Events"].extend(tree)
        file["rs3l_metadata"] = json.dumps(metadata)


def _columns(columns: dict[str, np.ndarray[Any, Any]]) -> ak.Array:
    return ak.zip({name: ak.from_regular(values) for name, values in columns.items()})


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    benchmark_pairing()
