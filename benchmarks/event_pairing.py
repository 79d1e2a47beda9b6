"""Rate and memory of ``rs3l pair`` on event files: PFNano with generator particles, one view in another order.

The references: the particles of the same jets from the same files, with their features (reading) and without
(decoding), and nothing else.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Literal

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from rs3l_gnn.benchmarks.alone import alone
from rs3l_gnn.benchmarks.invented import invented_candidates
from rs3l_gnn.benchmarks.memory import child_peak_mb, peak_mb
from rs3l_gnn.conventions import parse_config
from rs3l_gnn.data import EventTables, PairConfig, jet_features, pair
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.particles import CHUNK_MEMORY, particle_branches

__all__ = ["measure_event_pairing", "measure_workers"]

_VIEWS = ("nominal", "herwig")
_PROCESSES = {"own": resource.RUSAGE_SELF, "worker": resource.RUSAGE_CHILDREN}
_ROOT = {"zlib": uproot.ZLIB(1), "lzma": uproot.LZMA(9)}


def measure_event_pairing(
    n_events: int,
    events_per_file: int,
    n_candidates: int = 40,
    compression: str = "gzip",
    stored: Literal["zlib", "lzma"] = "zlib",
    *,
    repeats: int = 3,
) -> dict[str, Any]:
    """Pair two views of invented events, one jet each, and read them, in turns in one process that is warm.

    Args:
        n_events: of each view; those of the second are shuffled over all of its files.
        events_per_file: of each view.
        n_candidates: of each jet.
        compression: of the file of views.
        stored: compression of the event files: zlib, the fastest to read, or LZMA, as in CMS' central productions.
        repeats: of each; others may use the machine, so that the three are compared turn by turn.

    Returns:
        ``compression``, ``stored``, ``views``, ``files``, ``peak_mb`` of the process; medians of ``seconds`` (of
        processor time), ``elapsed_seconds``, ``views_per_second``, of ``reading`` and ``decoding`` (seconds and elapsed
        seconds of the two references: the particles with their features, and their branches alone), and of the rate
        over that of each reference in the same turn, ``fraction_of_reading``, ``fraction_of_decoding``, with
        ``elapsed_`` before it by the clock: particles are read ahead and compressed in further threads.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = _write_fileset(folder, n_events, events_per_file, n_candidates, _ROOT[stored])
        turns, peak = alone(_turns, folder, files, compression, repeats)
    if (views := turns[0]["pairing"]["views"]) != 2 * n_events:
        raise RuntimeError(f"{views} views of {2 * n_events} were found again")
    row: dict[str, Any] = {"compression": compression, "stored": stored, "views": views, "files": len(files)}
    for what in ("pairing", "reading", "decoding"):
        mean = {key: median(turn[what][key] for turn in turns) for key in ("seconds", "elapsed_seconds")}
        if what == "pairing":
            row |= {**mean, "views_per_second": views / mean["seconds"], "peak_mb": peak}
            continue
        row[what] = mean
        for prefix in ("", "elapsed_"):
            ratios = (turn[what][f"{prefix}seconds"] / turn["pairing"][f"{prefix}seconds"] for turn in turns)
            row[f"{prefix}fraction_of_{what}"] = median(ratios)
    return row


def measure_workers(sizes: tuple[int, int], events_per_file: int, n_candidates: int = 40) -> dict[str, Any]:
    """Pair two views of invented events with one and with two processes that read, twice as many at a time.

    The start of processes drops out: rates are those between two numbers of events.

    Args:
        sizes: events of each view, rising.
        events_per_file: of each view.
        n_candidates: of each jet.

    Returns:
        For ``one`` and ``two`` processes ``views_per_second`` by the clock, and ``own_seconds`` and ``worker_seconds``
        of processor time for a million views, and ``own_mb`` and ``worker_mb``, the largest memory at the larger
        number, of the process that writes and of each of those that read; ``two_over_one``, the rate of two over that
        of one; ``views`` of the larger number.
    """
    rows: dict[str, list[dict[str, float]]] = {"one": [], "two": []}
    for n_events in sizes:
        with tempfile.TemporaryDirectory() as name:
            _write_fileset(Path(name), n_events, events_per_file, n_candidates, _ROOT["zlib"])
            for workers, row in enumerate(rows.values(), start=1):
                row.append(alone(_paired_by, Path(name), workers))
    found: dict[str, Any] = {"views": 2 * sizes[1]}
    for name, (first, last) in rows.items():
        views = 2 * (sizes[1] - sizes[0])
        found[name] = {
            "views_per_second": views / (last["elapsed"] - first["elapsed"]),
            **{f"{what}_seconds": (last[what] - first[what]) / views * 1e6 for what in ("own", "worker")},
            **{f"{what}_mb": last[f"{what}_mb"] for what in ("own", "worker")},
        }
    return {**found, "two_over_one": found["two"]["views_per_second"] / found["one"]["views_per_second"]}


def _paired_by(folder: Path, workers: int) -> dict[str, float]:
    run = {"executor": "futures", "workers": workers}
    document = {"events": {"filesets": [str(folder / "fileset.json")]}, "run": run}
    config = parse_config(PairConfig, document, where="the benchmark")
    start = time.perf_counter()
    pair(config, folder / f"{workers}.h5")
    elapsed = time.perf_counter() - start
    used = {what: resource.getrusage(who) for what, who in _PROCESSES.items()}
    memory = {"own_mb": peak_mb(), "worker_mb": child_peak_mb()}
    return {"elapsed": elapsed, **memory, **{what: one.ru_utime + one.ru_stime for what, one in used.items()}}


def _turns(folder: Path, files: list[Path], compression: str, repeats: int) -> tuple[list[dict[str, Any]], float]:
    """Seconds of each turn, and the largest memory in MiB."""
    small = folder / "warm"
    small.mkdir()
    _read(_write_fileset(small, 50, 50, 4, _ROOT["zlib"]), features=True)
    _pair(small, compression)
    turns = []
    for _ in range(repeats):
        reading, decoding = _read(files, features=True), _read(files, features=False)
        turns.append({"pairing": _pair(folder, compression), "reading": reading, "decoding": decoding})
    return turns, peak_mb()


def _pair(folder: Path, compression: str) -> dict[str, Any]:
    start, clock = time.process_time(), time.perf_counter()
    document = {"compression": compression, "events": {"filesets": [str(folder / "fileset.json")]}}
    config = parse_config(PairConfig, document, where="the benchmark")
    report = pair(config, folder / "views.h5", force=True)
    return {
        "views": report.views,
        "seconds": time.process_time() - start,
        "elapsed_seconds": time.perf_counter() - clock,
    }


def _read(paths: list[Path], *, features: bool) -> dict[str, Any]:
    start, clock = time.process_time(), time.perf_counter()
    for path in paths:
        file = EventFile.look(str(path), "Events", None)
        for chunk in file.chunks(particle_branches(file, puppi=False), memory=CHUNK_MEMORY):
            if features:
                tables = EventTables(chunk.events, file.form)
                jet_features(tables.jets, tables.candidates, tables.links, file.form)
    return {"seconds": time.process_time() - start, "elapsed_seconds": time.perf_counter() - clock}


def _write_fileset(
    folder: Path, n_events: int, events_per_file: int, n_candidates: int, compression: Any
) -> list[Path]:
    rng = np.random.default_rng(3)
    paths = []
    document: dict[str, Any] = {}
    for name in _VIEWS:
        order = np.arange(n_events) if name == "nominal" else rng.permutation(n_events)
        mine = []
        for first in range(0, n_events, events_per_file):
            mine.append(folder / f"{name}_{first:08d}.root")
            _write(mine[-1], order[first : first + events_per_file], n_candidates, rng, compression)
        metadata = {} if name == "nominal" else {"resimulated_of": "nominal", "variation": name}
        document[name] = {"files": {str(path): "Events" for path in mine}, "metadata": metadata}
        paths += mine
    (folder / "fileset.json").write_text(json.dumps(document), encoding="utf-8")
    return paths


def _write(path: Path, event: NDArray[np.int64], n_candidates: int, rng: np.random.Generator, compression: Any) -> None:
    """A Higgs boson that decays to b quarks, and its jet."""
    n, shape = len(event), (len(event), n_candidates)
    charge, candidates = invented_candidates(rng, shape)
    jets = {"pt": candidates["pt"].sum(axis=1), "mass": np.full(n, 125.0), "msoftdrop": np.full(n, 125.0)}
    jets |= {"eta": np.zeros(n), "phi": np.zeros(n), "n2b1": np.full(n, 0.2)}
    # Momenta depend on the event alone, so that both views have the same hard partons.
    pt = np.stack([0 * event, 0 * event, 300 + event % 97, 150 + event % 31, 150 + event % 13], axis=1)
    generated: dict[str, NDArray[Any]] = {
        "pdgId": np.tile(np.array([21, 21, 25, 5, -5], np.int32), (n, 1)),
        "genPartIdxMother": np.tile(np.array([-1, -1, 0, 2, 2], np.int16), (n, 1)),
        "statusFlags": np.full((n, 5), 1 << 7, np.uint16),
        **{name: values.astype(np.float32) for name, values in {"pt": pt, "eta": 0.0 * pt, "phi": 0.0 * pt}.items()},
    }
    own = np.broadcast_to(np.arange(n_candidates, dtype=np.int32), shape)
    tree = {
        "run": np.ones(n, np.uint32),
        "luminosityBlock": (event // 1000).astype(np.uint32),
        "event": event.astype(np.uint64),
        "genWeight": np.ones(n, np.float32),
        "FatJet": _records({name: values[:, np.newaxis].astype(np.float32) for name, values in jets.items()}),
        "PFCands": _records(
            {
                **{name: values.astype(np.float32) for name, values in candidates.items()},
                "charge": charge,
                "pdgId": np.where(charge != 0, 211 * charge, 22).astype(np.int32),
            }
        ),
        "FatJetPFCands": _records({"jetIdx": np.zeros(shape, np.int32), "pFCandsIdx": own}),
        "GenPart": _records(generated),
    }
    with uproot.recreate(path, compression=compression) as file:
        types = {name: v.dtype if isinstance(v, np.ndarray) else v.type.content for name, v in tree.items()}
        file.mktree("Events", types)
        file["Events"].extend(tree)


def _records(columns: dict[str, NDArray[Any]]) -> ak.Array:
    return ak.zip({name: ak.from_regular(values) for name, values in columns.items()})
