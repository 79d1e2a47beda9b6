"""The whole chain: hard events, then showers, detector and jets in chunks on several processes."""

from __future__ import annotations

import logging
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rs3l_gnn.conventions import (
    OutputError,
    Rs3lError,
    Variation,
    atomic_file,
    dump_config,
    file_digest,
    progress,
)
from rs3l_gnn.conventions.locks import hold
from rs3l_gnn.conventions.outputs import require_place
from rs3l_gnn.conventions.processes import GOES_ON
from rs3l_gnn.simulation.chunk_result import ChunkResult
from rs3l_gnn.simulation.config import HARD_MARGIN, SampleConfig, SimulationConfig
from rs3l_gnn.simulation.cross_section import XSECUP, CrossSection
from rs3l_gnn.simulation.decay_labels import own_labels
from rs3l_gnn.simulation.hard_events import HardEvents
from rs3l_gnn.simulation.settings import longest_lifetime
from rs3l_gnn.simulation.summary import SUMMARY_FILE, SimulationSummary, finish_sample, refuse_rejected

if TYPE_CHECKING:
    from rs3l_gnn.simulation.chunks import Chunk
    from rs3l_gnn.simulation.preparation import Prepared

__all__ = ["simulate"]

_CONFIG_FILE = "config.yaml"
_UNCERTAIN = 0.1
"""Relative error of a cross-section above which a word is due."""
_SOFT = 0.8
"""Share of the jet cut below which the hardest parton rarely makes a jet, radiation and underlying event added."""

_TIGHT = 0.9
"""Share of the jet cut above which ``pt_hat_min`` cuts into what radiation lifts over it."""
_HOPELESS = 1000
"""Hard events of a sample of which not one was accepted, after which a run gives up."""

_log = logging.getLogger("rs3l_gnn")


@dataclass(frozen=True)
class _Job:
    """A sample with its hard events and its place on disk."""

    name: str
    config: SampleConfig
    prepared: Prepared
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
        SimulationError: Pythia refuses settings or every event of a sample, or a worker was killed.
    """
    output = Path(output)
    with hold(*(output / name for name in config.samples)):
        return _simulate(config, output, force=force)


def _simulate(config: SimulationConfig, output: Path, *, force: bool) -> SimulationSummary:
    from rs3l_gnn.simulation.workers import run_chunks

    start = time.monotonic()
    _prepare(config, output, force=force)
    try:
        jobs = [_job(config, name, output / name, config.variations_of(name)) for name in config.samples]
    except Rs3lError:
        _forget(config, output)
        raise
    chunks = [chunk for job in jobs for chunk in _chunks(config, job) if not job.marker(chunk.number).exists()]
    showers = sum(len(chunk.hard) * len(chunk.variations) for chunk in chunks)
    tried: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    with progress("simulate", showers, "showers") as shown:
        try:
            for result in run_chunks(chunks, config.workers, config.scheduler):
                job = next(job for job in jobs if job.name == result.sample)
                result.write(job.marker(result.number))
                _give_up_if_hopeless(job, result, tried, rejected)
                shown.advance(result.n_events * len(job.variations))
        except OutputError as error:  # a full disk
            raise OutputError(str(error), hint=f"make room, then {GOES_ON}") from error
    seconds = time.monotonic() - start
    samples = {
        job.name: finish_sample(
            config, job.directory, metadata=job.metadata, variations=job.variations, lhe=job.config.lhe
        )
        for job in jobs
    }
    return SimulationSummary(output=output, samples=samples, showers=showers, seconds=seconds)


def _give_up_if_hopeless(job: _Job, result: ChunkResult, tried: Counter[str], rejected: Counter[str]) -> None:
    """End a run of many events of which each so far was rejected, rather than after the last of them."""
    tried[job.name] += result.n_events
    rejected[job.name] += len(result.failed)
    if tried[job.name] == rejected[job.name] >= _HOPELESS:
        refuse_rejected(job.name, job.directory, result.failed, result.reasons, tried[job.name])


def _prepare(config: SimulationConfig, output: Path, *, force: bool) -> None:
    """Make the directories, or check that what is there is the beginning of the same simulation."""
    for name in config.samples:
        directory = output / name
        require_place(directory / _CONFIG_FILE)
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
    from rs3l_gnn.simulation.preparation import HARD_FILE, prepare_hard_events

    sample = config.samples[name]
    prepared = prepare_hard_events(config, name, directory)
    hard = prepared.hard
    key = f"samples.{name}.xsec"
    xsec = hard.cross_section(where=str(sample.lhe or f"sample {name}"), key=key)
    _warn_if_weightless(name, hard)
    if sample.lhe is None and config.pt_hat_min(name) > _TIGHT * config.jets.pt_min:
        _log.warning(
            "%s: pt_hat_min = %g GeV is close to jets.pt_min = %g GeV, which biases the spectrum near the cut; "
            "%g GeV or less leaves room for radiation",
            name,
            config.pt_hat_min(name),
            config.jets.pt_min,
            HARD_MARGIN * config.jets.pt_min,
        )
    _warn_if_uncertain(name, xsec, key)
    _warn_if_soft(config, name, hard)
    found: dict[str, Any] = {}
    for variation, other in sample.hepmc.items():
        from rs3l_gnn.simulation.hepmc import split_hepmc

        events = split_hepmc(
            other.path,
            hard,
            prepared.table,
            first_number=other.stated_first_number,
            chunk_size=config.chunk_size,
            directory=directory / "chunks",
            name=variation,
            longest_lifetime=longest_lifetime(config.detector),
        )
        found[variation] = asdict(events)
        _log.info(
            "%s: %s: %d events of %s, of which number %d belongs to the first hard event",
            name,
            variation,
            events.events,
            events.generator or "a generator that the file does not name",
            events.first_number,
        )
    metadata = {
        "format": "rs3l-simulation",
        "version": 1,
        "sample": name,
        "process": sample.physics(name),
        "run_seed": config.seed,
        "xsec_pb": xsec.value,
        "xsec_error_pb": xsec.error,
        "xsec_from": xsec.source,
        "lhe_digest": file_digest(directory / HARD_FILE),
        "pythia_version": version("pythia8mc"),
        "start": config.start,
        "lhe_weight_names": list(hard.weight_names),
        "detector": config.detector.model_dump(mode="json"),
        "jets": {**config.jets.model_dump(mode="json"), "match_radius": config.jets.matching_radius},
        "labels": [label.record() for label in own_labels(config.labels)],
        "merging": prepared.merging.record(),
        **({"generators": found} if found else {}),
        **prepared.notes,
    }
    return _Job(name, sample, prepared, directory, metadata, variations)


def _warn_if_weightless(name: str, hard: HardEvents) -> None:
    """Say that events of weight 0 count nowhere, also not where a further weight would count them."""
    nothing = hard.weight == 0
    if nothing.any():
        lost = int((hard.further_weights[nothing] != 0).any(axis=1).sum())
        also = f"; {lost} of them have further weights that are not 0, which no factor on 0 can give" if lost else ""
        _log.warning("%s: %d events have the weight 0 and count nowhere%s", name, int(nothing.sum()), also)


def _warn_if_uncertain(name: str, xsec: CrossSection, key: str) -> None:
    """Few events of widely spread weights have a mean that says little; every rate is normalised to it."""
    if xsec.source != XSECUP and xsec.error is not None and xsec.error > _UNCERTAIN * xsec.value:
        _log.warning(
            "%s: the cross-section (%s) is %.4g +- %.2g pb; take more events, or state it as %s",
            name,
            xsec.source,
            xsec.value,
            xsec.error,
            key,
        )


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

    hard = job.prepared.hard
    for number, first in enumerate(range(0, len(hard), config.chunk_size)):
        yield Chunk(
            sample=job.name,
            number=number,
            first=first,
            hard=hard.part(first, min(first + config.chunk_size, len(hard))),
            variations=job.variations,
            settings=job.prepared.settings,
            merging=job.prepared.merging.settings,
            invisible=job.config.invisible,
            excluded=job.prepared.excluded,
            config=config,
            metadata=job.metadata,
            directory=job.directory,
            stored=tuple(job.config.hepmc),
        )
