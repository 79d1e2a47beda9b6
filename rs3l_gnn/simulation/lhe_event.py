"""One ``<event>`` of an LHE file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation.lhe_lines import Lines, attributes_of, number

__all__ = ["Block", "next_block", "parse_event"]


@dataclass(frozen=True)
class Block:
    """The text of one event.

    Attributes:
        index: number of the event in the file, from 0.
        attributes: of its tag.
        lines: what stands between its tags.
    """

    index: int
    attributes: dict[str, str]
    lines: list[str]


def next_block(lines: Lines, index: int) -> Block | None:
    """The next event, or None at the proper end of the file.

    Raises:
        InputFileError: the file is cut short, or an event has no end.
    """
    block: Block | None = None
    for line in lines:
        start = line.lstrip()
        if start.startswith("</event>"):
            if block is None:
                raise lines.wrong("</event> without <event>")
            return block
        if start.startswith(("<event>", "<event ")):
            if block is not None:
                raise lines.wrong(f"event {index} has no end")
            block = Block(index, attributes_of(start), [])
        elif block is not None:
            block.lines.append(line)
        elif start.startswith("</LesHouchesEvents>"):
            return None
    where = f"in event {index}" if block is not None else f"after {index} events"
    raise InputFileError(
        f"{lines.path} is cut short {where}: it ends without </LesHouchesEvents>",
        hint="copy it again, or ask for fewer events",
    )


def parse_event(block: Block, lines: Lines) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    """The event's own line without NUP, and its particles as rows of ``PARTICLE_TYPE``.

    Raises:
        InputFileError: numbers are missing or not usable.
    """
    index = block.index
    rows = [line.split() for line in block.lines if line.strip() and not line.lstrip().startswith(("#", "<"))]
    try:
        n_particles = int(rows[0][0])
        head = (int(rows[0][1]), *(number(rows[0][column]) for column in range(2, 6)))
        particles = [
            (*(int(row[column]) for column in range(6)), *(number(row[column]) for column in range(6, 13)))
            for row in (rows[place] for place in range(1, n_particles + 1))
        ]
    except (IndexError, ValueError) as error:
        raise lines.wrong(f"event {index} is broken: too few lines or columns, or not a number") from error
    if not np.isfinite([value for row in particles for value in row[6:11]]).all():
        raise lines.wrong(f"event {index} has a momentum that is not finite")
    if any(not 0 <= mother <= n_particles for row in particles for mother in row[2:4]):
        raise lines.wrong(f"event {index} names a mother that it does not have")
    return head, particles
