"""What happened to the templates on their way into the fit: every change and every doubt, by place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["Finding", "Report", "place"]

Action = Literal[
    "kept", "clipped", "merged", "dropped", "filled", "moved", "symmetrized", "smoothed", "pruned", "renamed"
]


@dataclass(frozen=True)
class Finding:
    """One thing worth knowing.

    Attributes:
        kind: what was found, for example ``negative_bins``.
        action: what was done about it.
        where: channel, sample, nuisance and bins, as far as they apply.
        detail: one sentence with numbers.
    """

    kind: str
    action: Action
    where: str
    detail: str


@dataclass
class Report:
    """Findings in the order in which they were made."""

    findings: list[Finding] = field(default_factory=list)

    def add(self, kind: str, action: Action, where: str, detail: str) -> None:
        """Note one finding."""
        self.findings.append(Finding(kind, action, where, detail))

    def of(self, kind: str) -> tuple[Finding, ...]:
        """All findings of one kind."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    def record(self) -> list[dict[str, Any]]:
        """For JSON."""
        return [asdict(finding) for finding in self.findings]


_MOST_LISTED = 6


def place(
    *, channel: str | None = None, sample: str | None = None, nuisance: str | None = None, bins: Iterable[int] = ()
) -> str:
    """Name a place in the templates; bins are counted from 0.

    >>> place(channel="sr", sample="qcd", nuisance="fsr", bins=[3, 4])
    'channel sr, sample qcd, nuisance fsr, bins 3, 4'
    >>> place(channel="sr", bins=range(40))
    'channel sr, bins 0 to 39'
    """
    parts = [
        f"{kind} {name}"
        for kind, name in (("channel", channel), ("sample", sample), ("nuisance", nuisance))
        if name is not None
    ]
    numbers = [int(number) for number in bins]
    if numbers:
        parts.append(("bin " if len(numbers) == 1 else "bins ") + _listed(numbers))
    return ", ".join(parts)


def _listed(numbers: list[int]) -> str:
    if len(numbers) <= _MOST_LISTED:
        return ", ".join(map(str, numbers))
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers[:_MOST_LISTED])) + f" and {len(numbers) - _MOST_LISTED} more"
