"""The whole chain: hard events, then showers, detector and jets in chunks on several processes."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rs3l_gnn.conventions import (
    InputFileError,
    OutputError,
    Rs3lError,
    Variation,
    atomic_file,
    dump_config,
    file_digest,
    progress,
    write_json,
)
from rs3l_gnn.conventions.processes import GOES_ON
from rs3l_gnn.simulation.config import SampleConfig, SimulationConfig
from rs3l_gnn.simulation.cross_section import XSECUP, CrossSection
from rs3l_gnn.simulation.hard_events import HardEvents
from rs3l_gnn.simulation.lhe import read_lhe
from rs3l_gnn.simulation.lhe_writer import write_lhe
from rs3l_gnn.simulation.processes import get_process
from rs3l_gnn.simulation.settings import longest_lifetime
from rs3l_gnn.simulation.summary import SUMMARY_FILE, SimulationSummary, finish_sample

if TYPE_CHECKING:
    from rs3l_gnn.simulation.chunks import Chunk

__all__ = ["simulate"]

_CONFIG_FILE = "config.yaml"
_SOFT = 0.8
"""Share of the jet cut below which the hardest parton rarely makes a jet, radiation and underlying event added."""

_log = logging.getLogger("rs3l_gnn")


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
    from rs3l_gnn.simulation.workers import run_chunks

    output = Path(output)
    start = time.monotonic()
    _prepare(config, output, force=force)
    variations = config.selected
    try:
        jobs = [_job(config, name, output / name, variations) for name in config.samples]
    except Rs3lError:
        _forget(config, output)
        raise
    chunks = [chunk for job in jobs for chunk in _chunks(config, job) if not job.marker(chunk.number).exists()]
    showers = sum(len(chunk.hard) for chunk in chunks) * len(variations)
    with progress("simulate", showers, "showers") as shown:
        try:
            for result in run_chunks(chunks, config.workers, config.scheduler):
                job = next(job for job in jobs if job.name == result.sample)
                write_json(job.marker(result.number), asdict(result))
                shown.advance(result.n_events * len(variations))
        except OutputError as error:  # a full disk
            raise OutputError(str(error), hint=f"make room, then {GOES_ON}") from error
    seconds = time.monotonic() - start
    samples = {
        job.name: finish_sample(config, job.directory, metadata=job.metadata, variations=variations, lhe=job.config.lhe)
        for job in jobs
    }
    return SimulationSummary(output=output, samples=samples, showers=showers, seconds=seconds)


def _prepare(config: SimulationConfig, output: Path, *, force: bool) -> None:
    """Make the directories, or check that what is there is the beginning of the same simulation."""
    for name in config.samples:
        directory = output / name
        resolved = directory / _CONFIG_FILE
        foreign = directory.exists() and any(not path.name.startswith(".") for path in directory.iterdir())
        if foreign and not resolved.exists():
            raise OutputError(f"{directory} holds files that no simulation wrote", hint="choose another output")
        if directory.exists() and force:
            shutil.rmtree(directory)
        elif (directory / SUMMARY_FILE).exists():
            raise OutputError(
                f"{directory} holds a complete simulation", hint="choose another output or pass --force to replace it"
            )
        elif resolved.exists() and resolved.read_text(encoding="utf-8") != _resolved(config):
            if any(directory.glob("chunks/*.json")):
                raise OutputError(
                    f"{directory} holds the beginning of a simulation with another configuration",
                    hint="choose another output or pass --force to replace it",
                )
            shutil.rmtree(directory)  # nothing was simulated: a run that ended with a message about its input
        for left in directory.rglob(".*.partial-*"):  # of a run that was killed
            left.unlink()
        with atomic_file(resolved, force=True) as partial:
            partial.write_text(_resolved(config), encoding="utf-8")


def _forget(config: SimulationConfig, output: Path) -> None:
    """Take away what a run without usable input began: directories that hold nothing but the configuration."""
    for directory in (output / name for name in config.samples):
        if [path.name for path in directory.iterdir()] == [_CONFIG_FILE]:
            shutil.rmtree(directory)
    if not any(output.iterdir()):
        output.rmdir()


def _resolved(config: SimulationConfig) -> str:
    # Where the work is done may differ when an interrupted run goes on.
    return dump_config(config.without_place())


def _job(config: SimulationConfig, name: str, directory: Path, variations: tuple[Variation, ...]) -> _Job:
    sample = config.samples[name]
    hard_file = directory / "hard.lhe.gz"
    source, key = str(sample.lhe or f"sample {name}"), f"samples.{name}.xsec"
    if not hard_file.exists():
        if sample.lhe is not None:
            hard = read_lhe(
                sample.lhe, limit=sample.events, scalup=sample.scalup, further_weights=sample.further_weights
            )
            if sample.events is not None and len(hard) < sample.events:
                raise InputFileError(
                    f"{sample.lhe} holds {len(hard)} events",
                    got=f"samples.{name}.events = {sample.events}",
                    hint="ask for fewer, or leave the number out to take the whole file",
                )
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
        if sample.xsec is not None:
            hard = replace(hard, stated_xsec=CrossSection(sample.xsec, None, key))
        hard.check_storable(source)
        xsec = hard.cross_section(where=source, key=key)
        if xsec.source != XSECUP:  # so that a later run over a part of these events has the same
            hard = replace(hard, stated_xsec=xsec)
        write_lhe(hard_file, hard, generator="rs3l_gnn")
    # Read back, so that the showers see exactly what the file says.
    hard = read_lhe(hard_file)
    xsec = hard.cross_section(where=source, key=key)
    _warn_if_weightless(name, hard)
    _warn_if_soft(config, name, hard)
    for variation, other in sample.hepmc.items():
        from rs3l_gnn.simulation.hepmc import split_hepmc

        split_hepmc(
            other.path,
            hard,
            first_number=other.first_number,
            chunk_size=config.chunk_size,
            directory=directory / "chunks",
            name=variation,
            longest_lifetime=longest_lifetime(config.detector),
        )
    metadata = {
        "format": "rs3l-simulation",
        "version": 1,
        "sample": name,
        "process": sample.process or name,
        "run_seed": config.seed,
        "xsec_pb": xsec.value,
        "xsec_error_pb": xsec.error,
        "xsec_from": xsec.source,
        "lhe_digest": file_digest(hard_file),
        "pythia_version": version("pythia8mc"),
        "start": config.start,
        "lhe_weight_names": list(hard.weight_names),
        "detector": config.detector.model_dump(mode="json"),
        "jets": config.jets.model_dump(mode="json"),
    }
    return _Job(name, sample, hard, directory, metadata, variations)


def _warn_if_weightless(name: str, hard: HardEvents) -> None:
    """Say that events of weight 0 count nowhere, also not where a further weight would count them."""
    nothing = hard.weight == 0
    if nothing.any():
        lost = int((hard.further_weights[nothing] != 0).any(axis=1).sum())
        also = f"; {lost} of them have further weights that are not 0, which no factor on 0 can give" if lost else ""
        _log.warning("%s: %d events have the weight 0 and count nowhere%s", name, int(nothing.sum()), also)


def _warn_if_soft(config: SimulationConfig, name: str, hard: HardEvents) -> None:
    """Say before hours of work that a file of softer events gives hardly a jet."""
    made = hard.particles[hard.particles["status"] != -1]
    hardest = float(np.hypot(made["px"], made["py"]).max(initial=0.0))
    if hardest < _SOFT * config.jets.pt_min:
        _log.warning(
            "%s: the hardest particle of the hard events has a pT of %.0f GeV, so that few jets or none will pass "
            "jets.pt_min = %g GeV",
            name,
            hardest,
            config.jets.pt_min,
        )


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
            stored=tuple(job.config.hepmc),
        )
