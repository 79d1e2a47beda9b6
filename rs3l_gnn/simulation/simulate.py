"""The whole chain: hard events, then showers, detector and jets in chunks on several processes."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rs3l_gnn.conventions import (
    InputFileError,
    OutputError,
    SimulationError,
    Variation,
    config_digest,
    dump_config,
    file_digest,
    progress,
    provenance,
    select_variations,
    write_json,
)
from rs3l_gnn.simulation.config import SampleConfig, SimulationConfig
from rs3l_gnn.simulation.hard_events import HardEvents
from rs3l_gnn.simulation.lhe import read_lhe, write_lhe
from rs3l_gnn.simulation.processes import get_process

if TYPE_CHECKING:
    from rs3l_gnn.simulation.chunks import Chunk, ChunkResult

__all__ = ["SampleSummary", "SimulationSummary", "simulate"]

_log = logging.getLogger(__name__)
_SUMMARY = "simulation.json"


@dataclass(frozen=True)
class SampleSummary:
    """What became of one sample.

    Attributes:
        hard_events: hard events of the LHE file that were showered.
        failed_events: numbers of those that Pythia rejected in some variation; they are in no file.
        matched: events with an anchor jet, by variation; ``all``: in every variation; ``any``: in nominal and at least
            one other.
        match_efficiency: ``any`` over the hard events.
        showers_per_second: by variation, of one process.
        fileset: path of the coffea fileset.
    """

    sample: str
    process: str
    hard_events: int
    failed_events: list[int]
    sumw: float
    xsec_pb: float
    matched: dict[str, int]
    match_efficiency: float
    jets: dict[str, int]
    showers_per_second: dict[str, float]
    fileset: Path


@dataclass(frozen=True)
class SimulationSummary:
    """What :func:`simulate` did; ``showers_per_second`` counts all processes and the time from start to end."""

    output: Path
    samples: dict[str, SampleSummary]
    showers: int
    seconds: float

    @property
    def hard_events(self) -> int:
        """Hard events of all samples."""
        return sum(sample.hard_events for sample in self.samples.values())

    @property
    def showers_per_second(self) -> float:
        """Showers of this call per second."""
        return self.showers / max(self.seconds, 1e-9)


@dataclass(frozen=True)
class _Job:
    """A sample with its hard events and its place on disk."""

    name: str
    config: SampleConfig
    hard: HardEvents
    directory: Path
    metadata: dict[str, Any]
    variations: tuple[Variation, ...]

    def marker(self, number: int) -> Path:
        return self.directory / "chunks" / f"{number:04d}.json"


def simulate(config: SimulationConfig, output: Path | str, *, force: bool = False) -> SimulationSummary:
    """Simulate every sample in every variation.

    A run that was interrupted goes on where it stopped when called again with the same configuration: finished chunks
    are not done again. Nothing depends on the number of workers or the size of the chunks but the cut into files.

    Args:
        config: samples, variations, detector, seed.
        output: directory; ``output/<sample>/`` holds ``hard.lhe.gz``, ``<variation>_<chunk>.root``,
            ``simulation.json`` and ``fileset.json``.
        force: replace what is there.

    Raises:
        OutputError: the output is complete already, or comes from another configuration, and ``force`` is False.
        InputFileError: an LHE file cannot be used.
        SimulationError: Pythia refuses settings, or a worker was killed.
    """
    output = Path(output)
    start = time.monotonic()
    _prepare(config, output, force=force)
    variations = select_variations(config.variations)
    jobs = [_job(config, name, output / name, variations) for name in config.samples]
    chunks = [chunk for job in jobs for chunk in _chunks(config, job) if not job.marker(chunk.number).exists()]
    showers = sum(len(chunk.hard) for chunk in chunks) * len(variations)
    with progress("simulate", showers, "showers") as shown:
        for result in _results(chunks, config.workers):
            job = next(job for job in jobs if job.name == result.sample)
            write_json(job.marker(result.number), asdict(result))
            shown.advance(result.n_events * len(variations))
    seconds = time.monotonic() - start
    samples = {job.name: _finish(config, job) for job in jobs}
    return SimulationSummary(output=output, samples=samples, showers=showers, seconds=seconds)


def _prepare(config: SimulationConfig, output: Path, *, force: bool) -> None:
    """Make the directories, or check that what is there is the beginning of the same simulation."""
    for name in config.samples:
        directory = output / name
        resolved = directory / "config.yaml"
        if directory.exists() and force:
            shutil.rmtree(directory)
        elif (directory / _SUMMARY).exists():
            raise OutputError(
                f"{directory} holds a complete simulation", hint="choose another output or pass --force to replace it"
            )
        elif resolved.exists() and resolved.read_text(encoding="utf-8") != _resolved(config):
            raise OutputError(
                f"{directory} holds the beginning of a simulation with another configuration",
                hint="choose another output or pass --force to replace it",
            )
        elif directory.exists() and any(directory.iterdir()) and not resolved.exists():
            raise OutputError(f"{directory} holds other files", hint="choose another output")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            resolved.write_text(_resolved(config), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {directory}: {error.strerror or error}") from error


def _resolved(config: SimulationConfig) -> str:
    # The number of workers changes no file, and may differ when an interrupted run goes on.
    return dump_config(config.model_copy(update={"workers": 1}))


def _job(config: SimulationConfig, name: str, directory: Path, variations: tuple[Variation, ...]) -> _Job:
    sample = config.samples[name]
    hard_file = directory / "hard.lhe.gz"
    if not hard_file.exists():
        if sample.lhe is not None:
            hard = read_lhe(sample.lhe, limit=sample.events, scalup=sample.scalup)
        else:
            from rs3l_gnn.simulation.generate import generate_hard_events

            hard = generate_hard_events(
                get_process(sample.process),
                sample.events or 0,
                sample=name,
                seed=config.seed,
                pt_hat_min=sample.pt_hat_min,
                energy=config.energy,
            )
        write_lhe(hard_file, hard, generator="rs3l_gnn")
    # Read back, so that the showers see exactly what the file says.
    hard = read_lhe(hard_file)
    if sample.events is not None and len(hard) < sample.events:
        raise InputFileError(f"{sample.lhe} holds {len(hard)} events", allowed=f"samples.{name}.events up to that")
    metadata = {
        "format": "rs3l-simulation",
        "version": 1,
        "sample": name,
        "process": sample.process or name,
        "run_seed": config.seed,
        "xsec_pb": hard.xsec,
        "lhe_digest": file_digest(hard_file),
        "pythia_version": version("pythia8mc"),
        "psweight_names": [],
        "detector": config.detector.model_dump(mode="json"),
        "jets": config.jets.model_dump(mode="json"),
    }
    return _Job(name, sample, hard, directory, metadata, variations)


def _chunks(config: SimulationConfig, job: _Job) -> Iterator[Chunk]:
    from rs3l_gnn.simulation.chunks import Chunk

    for number, first in enumerate(range(0, len(job.hard), config.chunk_size)):
        yield Chunk(
            sample=job.name,
            number=number,
            first=first,
            hard=job.hard.part(first, min(first + config.chunk_size, len(job.hard))),
            variations=job.variations,
            settings=job.config.settings,
            config=config,
            metadata=job.metadata,
            directory=job.directory,
        )


def _results(chunks: list[Chunk], workers: int) -> Iterator[ChunkResult]:
    from rs3l_gnn.simulation.chunks import run_chunk

    workers = min(workers, len(chunks))
    if workers <= 1:
        for chunk in chunks:
            yield run_chunk(chunk)
        return
    # Spawned, not forked: the parent may hold threads; Pythia and numpy need one core a process.
    context = multiprocessing.get_context("spawn")
    with _one_thread(), ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [pool.submit(run_chunk, chunk) for chunk in chunks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise SimulationError(
                "a worker process was killed", hint="run the same command again, it goes on where it stopped"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Environment of the workers: one thread each."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _finish(config: SimulationConfig, job: _Job) -> SampleSummary:
    """Sum the chunks up and write the sample's summary, the sign that it is complete, last."""
    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(job.directory.glob("chunks/*.json"))]
    names = [variation.name for variation in job.variations]
    n_events = sum(result["n_events"] for result in results)
    seconds = {name: sum(result["seconds"][name] for result in results) for name in names}
    summary = SampleSummary(
        sample=job.name,
        process=job.metadata["process"],
        hard_events=n_events,
        failed_events=[number for result in results for number in result["failed"]],
        sumw=sum(result["sumw"] for result in results),
        xsec_pb=job.metadata["xsec_pb"],
        matched={key: sum(result["matched"][key] for result in results) for key in (*names, "all", "any")},
        match_efficiency=sum(result["matched"]["any"] for result in results) / n_events,
        jets={name: sum(result["jets"][name] for result in results) for name in names},
        showers_per_second={name: n_events / max(seconds[name], 1e-9) for name in names},
        fileset=job.directory / "fileset.json",
    )
    write_json(summary.fileset, _fileset(job, summary, len(results)), force=True)
    inputs = [job.config.lhe] if job.config.lhe is not None else []
    write_json(
        job.directory / _SUMMARY,
        {
            "format": "rs3l-simulation-summary",
            "version": 1,
            **asdict(summary),
            "fileset": summary.fileset.name,
            "showers": n_events * len(names),
            "variations": [variation.record() for variation in job.variations],
            "config": config.model_dump(mode="json"),
            "config_digest": config_digest(config),
            "provenance": provenance(config=config, seeds={"run": config.seed}, inputs=inputs),
        },
        force=True,
    )
    shutil.rmtree(job.directory / "chunks")
    return summary


def _fileset(job: _Job, summary: SampleSummary, n_chunks: int) -> dict[str, Any]:
    """A coffea fileset; its paths are relative to the directory of ``fileset.json``."""
    return {
        f"{job.name}_{variation.name}": {
            "files": {f"{variation.name}_{number:04d}.root": "Events" for number in range(n_chunks)},
            "metadata": {
                "process": summary.process,
                "sample": job.name,
                "variation": variation.name,
                "xsec": summary.xsec_pb,
                "sumw": summary.sumw,
                "n_hard_events": summary.hard_events,
                "resimulated_of": None if variation.name == "nominal" else f"{job.name}_nominal",
                "isMC": True,
            },
        }
        for variation in job.variations
    }
