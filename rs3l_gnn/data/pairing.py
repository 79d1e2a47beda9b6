"""Bring the views of each hard event together: many simulated files in, one file of views out.

Views are matched by sample and event number, and the fingerprint of the hard partons has to agree; the work is linear
in the number of views, and only the particles of one nominal file's events are in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rs3l_gnn.conventions import (
    MAX_CANDIDATES,
    NOMINAL,
    BaseConfig,
    InputFileError,
    InvalidDataError,
    Variation,
    file_digest,
    progress,
    provenance,
    refuse_existing,
    select_variations,
    write_json,
)
from rs3l_gnn.data.simulated import AnchorJets, SimulatedFile, find_simulated
from rs3l_gnn.data.views import JET_COLUMNS, Views
from rs3l_gnn.data.views_file import ViewsWriter

__all__ = ["PairConfig", "PairReport", "SampleReport", "pair"]


class PairConfig(BaseConfig):
    """Settings of :func:`pair`."""

    directories: tuple[Path, ...] = Field(
        default=(), description="outputs of rs3l simulate; every ROOT file below them is read"
    )
    variations: tuple[str, ...] | None = Field(
        default=None, description="variations to keep beside nominal; all that are found if null"
    )
    max_candidates: int = Field(default=MAX_CANDIDATES, ge=1, description="hardest candidates kept for each jet")
    layout: str = Field(default="pfnano", description="candidate format of the files")


@dataclass(frozen=True)
class SampleReport:
    """How the views of one sample matched.

    Attributes:
        hard_events: hard events that were simulated.
        nominal: events whose nominal anchor jet passed.
        matched: events with nominal and at least one other view.
        complete: events with every view.
        passed: events of each variation whose anchor jet passed.
        matched_with: events with nominal and this variation.
    """

    hard_events: int
    nominal: int
    matched: int
    complete: int
    passed: dict[str, int]
    matched_with: dict[str, int]

    @property
    def match_efficiency(self) -> float:
        """Share of the hard events that are matched."""
        return self.matched / self.hard_events if self.hard_events else 0.0

    @property
    def complete_efficiency(self) -> float:
        """Share of the hard events that have every view."""
        return self.complete / self.hard_events if self.hard_events else 0.0

    def document(self) -> dict[str, Any]:
        """Everything, with the efficiencies, for a JSON file."""
        return {
            **asdict(self),
            "match_efficiency": self.match_efficiency,
            "complete_efficiency": self.complete_efficiency,
        }


@dataclass(frozen=True)
class PairReport:
    """Result of :func:`pair`: one report a sample, and the number of views written."""

    samples: dict[str, SampleReport]
    views: int

    @property
    def hard_events(self) -> int:
        """Hard events of all samples."""
        return sum(report.hard_events for report in self.samples.values())

    @property
    def matched(self) -> int:
        """Matched events of all samples."""
        return sum(report.matched for report in self.samples.values())

    @property
    def match_efficiency(self) -> float:
        """Share of all hard events that are matched."""
        return self.matched / self.hard_events if self.hard_events else 0.0

    def document(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "views": self.views,
            "hard_events": self.hard_events,
            "matched": self.matched,
            "match_efficiency": self.match_efficiency,
            "samples": {name: report.document() for name, report in self.samples.items()},
        }


def pair(config: PairConfig, output: Path | str, *, force: bool = False) -> PairReport:
    """Match the views of every hard event and write them to one HDF5 file.

    An event is kept when its nominal view and at least one other pass; further views may be missing and are counted.
    ``<output stem>.report.json`` beside the file holds the report, the settings and the provenance.

    Args:
        config: what to read and keep.
        output: the HDF5 file.
        force: replace an existing file.

    Raises:
        InputFileError: no input, a damaged file, no nominal file, or no event with a matched view.
        InvalidDataError: two files disagree on the hard partons of an event, or hold the same event twice.
        UnknownVariationError: a variation that is not in the registry.
        OutputError: the output exists, or cannot be written.
    """
    output = Path(output)
    report_path = output.with_suffix(".report.json")
    for path in (output, report_path):
        refuse_existing(path, force=force)
    if not config.directories:
        raise InputFileError("nothing to pair", hint="set directories to outputs of rs3l simulate")
    files = find_simulated(config.directories)
    if config.variations is not None:
        kept = {variation.name for variation in select_variations(config.variations, where="variations")}
        files = [file for file in files if file.variation.name in kept]
    samples = {name: _Sample.collect(name, files) for name in dict.fromkeys(file.sample for file in files)}
    variations = _variations(files)
    reports, n_views = {}, 0
    with (
        ViewsWriter.open(output, tuple(samples), variations, force=force) as writer,
        progress("pair", sum(len(sample.nominal) for sample in samples.values()), "files") as bar,
    ):
        for index, sample in enumerate(samples.values()):
            reports[sample.name] = sample.report()
            for nominal in sample.nominal:
                views = sample.views(nominal, index, tuple(samples), variations, config)
                if views is not None:
                    writer.append(views)
                    n_views += views.n_jets
                bar.advance()
        if n_views == 0:
            raise InputFileError(
                "no event has a nominal and another view", hint="simulate variations of the same hard events"
            )
    report = PairReport(reports, n_views)
    record = provenance(config=config)
    # Files of different samples share their names.
    record["inputs"] = {f"{file.sample}/{file.path.name}": file_digest(file.path) for file in files}
    write_json(
        report_path, {**report.document(), "config": config.model_dump(mode="json"), "provenance": record}, force=True
    )
    return report


def _variations(files: Iterable[SimulatedFile]) -> tuple[Variation, ...]:
    known: dict[int, SimulatedFile] = {}
    for file in files:
        first = known.setdefault(file.variation.vartype, file)
        if first.variation != file.variation:
            raise InvalidDataError(
                f"{first.path} and {file.path} give vartype {file.variation.vartype} different meanings",
                got=f"{first.variation.settings} and {file.variation.settings}",
            )
    return tuple(known[number].variation for number in sorted(known))


@dataclass(frozen=True)
class _Sample:
    """Files of one sample, and which of its events are matched."""

    name: str
    files: dict[str, list[SimulatedFile]]
    matched: NDArray[np.int64]

    @property
    def nominal(self) -> list[SimulatedFile]:
        return self.files[NOMINAL.name]

    @classmethod
    def collect(cls, name: str, files: Iterable[SimulatedFile]) -> _Sample:
        mine: dict[str, list[SimulatedFile]] = {}
        for file in files:
            if file.sample == name:
                mine.setdefault(file.variation.name, []).append(file)
        if NOMINAL.name not in mine:
            raise InputFileError(f"sample {name!r} has no nominal file", got=", ".join(mine))
        _require_same_partons(mine)
        nominal = _passed(mine[NOMINAL.name])
        others = [_passed(group) for variation, group in mine.items() if variation != NOMINAL.name]
        other = np.unique(np.concatenate(others)) if others else np.zeros(0, np.int64)
        return cls(name, mine, np.intersect1d(nominal, other, assume_unique=True))

    def report(self) -> SampleReport:
        passed = {name: _passed(group) for name, group in self.files.items()}
        complete = passed[NOMINAL.name]
        matched_with = {}
        for name, events in passed.items():
            if name != NOMINAL.name:
                matched_with[name] = len(np.intersect1d(passed[NOMINAL.name], events, assume_unique=True))
                complete = np.intersect1d(complete, events, assume_unique=True)
        return SampleReport(
            hard_events=sum(int(file.metadata["n_hard_events"]) for file in self.nominal),
            nominal=len(passed[NOMINAL.name]),
            matched=len(self.matched),
            complete=len(complete) if matched_with else 0,
            passed={name: len(events) for name, events in passed.items()},
            matched_with=matched_with,
        )

    def views(
        self,
        nominal: SimulatedFile,
        index: int,
        samples: tuple[str, ...],
        variations: tuple[Variation, ...],
        config: PairConfig,
    ) -> Views | None:
        """All views of the matched events of one nominal file, None if it has no such event."""
        events = np.intersect1d(nominal.event, self.matched, assume_unique=True)
        if len(events) == 0:
            return None
        parts: list[AnchorJets] = []
        vartypes: list[NDArray[np.int16]] = []
        for group in self.files.values():
            for file in group:
                if len(file.event) and file.event[0] <= events[-1] and file.event[-1] >= events[0]:
                    part = file.read(events, layout=config.layout, maximum=config.max_candidates)
                    parts.append(part)
                    vartypes.append(np.full(len(part.offsets) - 1, file.variation.vartype, np.int16))
        columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
        columns["vartype"] = np.concatenate(vartypes)
        columns["sample"] = np.full(len(columns["event"]), index, np.int16)
        order = np.lexsort((columns["vartype"], columns["event"]))  # nominal, -1, comes first
        counts = np.concatenate([np.diff(part.offsets) for part in parts])
        features = np.concatenate([part.features for part in parts])
        start = np.cumsum(counts) - counts
        counts = counts[order]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.arange(offsets[-1]) + np.repeat(start[order] - offsets[:-1], counts)
        per_event = np.bincount(np.searchsorted(events, columns["event"]), minlength=len(events))
        return Views(
            features=features[rows],
            offsets=offsets,
            first=np.concatenate([[0], np.cumsum(per_event)]).astype(np.int64),
            samples=samples,
            variations=variations,
            **{name: columns[name][order].astype(dtype) for name, dtype in JET_COLUMNS.items()},
        )


def _passed(files: list[SimulatedFile]) -> NDArray[np.int64]:
    """Event numbers, rising, whose anchor jet passed in one variation."""
    return np.sort(np.concatenate([file.event[file.has_anchor] for file in files]))


def _require_same_partons(files: dict[str, list[SimulatedFile]]) -> None:
    """Every event number stands for one hard event in all files, and comes once in each variation."""
    known_event: NDArray[np.int64] | None = None
    known_hash = np.zeros(0, np.uint64)
    # Nominal first, so that the message names the file that disagrees with it.
    for name in sorted(files, key=lambda variation: variation != NOMINAL.name):
        group = files[name]
        event = np.concatenate([file.event for file in group])
        hard_hash = np.concatenate([file.hard_hash for file in group])
        order = np.argsort(event, kind="stable")
        event, hard_hash = event[order], hard_hash[order]
        twice = np.flatnonzero(np.diff(event) == 0)
        if len(twice):
            raise InvalidDataError(
                f"event {event[twice[0]]} of sample {group[0].sample!r} comes twice in variation {name!r}",
                hint="the directories overlap, or hold two runs",
            )
        if known_event is None:
            known_event, known_hash = event, hard_hash
            continue
        _, left, right = np.intersect1d(known_event, event, assume_unique=True, return_indices=True)
        wrong = np.flatnonzero(known_hash[left] != hard_hash[right])
        if len(wrong):
            raise InvalidDataError(
                f"event {event[right[wrong[0]]]} of sample {group[0].sample!r} has other hard partons in variation "
                f"{name!r} than in nominal ({len(wrong)} such events)",
                hint="simulate all variations from one LHE file",
            )
