"""Large loads: each at two sizes, in fresh processes, so that time and memory by size are seen."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.benchmarks.alone import alone
from rs3l_gnn.benchmarks.memory import peak_mb

__all__ = ["LOADS", "Load", "measure_loads"]


@dataclass(frozen=True)
class Load:
    """One kind of load.

    Attributes:
        prepare: writes what is read, of a size, into a folder.
        work: what is measured.
        sizes: a small one and the large one.
    """

    prepare: Callable[[Path, int], None]
    work: Callable[[Path, int], None]
    sizes: tuple[int, int]


def measure_loads(names: tuple[str, ...] | None = None, *, fraction: float = 1.0) -> dict[str, Any]:
    """Seconds and peak memory of each load.

    Args:
        names: of :data:`LOADS`; all if None.
        fraction: of the sizes, for a quick look.

    Returns:
        By load: ``sizes``, ``seconds``, ``cpu_seconds`` (these count on a busy machine), ``peak_mb`` [2 each], and
        ``over_linear``: how much more processor time the large one takes than the small one's times the ratio of sizes.
    """
    found = {}
    for name in names or tuple(LOADS):
        sizes = [max(int(size * fraction), 2) for size in LOADS[name].sizes]
        rows = [_measured(name, size) for size in sizes]
        seconds, cpu, peaks = ([row[place] for row in rows] for place in range(3))
        found[name] = {
            "sizes": sizes,
            "seconds": seconds,
            "cpu_seconds": cpu,
            "peak_mb": peaks,
            "over_linear": cpu[1] / cpu[0] * sizes[0] / sizes[1],
        }
    return found


def _measured(name: str, size: int) -> tuple[float, float, float]:
    with tempfile.TemporaryDirectory() as folder:
        LOADS[name].prepare(Path(folder), size)
        return alone(_work, name, folder, size)


def _work(name: str, folder: str, size: int) -> tuple[float, float, float]:
    start, cpu = time.perf_counter(), time.process_time()
    LOADS[name].work(Path(folder), size)
    return time.perf_counter() - start, time.process_time() - cpu, peak_mb()


def _write_names(folder: Path, size: int) -> None:
    files = {f"root://host//file_{number:06d}.root": "Events" for number in range(size)}
    (folder / "fileset.json").write_text(json.dumps({"toys": {"files": files, "metadata": {"xsec": 1.0}}}))


def _read_names(folder: Path, size: int) -> None:
    from rs3l_gnn.processors.running.fileset import read_filesets

    (dataset,) = read_filesets([folder / "fileset.json"]).values()
    _require(len(dataset.files) == size)


def _write_files(folder: Path, size: int) -> None:
    """One file under many names: links, which are files to whoever opens them."""
    from rs3l_gnn.benchmarks.analysis import write_events

    first = write_events(folder / "000000.root", 2, seed=1)
    for number in range(1, size):
        os.link(first, folder / f"{number:06d}.root")
    (folder / "fileset.json").write_text(json.dumps({"toys": {"files": "*.root"}}))


def _write_sparse(folder: Path, size: int) -> None:
    """One file of ``size`` MB that holds some events at its beginning, and others at its end."""
    from rs3l_gnn.benchmarks.analysis import write_events

    write_events(folder / "000000.root", 100, seed=1, block=50, hole=size * 10**6)
    (folder / "fileset.json").write_text(json.dumps({"toys": {"files": "*.root"}}))


def _analyze(folder: Path, _: int) -> None:
    from rs3l_gnn.processors import AnalysisConfig, analyze

    document = {"filesets": [folder / "fileset.json"], "paired": False, "run": {"executor": "iterative"}}
    report = analyze(AnalysisConfig.model_validate(document), folder / "out")
    _require(report["complete"])


def _write_nothing(folder: Path, size: int) -> None:
    del folder, size


def _fill_variations(folder: Path, size: int) -> None:
    from rs3l_gnn.processors.running.exact import ExactHistogram, Variable, empty_hist

    del folder
    names = [f"source{number}Up" for number in range(size)]
    variable = Variable(name="score", label="", bins=40, start=0.0, stop=1.0)
    filled = ExactHistogram(["sr"], names, variable)
    rng = np.random.default_rng(1)
    bins, weight = variable.index(rng.random(1000)), np.ones(1000)
    for name in names:
        filled.fill(channel="sr", variation=name, bins=bins, weight=weight)
    whole = empty_hist(["a"], ["sr"], names, variable)
    filled.add_to(whole, "a", 1.0)
    _require(float(whole.sum(flow=True).value) == 1000.0 * size)


def _write_channels(folder: Path, size: int) -> None:
    import hist
    from uhi.io.json import default

    axes = [
        hist.axis.StrCategory(["hbb", "qcd"], name="dataset"),
        hist.axis.StrCategory([f"c{number}" for number in range(size)], name="channel"),
        hist.axis.StrCategory(["nominal"], name="variation"),
    ]
    content = hist.Hist(*axes, hist.axis.Regular(4, 0, 1, name="score"), storage=hist.storage.Weight())
    view = content.view(flow=False)
    view.value[0], view.value[1] = 1e-4, 1e-2
    view.variance[0], view.variance[1] = 1e-9, 1e-6
    document = {
        "format": "rs3l-histograms",
        "version": 1,
        "complete": True,
        "histograms": {"score": content},
        "datasets": {"hbb": {"xsec": 0.001}, "qcd": {"xsec": 0.1}},
    }
    (folder / "histograms.json").write_text(json.dumps(document, default=default))


def _fit_channels(folder: Path, size: int) -> None:
    from rs3l_gnn.conventions import parse_config
    from rs3l_gnn.fits import FitConfig, fit

    document = {
        "inputs": str(folder / "histograms.json"),
        "histogram": "score",
        "samples": {"hbb": {"signal": True}, "qcd": {}},
        "channels": [f"c{number}" for number in range(size)],
        "luminosity": {"value": 100.0, "uncertainty": 0.02},
        "inference": {"ranking": False, "scan": False, "limit": False, "significance": False},
        "plots": False,
    }
    result = fit(parse_config(FitConfig, document, where="the load"), folder / "out")
    _require(abs(result.mu - 1) < 1e-2)


def _require(holds: bool) -> None:
    if not holds:
        raise RuntimeError("the load gave something else than it should")


LOADS = {
    "names in a fileset": Load(_write_names, _read_names, (10_000, 100_000)),
    "small files": Load(_write_files, _analyze, (1_000, 10_000)),
    "MB of a sparse file": Load(_write_sparse, _analyze, (2_000, 20_000)),
    "variations of a histogram": Load(_write_nothing, _fill_variations, (200, 2_000)),
    "channels of a fit": Load(_write_channels, _fit_channels, (20, 200)),
}
"""By what their size counts."""
