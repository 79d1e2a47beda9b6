"""LHE files put one after another (``cat``, or several gzip members): what must agree, and their cross-section."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rs3l_gnn.simulation.cross_section import CrossSection, LheProcess, from_processes
from rs3l_gnn.simulation.lhe_head import Head, read_head
from rs3l_gnn.simulation.lhe_lines import Lines

__all__ = ["Part", "join", "next_head"]

_SIGMAS, _SHARE = 5.0, 0.01
"""Cross-sections of two runs of one process agree within these many errors and this share."""


@dataclass(frozen=True)
class Part:
    """One of the files: what stands before its events, and how many of them were read."""

    head: Head
    n_events: int


def next_head(lines: Lines, first: Head) -> Head | None:
    """Read on after an end tag: the head of the next file, or None at the end of all.

    Raises:
        InputFileError: events follow that belong to no head, or to another process, beam or model than ``first``.
    """
    for line in lines:
        if "<LesHouchesEvents" in line:
            break
        if "<event" in line or "<init" in line:
            raise lines.wrong("events after the end tag, without <LesHouchesEvents>")
    else:
        return None
    head = read_head(lines)
    for what, value in _MUST_AGREE.items():
        if value(head) != value(first):
            raise lines.wrong(
                f"files put one after another differ in {what}",
                got=f"{value(first)} and then {value(head)}" if what != "<slha>" else None,
                hint="simulate them as samples of their own",
            )
    for one, other in zip(_sorted(first), _sorted(head), strict=True):
        usable = not (_placeholder(one) or _placeholder(other))
        if usable and abs(one.xsec - other.xsec) > _SIGMAS * math.hypot(one.error, other.error) + _SHARE * one.xsec:
            raise lines.wrong(
                f"files put one after another differ in the cross-section of process {one.identity}",
                got=f"{one.xsec:g} +- {one.error:g} pb and then {other.xsec:g} +- {other.error:g} pb",
                hint="simulate them as samples of their own",
            )
    return head


def join(parts: Sequence[Part]) -> Head:
    """One head for all; cross-sections are averaged in proportion to the events, as their weights are.

    A process whose cross-section is unusable in one of the files stays so.
    """
    first = parts[0].head
    if len(parts) == 1:
        return first
    rows = list(zip(*(_sorted(part.head) for part in parts), strict=True))
    counts = [part.n_events for part in parts]
    return replace(
        first,
        processes=tuple(_average(row, counts) for row in rows),
        stated_xsec=_average_stated([part.head.stated_xsec for part in parts], counts),
    )


def _average_stated(stated: Sequence[CrossSection | None], counts: Sequence[int]) -> CrossSection | None:
    known = [xsec for xsec in stated if xsec is not None]
    if len(known) < len(stated):
        return None
    total = sum(xsec.value * n for xsec, n in zip(known, counts, strict=True))
    return CrossSection(total / sum(counts), None, known[0].source)


def _average(row: Sequence[LheProcess], counts: Sequence[int]) -> LheProcess:
    unusable = [process for process in row if _placeholder(process)]
    if unusable or len(set(row)) == 1:  # the same number twice: parts of one run, whose error does not shrink
        return (unusable or row)[0]
    pairs = list(zip(row, counts, strict=True))
    return LheProcess(
        row[0].identity,
        sum(process.xsec * n for process, n in pairs) / sum(counts),
        math.hypot(*(process.error * n for process, n in pairs)) / sum(counts),
        max(process.maximum for process in row),
    )


def _placeholder(process: LheProcess) -> bool:
    # Zero is the cross-section of a process that found no events.
    return process.xsec != 0 and from_processes([process]) is None


def _sorted(head: Head) -> list[LheProcess]:
    return sorted(head.processes, key=lambda process: process.identity)


def _model(head: Head) -> list[list[str]]:
    rows = [line.split("#")[0].split() for line in head.slha.splitlines()]
    return [row for row in rows if row]


_MUST_AGREE: dict[str, Callable[[Head], object]] = {
    "beams": lambda head: (head.beams.id_a, head.beams.id_b),
    "beam energies": lambda head: (head.beams.energy_a, head.beams.energy_b),
    "PDF sets": lambda head: head.pdfs,
    "IDWTUP": lambda head: head.strategy,
    "processes": lambda head: [process.identity for process in _sorted(head)],
    "<slha>": _model,
}
