"""Speed of the analysis, in one run on the same files: against reading plus the bare network, with workers, and against
one jet at a time.

The last is the way of the published inference scripts: one entry is read for each jet, and the network runs on a batch
of one.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import torch
import uproot
from numpy.typing import NDArray

from rs3l_gnn.benchmarks.alone import alone
from rs3l_gnn.benchmarks.encoder import ReferenceEncoder
from rs3l_gnn.benchmarks.memory import peak_mb
from rs3l_gnn.benchmarks.small_pieces import rates_in_pieces
from rs3l_gnn.conventions.jagged import local_index
from rs3l_gnn.inference import JetInputs, JetTagger, event_inputs
from rs3l_gnn.models import (
    EdgeConvConfig,
    Head,
    HeadConfig,
    Tagger,
    load_tagger,
    make_encoder,
    save_tagger,
)
from rs3l_gnn.processors import AnalysisConfig, JetSchema, ProcessorConfig, TaggingProcessor, analyze

__all__ = ["paired_memory", "run_analysis_benchmark", "worker_memory", "write_events"]

_MEAN_MULTIPLICITY = 35
_SMALL = 200  # events
_FIELDS = ("pt", "eta", "phi", "mass", "charge", "pdgId", "d0", "dz")


def run_analysis_benchmark(
    *, events: int = 12_000, files: int = 4, workers: int = 2, single: int = 200
) -> dict[str, Any]:
    """Measure, in one run on the same files.

    Args:
        events: number of events in all files, one jet in each.
        files: number of files.
        workers: Dask workers to compare with one.
        single: jets for the measurement of one jet at a time.

    Returns:
        ``processor_over_floor`` (CPU time of the processor over that of reading, features and the bare network),
        ``workers_speedup`` (wall time of one worker over that of ``workers``, warm), ``speedup_over_single`` (rate of
        the processor over that of one entry and one jet at a time), the rates behind them in jets/s, what
        :func:`~rs3l_gnn.benchmarks.small_pieces.rates_in_pieces` gives for 200 events, and
        ``peak_memory_mb`` of this process, which also holds the comparisons.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            tagger = _save_tagger(folder)
            paths = [
                write_events(folder / f"events_{number}.root", events // files, seed=number) for number in range(files)
            ]
            fileset = folder / "fileset.json"
            fileset.write_text(json.dumps({"toys": {"files": {path.name: "Events" for path in paths}}}))
            config = ProcessorConfig(taggers={"rs3l": str(tagger)}, paired=False)
            mine, floor, split = _against_floor(paths, config)
            singly = _one_at_a_time(paths[0], tagger, single)
            small = [write_events(folder / f"small_{n}.root", _SMALL, seed=n) for n in range(max(events // _SMALL, 1))]
            pieces = alone(_in_pieces, paths, small, tagger, folder)
            rates = {
                number: analyze(_analysis(fileset, tagger, number, events // files), folder / f"out{number}")[
                    "jets_per_second"
                ]
                for number in (1, workers)
            }
    finally:
        torch.set_num_threads(threads)
    return {
        "jets": events,
        "jets_per_second": events / mine,
        "floor_jets_per_second": events / floor,
        "processor_over_floor": mine / floor,
        "floor_seconds": split,
        "single_jets_per_second": singly,
        "speedup_over_single": events / mine / singly,
        **pieces,
        "workers": workers,
        "one_worker_jets_per_second": rates[1],
        "workers_jets_per_second": rates[workers],
        "workers_speedup": rates[workers] / rates[1],
        "peak_memory_mb": peak_mb(),
    }


def _in_pieces(whole: list[Path], small: list[Path], tagger: Path, folder: Path) -> dict[str, float]:
    """On one thread, and without what this process has gathered by then, which slows many small steps more than few."""
    torch.set_num_threads(1)
    return rates_in_pieces(whole, small, tagger, folder, size=_SMALL)


def worker_memory(*, sizes: tuple[int, ...] = (10_000, 60_000), chunksize: int = 10_000) -> dict[str, Any]:
    """Peak memory of a process that analyses one file, for files of several sizes.

    Args:
        sizes: numbers of events, one jet in each.
        chunksize: events in one chunk.

    Returns:
        ``peak_memory_mb`` of a fresh process by number of events, and ``file_mb``, the size of each file.
    """
    peaks, files = {}, {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tagger = _save_tagger(folder)
        for events in sizes:
            path = write_events(folder / f"events_{events}.root", events, seed=events, block=10_000)
            fileset = folder / f"fileset_{events}.json"
            fileset.write_text(json.dumps({"toys": {"files": {path.name: "Events"}}}))
            peaks[str(events)] = alone(_peak_of_analysis, fileset, tagger, folder / f"out_{events}", chunksize)
            files[str(events)] = path.stat().st_size / 2**20
            path.unlink()
    return {"chunksize": chunksize, "peak_memory_mb": peaks, "file_mb": files}


def paired_memory(*, sizes: tuple[int, ...] = (500_000, 8_000_000), chunk: int = 2_000) -> dict[str, Any]:
    """Peak memory of a process that gathers the pairs of a nominal and a varied data set and matches them.

    Args:
        sizes: numbers of selected events of each data set.
        chunk: events in one chunk.

    Returns:
        ``peak_memory_mb`` of a fresh process and ``seconds`` by number of events.
    """
    measured = {str(events): alone(_peak_of_pairs, events, chunk) for events in sizes}
    peaks, seconds = ({size: values[place] for size, values in measured.items()} for place in range(2))
    return {"chunk": chunk, "peak_memory_mb": peaks, "seconds": seconds}


def _peak_of_pairs(events: int, chunk: int) -> tuple[float, float]:
    from coffea.processor.executor import WorkItem

    from rs3l_gnn.processors.running.paired import PairTable, joint_weights
    from rs3l_gnn.processors.running.stored_tables import StoredTables

    rng, start, n_bins = np.random.default_rng(1), time.perf_counter(), 202
    items = [
        WorkItem(dataset, "", "Events", first, first + chunk, b"")
        for dataset in ("nominal", "varied")
        for first in range(0, events, chunk)
    ]
    with tempfile.TemporaryDirectory() as name:
        stored = StoredTables(Path(name), items, skip_bad_files=False)
        for item in items:
            bins = rng.integers(0, n_bins, (chunk, 3), dtype=np.int32)
            event = np.arange(item.entrystart, item.entrystart + chunk, dtype=np.uint64)
            table = PairTable(["n2", "supervised", "rs3l"], event, np.zeros(chunk, np.int8), np.ones(chunk), bins)
            stored({"processed": {item}, "out": {item.dataset: {"pairs": table}}})
        joint = joint_weights(stored.pairs["nominal"], stored.pairs["varied"], n_channels=1, n_bins=n_bins)
    if joint.sum() != 3 * -(-events // chunk) * chunk:
        raise RuntimeError("pairs were lost")
    return peak_mb(), time.perf_counter() - start


def _peak_of_analysis(fileset: Path, tagger: Path, output: Path, chunksize: int) -> float:
    document = {"filesets": [fileset], "taggers": {"rs3l": str(tagger)}, "paired": False}
    analyze(AnalysisConfig.model_validate({**document, "run": {"chunksize": chunksize}}), output)
    return peak_mb()


def write_events(path: Path, events: int, *, seed: int, block: int | None = None, hole: int = 0) -> Path:
    """Write random events in the layout of PFNano, with one jet of about 35 candidates in each.

    Args:
        path: file to write.
        events: number of events.
        seed: of the random numbers.
        block: events written at once; all of them if None.
        hole: bytes behind the first block that hold nothing, which a file system with sparse files does not store.
    """
    block = block or max(events, 1)
    with uproot.recreate(path) as file:
        for number, start in enumerate(range(0, max(events, 1), block)):
            tree = _random_events(min(block, events - start), seed=seed + number)
            if number == 0:
                types = {key: v.dtype if isinstance(v, np.ndarray) else ak.type(v).content for key, v in tree.items()}
                file.mktree("Events", types)
            file["Events"].extend(tree)
            if number == 0 and hole:
                file._cascading.freesegments.allocate(hole)  # the only door of uproot to places beyond it
    return path


def _random_events(events: int, *, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    counts = np.clip(rng.poisson(_MEAN_MULTIPLICITY, events), 1, 100)
    total = int(counts.sum())
    eta, phi = rng.uniform(-2, 2, events), rng.uniform(-2.8, 2.8, events)
    which = rng.integers(4, size=total)
    charge = np.array([1, -1, 0, 0])[which]

    def of_jets(values: NDArray[Any]) -> ak.Array:
        return ak.unflatten(np.asarray(values, dtype=np.float32), np.ones(events, dtype=np.int64))

    def of_candidates(values: NDArray[Any], dtype: type = np.float32) -> ak.Array:
        return ak.unflatten(np.asarray(values, dtype=dtype), counts)

    columns = {
        "pt": rng.exponential(12, total) + 1,
        "eta": np.repeat(eta, counts) + rng.normal(0, 0.2, total),
        "phi": np.repeat(phi, counts) + rng.normal(0, 0.1, total),
        "mass": np.where(charge != 0, 0.1396, 0),
        "d0": np.where(charge != 0, rng.normal(0, 0.01, total), -1),
        "dz": np.where(charge != 0, rng.normal(0, 0.01, total), -1),
    }
    return {
        "run": np.ones(events, np.uint32),
        "luminosityBlock": np.ones(events, np.uint32),
        "event": np.arange(events, dtype=np.uint64) + np.uint64(seed * 10**6),
        "genWeight": np.ones(events, np.float32),
        "FatJet": ak.zip(
            {
                "pt": of_jets(rng.exponential(100, events) + 460),
                "eta": of_jets(eta),
                "phi": of_jets(phi),
                "mass": of_jets(rng.uniform(20, 150, events)),
                "msoftdrop": of_jets(rng.uniform(20, 150, events)),
                "n2b1": of_jets(rng.uniform(0, 0.5, events)),
            }
        ),
        "PFCands": ak.zip(
            {
                **{name: of_candidates(values) for name, values in columns.items()},
                "charge": of_candidates(charge, np.int32),
                "pdgId": of_candidates(np.array([211, -211, 22, 130])[which], np.int32),
            }
        ),
        "FatJetPFCands": ak.zip(
            {
                "jetIdx": of_candidates(np.zeros(total), np.int32),
                "pFCandsIdx": of_candidates(local_index(counts), np.int32),
            }
        ),
    }


def _save_tagger(folder: Path) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        tagger = Tagger(make_encoder(EdgeConvConfig()), Head(HeadConfig(hidden=()), dim=8))
    path = folder / "tagger.safetensors"
    save_tagger(path, tagger, provenance={})
    return path


def _analysis(fileset: Path, tagger: Path, workers: int, chunksize: int) -> AnalysisConfig:
    return AnalysisConfig.model_validate(
        {
            "filesets": [fileset],
            "taggers": {"rs3l": str(tagger)},
            "paired": False,
            "run": {"executor": "dask", "workers": workers, "chunksize": -(-chunksize // 2)},
        }
    )


def _open(path: Path) -> Any:
    from coffea.nanoevents import NanoEventsFactory

    return NanoEventsFactory.from_root(
        {str(path): "Events"}, schemaclass=JetSchema, mode="virtual", metadata={"dataset": "toys"}
    ).events()


def _against_floor(paths: list[Path], config: ProcessorConfig) -> tuple[float, float, dict[str, float]]:
    """CPU seconds of the processor and of its floor, each the best of three, taken in turns."""
    processor = TaggingProcessor(config)
    tagger = JetTagger(processor.taggers["rs3l"].name_or_path)
    processor.process(_open(paths[0]))  # compiles what is compiled at first use
    best: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = work()
        best[name] = min(best.get(name, np.inf), time.process_time() - start)
        return result

    for _ in range(3):
        timed("processor", lambda: [processor.process(_open(path)) for path in paths])
        inputs = timed("reading and features", lambda: [event_inputs(_open(path)) for path in paths])
        timed("network", partial(_bare, tagger, inputs))
    mine = best.pop("processor")
    return mine, sum(best.values()), best


def _bare(tagger: JetTagger, inputs: list[JetInputs]) -> None:
    for jets in inputs:
        tagger.model.score(jets.features, jets.offsets)


def _one_at_a_time(path: Path, tagger: Path, jets: int) -> float:
    """Jets for each CPU second when every jet is read and scored alone, by the network with one row for every edge."""
    network = load_tagger(tagger)
    encoder = ReferenceEncoder(network.encoder)
    with uproot.open(path) as file, torch.inference_mode():
        tree = file["Events"]
        branches = [f"FatJet_{name}" for name in _FIELDS[:4]] + [f"PFCands_{name}" for name in _FIELDS]
        start = time.process_time()
        for entry in range(jets):
            row = tree.arrays(branches, entry_start=entry, entry_stop=entry + 1)
            x = torch.from_numpy(_features(row))
            network.head(encoder(x, torch.tensor([0, len(x)])))
        return jets / (time.process_time() - start)


def _features(row: ak.Array) -> NDArray[np.float32]:
    from rs3l_gnn.inference import jet_inputs

    jets = ak.zip({name: row[f"FatJet_{name}"] for name in _FIELDS[:4]})
    candidates = ak.zip({name: row[f"PFCands_{name}"] for name in _FIELDS})[:, np.newaxis]
    return jet_inputs(jets, candidates).features


if __name__ == "__main__":
    sys.stdout.write(
        json.dumps({**run_analysis_benchmark(), "worker": worker_memory(), "pairs": paired_memory()}, indent=2) + "\n"
    )
