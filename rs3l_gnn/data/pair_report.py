"""How the views of simulated hard events matched, in numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["PairReport", "SampleReport"]


@dataclass(frozen=True)
class SampleReport:
    """How the views of one sample matched.

    Attributes:
        hard_events: hard events whose nominal view was simulated.
        nominal: events whose nominal anchor jet passed.
        matched: events with nominal and at least one other view.
        in_all: events that the files of every variation hold, with or without an anchor jet.
        complete: events with every view.
        simulated: hard events of each variation; some may have been added for a part of the events only.
        passed: events of each variation whose anchor jet passed.
        matched_with: events with nominal and this variation.
        labels: matched events by the label of their nominal jet, the most frequent first.
    """

    hard_events: int
    nominal: int
    matched: int
    in_all: int
    complete: int
    simulated: dict[str, int]
    passed: dict[str, int]
    matched_with: dict[str, int]
    labels: dict[str, int] = field(default_factory=dict)

    @property
    def match_efficiency(self) -> float:
        """Share of the hard events that are matched."""
        return self.matched / self.hard_events if self.hard_events else 0.0

    @property
    def complete_efficiency(self) -> float:
        """Share of the events simulated in every variation that have every view."""
        return self.complete / self.in_all if self.in_all else 0.0

    @property
    def match_efficiencies(self) -> dict[str, float]:
        """For each variation but nominal, the share of its hard events that have its view and the nominal one."""
        return {name: matched / max(self.simulated[name], 1) for name, matched in self.matched_with.items()}

    def document(self) -> dict[str, Any]:
        """Everything, with the efficiencies, for a JSON file."""
        return {
            **asdict(self),
            "match_efficiency": self.match_efficiency,
            "match_efficiencies": self.match_efficiencies,
            "complete_efficiency": self.complete_efficiency,
        }


@dataclass(frozen=True)
class PairReport:
    """Result of :func:`pair`.

    Attributes:
        samples: a report for each.
        views: number of views written.
        run: executor, workers and chunks, of event files.
        skipped_files: event files that were left out, and why.
    """

    samples: dict[str, SampleReport]
    views: int
    run: dict[str, Any] = field(default_factory=dict)
    skipped_files: dict[str, str] = field(default_factory=dict)

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
            "format": "rs3l-pair-report",
            "version": 1,
            "views": self.views,
            "hard_events": self.hard_events,
            "matched": self.matched,
            "match_efficiency": self.match_efficiency,
            "samples": {name: report.document() for name, report in self.samples.items()},
            **({"run": self.run} if self.run else {}),
            **({"skipped_files": self.skipped_files} if self.skipped_files else {}),
        }
