"""One small run of each verb of the chain, in a process of its own, for faults to be done to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rs3l_gnn.benchmarks.reliability.seeds import save_networks
from rs3l_gnn.benchmarks.toys import write_toys
from rs3l_gnn.conventions import parse_config

__all__ = ["VERBS", "Ended", "Job", "Running", "make_jobs"]

VERBS = ("simulate", "pair", "pretrain", "finetune", "evaluate", "analyze", "fit", "study")
_PATIENCE = 600.0
"""Seconds after which a run of a few seconds hangs."""


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    status: int
    errors: str


@dataclass(frozen=True)
class Job:
    """A command line without its output.

    Attributes:
        verb: which.
        arguments: behind the verb.
        output: name of the output in the folder where it runs.
        inputs: files that it reads.
    """

    verb: str
    arguments: tuple[str, ...]
    output: str
    inputs: tuple[Path, ...] = ()

    def start(self, folder: Path, *, more: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> Running:
        """Start it in a session of its own, so that all of its processes are known."""
        command = [sys.executable, "-c", _PROGRAM, self.verb, *self.arguments, "--output", self.output, *more]
        # Beside the folder, which may be full or read-only.
        place = folder.with_name(f"{folder.name}-{time.monotonic_ns()}.errors")
        with place.open("wb") as errors:
            process = subprocess.Popen(  # noqa: S603  # own interpreter
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
            )
        return Running(process, place)

    def run(self, folder: Path, **more: object) -> Ended:
        """Start it and wait for its end."""
        return self.start(folder, **more).wait()  # type: ignore[arg-type] # those of start


_PROGRAM = """
import os, random, resource, signal, time

# Whoever started this may ignore Ctrl-C, as shells do for what a script runs in the background; it is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
if size := os.environ.get("LARGEST_FILE"):  # bytes; a write beyond them fails as on a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))
if seed := os.environ.get("CLOCK_JUMPS"):  # a clock that somebody sets, again and again
    draw, real = random.Random(int(seed)), time.time
    time.time = lambda: real() + draw.choice((0, 0, -1e6, 1e6))
from rs3l_gnn.cli import main

if __name__ == "__main__":
    main()
"""


@dataclass
class Running:
    """A run that was started."""

    process: subprocess.Popen[bytes]
    _errors: Path
    began: float = field(default_factory=time.monotonic)

    def wait(self) -> Ended:
        """Wait for its end; one that hangs is killed and has the status -9."""
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait()
        errors = self._errors.read_text(encoding="utf-8", errors="replace") if self._errors.exists() else ""
        return Ended(self.process.returncode, errors)

    def signal(self, number: int, *, everybody: bool = True) -> None:
        """Send a signal to all of its processes, as a terminal or a batch system does, or to the first alone."""
        try:
            (os.killpg if everybody else os.kill)(self.process.pid, number)
        except ProcessLookupError:
            return

    def processes(self) -> list[int]:
        """Those of its session that run, the first one among them."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, _, session = path.read_text(errors="replace").rpartition(")")[2].split()[:4]
            except OSError:
                continue
            if int(session) == self.process.pid and state not in "ZX":
                found.append(int(path.parent.name))
        return found


def make_jobs(folder: Path, *, simulation: bool = True) -> dict[str, Job]:
    """Inputs below ``folder``, and a job for each verb."""
    from rs3l_gnn.data import PairConfig, pair
    from rs3l_gnn.processors import AnalysisConfig, analyze

    toys = write_toys(folder / "toys", variations=("nominal", "seed"), n_events=60, max_candidates=10)
    save_networks(folder)
    views, tagger = folder / "views.h5", folder / "tagger.safetensors"
    pair(parse_config(PairConfig, {"directories": [str(toys)]}, where="the jobs"), views)
    filesets = [toys / name / "fileset.json" for name in ("qcd", "hbb")]
    analysis = {
        "filesets": [str(path) for path in filesets],
        "taggers": {"tagger": str(tagger)},
        "score": {"bins": 40, "start": 0.0, "stop": 1.0},
        "run": {"executor": "iterative"},
    }
    analyze(parse_config(AnalysisConfig, analysis, where="the jobs"), folder / "analysis")
    histograms = folder / "analysis" / "histograms.json"
    network = {"k": 4, "width": 8, "layers": 1, "hidden": [8], "dim": 4}
    training = {"views": str(views), "batch_events": 16, "trainer": {"epochs": 3}}
    fit = {
        "inputs": str(histograms),
        "histogram": "score_tagger",
        "samples": {"hbb": {"signal": True}, "qcd": {}},
        "rebin": {"signal_efficiency": [0.5], "efficiency_tolerance": 0.5},
        "exclude": ["ps*"],
        "luminosity": {"value": 100.0},
        "problems": {"negative_bins": "clip", "empty_bins": "merge", "empty_samples": "drop"},
        "inference": {"ranking": False, "scan": False, "limit": False, "significance": False},
        "plots": False,
    }
    documents = {
        "simulate": {
            "samples": {"qcd": {"process": "qcd", "events": 6}},
            "variations": ["nominal", "seed"],
            "chunk_size": 2,
        },
        "pair": {"directories": [str(toys)]},
        "pretrain": {**training, "encoder": network},
        "finetune": {**training, "encoder": str(tagger)},
        "evaluate": {"views": str(views), "taggers": {"tagger": str(tagger)}, "bootstrap": 5},
        "analyze": {**analysis, "run": {"executor": "futures", "workers": 2, "chunksize": 20}},
        "fit": fit,
        "study": {
            "seeds": [1],
            "pair": {"main": {"directories": [str(toys)]}},
            "pretrain": {"one": {**training, "views": "pair/main.h5", "encoder": network}},
        },
    }
    inputs = {"pair": toys, "analyze": toys, "study": toys, "pretrain": views, "finetune": views, "evaluate": views}
    inputs["fit"] = histograms
    jobs = {}
    for verb in VERBS if simulation else VERBS[1:]:
        config = folder / f"{verb}.yaml"
        config.write_text(json.dumps(documents[verb]), encoding="utf-8")  # which is YAML
        place = inputs.get(verb, config)
        files = tuple(sorted(place.rglob("*.root"))) if place.is_dir() else (place,)
        jobs[verb] = Job(verb, (str(config),), "out.h5" if verb == "pair" else "out", files)
    return jobs
