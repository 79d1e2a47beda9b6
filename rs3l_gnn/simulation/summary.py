"""What became of a simulation, and the files that say so."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import SimulationError, Variation, config_digest, provenance, write_json
from rs3l_gnn.simulation.chunk_result import ChunkResult
from rs3l_gnn.simulation.config import SimulationConfig
from rs3l_gnn.simulation.merged_rate import MergedRate
from rs3l_gnn.simulation.weight_sums import weight_spread

__all__ = ["SUMMARY_FILE", "SampleSummary", "SimulationSummary", "finish_sample", "refuse_rejected"]

SUMMARY_FILE = "simulation.json"
_MANY = 0.5
"""Share of rejected events above which a sample is warned of."""
_LISTED = 4
"""Reasons that a message lists."""

_log = logging.getLogger("rs3l_gnn")


@dataclass(frozen=True)
class SampleSummary:
    """What became of one sample.

    Attributes:
        hard_events: hard events of the LHE file that were showered.
        failed_events: numbers of those that Pythia rejected in some variation; they are in no file.
        rejected: how many of them for each reason.
        vetoed: events that merging vetoed, by variation; they are left out of its files alone.
        sumw: sum of the generator weights of the events that were not rejected.
        xsec_pb: cross-section of the hard events.
        merged_sumw: sum of the weights of the events written, over which the cross-section is shared, by variation;
            ``sumw`` where nothing is merged.
        merged_xsec_pb, merged_xsec_error_pb: cross-section after merging, by variation; that of the hard events where
            nothing is merged.
        matched: events with an anchor jet, by variation; ``all``: in every variation; ``any``: in nominal and at least
            one other, or in at least one where nominal is not simulated.
        xsec_error_pb: statistical error of ``xsec_pb``, None if nobody says.
        xsec_from: where the cross-section comes from: XSECUP, the weights, or stated by the user.
        match_efficiency: ``any`` over the hard events.
        showers_per_second: by variation, of one process.
        fileset: path of the coffea fileset.
        shower_weights: of nominal, by their meaning: mean, largest, and effective number n_eff of the events.
        without_jet: accepted events of the first variation without an anchor jet, by the reason.
    """

    sample: str
    process: str
    hard_events: int
    failed_events: list[int]
    rejected: dict[str, int]
    vetoed: dict[str, int]
    sumw: float
    xsec_pb: float
    xsec_error_pb: float | None
    xsec_from: str
    merged_sumw: dict[str, float]
    merged_xsec_pb: dict[str, float]
    merged_xsec_error_pb: dict[str, float | None]
    matched: dict[str, int]
    match_efficiency: float
    jets: dict[str, int]
    showers_per_second: dict[str, float]
    fileset: Path
    shower_weights: dict[str, dict[str, float]]
    without_jet: dict[str, int]


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

    def document(self) -> dict[str, Any]:
        """For ``rs3l simulate --json``; a sample has the keys of its ``simulation.json``."""
        return {
            "hard_events": self.hard_events,
            "showers": self.showers,
            "seconds": self.seconds,
            "showers_per_second": self.showers_per_second,
            "samples": {name: asdict(sample) for name, sample in self.samples.items()},
        }


def finish_sample(
    config: SimulationConfig,
    directory: Path,
    *,
    metadata: dict[str, Any],
    variations: Sequence[Variation],
    lhe: Path | None,
) -> SampleSummary:
    """Sum the chunks of a sample up; its summary, the sign that it is complete, is written last.

    Args:
        config: the configuration.
        directory: of the sample.
        metadata: of the sample, as in its files.
        variations: nominal first if it is among them.
        lhe: the user's LHE file, None for a built-in process.

    Raises:
        SimulationError: every event was rejected.
    """
    results = [ChunkResult.read(path) for path in sorted(directory.glob("chunks/[0-9]*.json"))]
    names = [variation.name for variation in variations]
    n_events = sum(result.n_events for result in results)
    failed = [number for result in results for number in result.failed]
    reasons = [reason for result in results for reason in result.reasons]
    if len(failed) == n_events:
        refuse_rejected(metadata["sample"], directory, failed, reasons, n_events)
    sumw = sum(result.sumw for result in results)
    merged = {name: MergedRate.total(result.merged[name] for result in results) for name in names}
    xsec, xsec_error = metadata["xsec_pb"], metadata["xsec_error_pb"]
    seconds = {name: sum(result.seconds[name] for result in results) for name in names}
    summary = SampleSummary(
        sample=metadata["sample"],
        process=metadata["process"],
        hard_events=n_events,
        failed_events=failed,
        rejected=dict(Counter(reasons).most_common()),
        vetoed={name: sum(result.vetoed[name] for result in results) for name in names},
        sumw=sumw,
        xsec_pb=xsec,
        xsec_error_pb=xsec_error,
        xsec_from=metadata["xsec_from"],
        merged_sumw={name: rate.sumwf for name, rate in merged.items()},
        merged_xsec_pb={name: xsec * rate.share for name, rate in merged.items()},
        merged_xsec_error_pb={name: rate.xsec_error(xsec, xsec_error) for name, rate in merged.items()},
        matched={key: sum(result.matched[key] for result in results) for key in (*names, "all", "any")},
        match_efficiency=sum(result.matched["any"] for result in results) / n_events,
        jets={name: sum(result.jets[name] for result in results) for name in names},
        showers_per_second={name: n_events / max(seconds[name], 1e-9) for name in names},
        fileset=directory / "fileset.json",
        shower_weights=weight_spread(metadata["sample"], [result.shower_weights for result in results]),
        without_jet=dict(sum((Counter(result.without_jet) for result in results), Counter[str]()).most_common()),
    )
    _warn(summary, names[0])
    if not config.nominal:
        _log.info(
            "%s: the nominal view is in another output; the efficiency counts events with a jet in at least one "
            "variation here, rs3l pair on both outputs counts the matched ones",
            summary.sample,
        )
    write_json(summary.fileset, _fileset(summary, variations, len(results)), force=True)
    inputs = [] if lhe is None else [lhe]
    write_json(
        directory / SUMMARY_FILE,
        {
            "format": "rs3l-simulation-summary",
            "version": 1,
            **asdict(summary),
            "fileset": summary.fileset.name,
            "showers": n_events * len(names),
            "variations": [variation.record() for variation in variations],
            "config": config.model_dump(mode="json"),
            "config_digest": config_digest(config),
            "provenance": provenance(config=config, seeds={"run": config.seed}, inputs=inputs),
        },
        force=True,
    )
    shutil.rmtree(directory / "chunks")
    return summary


def refuse_rejected(sample: str, directory: Path, failed: list[int], reasons: list[str], n_events: int) -> None:
    """End a sample of which every event was rejected; what was written of it holds nothing and goes.

    Raises:
        SimulationError: always.
    """
    shutil.rmtree(directory)
    raise SimulationError(
        f"{sample}: all {n_events} hard events were rejected, the first is number {failed[0]}: {_counted(reasons)}",
        hint="the hard events are at fault, or settings of the sample; rs3l inspect says what the LHE file holds",
    )


def _warn(summary: SampleSummary, variation: str) -> None:
    """Say what is wrong with a sample that has no jets, or lost many events."""
    failed = len(summary.failed_events)
    if failed:
        _log.log(
            logging.WARNING if failed > _MANY * summary.hard_events else logging.INFO,
            "%s: %d of %d hard events were rejected and are left out of all views, the first is number %d: %s",
            summary.sample,
            failed,
            summary.hard_events,
            summary.failed_events[0],
            _listed(summary.rejected),
        )
    if not summary.matched[variation]:
        _log.warning("%s: no event of %s has its jet: %s", summary.sample, variation, _listed(summary.without_jet))


def _counted(reasons: list[str]) -> str:
    return _listed(dict(Counter(reasons).most_common(_LISTED)))


def _listed(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{reason} ({count})" for reason, count in list(counts.items())[:_LISTED])


def _fileset(summary: SampleSummary, variations: Sequence[Variation], n_chunks: int) -> dict[str, Any]:
    """A coffea fileset; its paths are relative to the directory of ``fileset.json``."""
    return {
        f"{summary.sample}_{variation.name}": {
            "files": {f"{variation.name}_{number:04d}.root": "Events" for number in range(n_chunks)},
            "metadata": {
                "process": summary.process,
                "sample": summary.sample,
                "variation": variation.name,
                "variation_record": variation.record(),
                "xsec": summary.merged_xsec_pb[variation.name],
                "xsec_error": summary.merged_xsec_error_pb[variation.name],
                "sumw": summary.merged_sumw[variation.name],
                "n_hard_events": summary.hard_events,
                "resimulated_of": None if variation.name == "nominal" else f"{summary.sample}_nominal",
                "isMC": True,
            },
        }
        for variation in variations
    }
