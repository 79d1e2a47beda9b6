"""One ``<event>`` of an LHE file."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import takewhile

from numpy import iinfo, int32

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation.lhe_lines import Kept, Lines, attributes_of, number

__all__ = ["Block", "EventLine", "Particle", "next_block", "parse_event"]

_EVENT = re.compile(r"\s*<event(?:\s[^>]*)?>")
_STATUSES = (-9, -2, -1, 1, 2, 3)
_COLUMNS = ("IDUP", "ISTUP", "MOTHUP", "MOTHUP", "ICOLUP", "ICOLUP", "px", "py", "pz", "E", "M", "VTIMUP", "SPINUP")
_LARGEST = int(iinfo(int32).max)
_LARGEST_EVENT = 16 * 2**20
"""Bytes that the lines of an event may need: a hundred thousand weights, each on a line of its own."""

Particle = tuple[int | float, ...]
"""A row of ``PARTICLE_TYPE``."""


@dataclass(frozen=True)
class Block:
    """The text of one event.

    Attributes:
        index: number of the event in the file, from 0.
        attributes: of its tag.
        first: number of the first of its lines.
        lines: what stands between its tags.
    """

    index: int
    attributes: dict[str, str]
    first: int
    lines: list[str]


@dataclass(frozen=True)
class EventLine:
    """IDPRUP, XWGTUP, SCALUP (GeV), AQEDUP and AQCDUP of an event."""

    process: int
    weight: float
    scale: float
    alpha_qed: float
    alpha_qcd: float


def next_block(lines: Lines, index: int) -> Block | None:
    """The next event, or None at the end tag of the file.

    Raises:
        InputFileError: the file is cut short, an event has no end or is of a size that no generator writes, or there is
            a second ``<init>``.
    """
    block: Block | None = None
    kept = Kept(lines, f"event {index}", _LARGEST_EVENT)
    for line in lines:
        if block is not None and "</event>" in line:
            kept.append(line.partition("</event>")[0])
            return block
        if "<" not in line:
            if block is not None:
                kept.append(line)
        elif "<event" in line and (start := _EVENT.match(line)):
            if block is not None:
                raise lines.wrong(f"event {index} has no end")
            rest = line[start.end() :]
            block = Block(index, attributes_of(start[0]), lines.number + (not rest.strip()), kept.texts)
            if "</event>" in rest or rest.strip():
                kept.append(rest.partition("</event>")[0])
                if "</event>" in rest:
                    return block
        elif block is not None:
            kept.append(line)
        elif "</LesHouchesEvents>" in line:
            return None
        elif "</event>" in line:
            raise lines.wrong("</event> without <event>")
        elif line.lstrip().startswith("<init"):
            raise lines.wrong(f"a second <init> block, after {index} events")
    where = f"in event {index}" if block is not None else f"after {index} events"
    raise InputFileError(
        f"{lines.path} is cut short {where}: it ends without </LesHouchesEvents>",
        hint="copy it again, or ask for fewer events",
    )


def parse_event(block: Block, lines: Lines) -> tuple[EventLine, list[Particle]]:
    """The event's own line, and its particles as rows of ``PARTICLE_TYPE``.

    Raises:
        InputFileError: numbers are missing, too many or not usable; line and event are named.
    """
    index = block.index
    # The numbers end where the tags begin; comments and blank lines are allowed between them.
    numbered = enumerate(takewhile(lambda line: not line.lstrip().startswith("<"), block.lines), block.first)
    texts = ((at, line) for at, line in numbered if line.strip() and not line.lstrip().startswith("#"))
    rows = [(at, line.split(maxsplit=len(_COLUMNS))) for at, line in texts]
    at = block.first
    try:
        at, row = rows[0]
        n_particles = int(row[0])
        head = EventLine(int(row[1]), *(number(row[column]) for column in range(2, 6)))
        _check_head(head, n_particles, index, at, lines)
        particles: list[Particle] = []
        for at, row in (rows[place] for place in range(1, n_particles + 1)):
            particle = (*map(int, row[:6]), *map(number, row[6:13]))
            _check_particle(particle, n_particles, index, at, lines)
            particles.append(particle)
    except (IndexError, ValueError) as error:
        raise lines.wrong(f"event {index} is broken: too few lines or columns, or not a number", line=at) from error
    for at, row in rows[n_particles + 1 :]:
        if _is_particle(row):
            raise lines.wrong(f"event {index} has more particles than the {n_particles} that it announces", line=at)
    _check_history(particles, index, block.first, lines)
    return head, particles


def _check_head(head: EventLine, n_particles: int, index: int, at: int, lines: Lines) -> None:
    if n_particles < 1:
        raise lines.wrong(f"event {index} has no particles", got=f"NUP = {n_particles}", line=at)
    if abs(head.process) > _LARGEST:
        raise lines.wrong(f"event {index} has a process beyond 32 bits", got=f"IDPRUP = {head.process}", line=at)
    for name, value in (("XWGTUP", head.weight), ("AQEDUP", head.alpha_qed), ("AQCDUP", head.alpha_qcd)):
        if not math.isfinite(value):
            raise lines.wrong(f"event {index} has a {name} that is not finite", got=value, line=at)


def _check_particle(particle: Particle, n_particles: int, index: int, at: int, lines: Lines) -> None:
    if len(particle) < len(_COLUMNS):
        raise IndexError
    if any(abs(value) > _LARGEST for value in particle[:6]):
        raise lines.wrong(f"event {index} has a number beyond 32 bits", got=list(particle[:6]), line=at)
    if not all(map(math.isfinite, particle[6:])):
        name, value = next(pair for pair in zip(_COLUMNS, particle, strict=True) if not math.isfinite(pair[1]))
        what = "momentum" if name in ("px", "py", "pz", "E", "M") else name
        raise lines.wrong(f"event {index} has a {what} that is not finite", got=f"{name} = {value}", line=at)
    if particle[1] in (-1, 1) and particle[9] < 0:
        raise lines.wrong(f"event {index} has a particle of negative energy", got=f"E = {particle[9]:g} GeV", line=at)
    if particle[1] not in _STATUSES:
        raise lines.wrong(
            f"event {index} has a particle of unknown status", got=f"{particle[1]}; allowed: {_STATUSES}", line=at
        )
    if not (0 <= particle[2] <= n_particles and 0 <= particle[3] <= n_particles):
        raise lines.wrong(f"event {index} names a mother that it does not have", got=list(particle[2:4]), line=at)


def _check_history(particles: list[Particle], index: int, at: int, lines: Lines) -> None:
    incoming = sum(particle[1] == -1 for particle in particles)
    if incoming != 2:
        raise lines.wrong(f"event {index} has not two incoming particles", got=f"{incoming} of status -1", line=at)
    if all(particle[2] <= place for place, particle in enumerate(particles)):
        return  # every mother stands before its daughter, as nearly always
    for start in range(len(particles)):
        place, steps = start, 0
        while (mother := int(particles[place][2])) and steps <= len(particles):
            place, steps = mother - 1, steps + 1
        if steps > len(particles):
            raise lines.wrong(f"event {index} has a particle that descends from itself", line=at)


def _is_particle(row: list[str]) -> bool:
    try:
        return len(row) >= len(_COLUMNS) and int(row[0]) != 0 and int(row[1]) in _STATUSES and bool(number(row[9]))
    except ValueError:
        return False
