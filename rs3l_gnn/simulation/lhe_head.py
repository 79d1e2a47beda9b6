"""What stands before the events of an LHE file: ``<header>`` and ``<init>``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation.hard_events import Beams, LheProcess
from rs3l_gnn.simulation.lhe_lines import Lines, number

__all__ = ["Head", "expect_lhe", "read_head"]

_SLHA = re.compile(r"<slha\b[^>]*>(.*?)</slha\s*>", re.IGNORECASE | re.DOTALL)
_HEADER_TAG = re.compile(r"</?header\b[^>]*>", re.IGNORECASE)
_LARGEST = 32 * 2**20
"""Characters that the header may have; the longest that generators write, with thousands of weights, have a tenth."""


@dataclass(frozen=True)
class Head:
    """Header and ``<init>`` block.

    Attributes:
        slha: text of the ``<slha>`` blocks of the header.
        header: all else before ``<init>``, comments included.
    """

    beams: Beams
    strategy: int
    processes: tuple[LheProcess, ...]
    slha: str
    header: str


def expect_lhe(lines: Lines) -> None:
    """Read up to the first tag.

    Raises:
        InputFileError: it is not ``<LesHouchesEvents>``.
    """
    for line in lines:
        if "<LesHouchesEvents" in line:
            return
        if line.strip() and not line.lstrip().startswith(("<?xml", "#")):
            break
    raise InputFileError(f"{lines.path} is not an LHE file: it does not begin with <LesHouchesEvents>")


def read_head(lines: Lines) -> Head:
    """Read up to the end of ``<init>``.

    Raises:
        InputFileError: the block is missing or broken, or the header has no end.
    """
    slha, header = _read_header(lines)
    numbers = iter(lines)
    try:
        head = next(numbers).split()
        beams = Beams(int(head[0]), int(head[1]), number(head[2]), number(head[3]))
        strategy, n_processes = int(head[8]), int(head[9])
        processes = []
        for _ in range(n_processes):
            row = next(numbers).split()
            processes.append(LheProcess(int(row[3]), number(row[0]), number(row[1]), number(row[2])))
    except (StopIteration, IndexError, ValueError) as error:
        raise lines.wrong("the <init> block is broken") from error
    return Head(beams, strategy, tuple(processes), slha, header)


def _read_header(lines: Lines) -> tuple[str, str]:
    """Text of ``<slha>``, and all the rest before ``<init>``."""
    text: list[str] = []
    size = 0
    comment = False
    for line in lines.raw():
        # A comment may quote anything: POWHEG's holds the whole input.
        if not comment and line.lstrip().startswith(("<init>", "<init ")):
            break
        if not comment and line.lstrip().startswith(("<event>", "<event ", "</LesHouchesEvents")):
            raise lines.wrong("the file has events before its <init> block, or no such block")
        comment = line.rfind("<!--") > line.rfind("-->") or (comment and "-->" not in line)
        text.append(line)
        size += len(line)
        if size > _LARGEST:
            raise lines.wrong(f"no <init> block in the first {_LARGEST // 2**20} MB")
    else:
        raise lines.wrong("the file ends before its <init> block")
    whole = "".join(text)
    slha = "\n".join(block.strip("\n") for block in _SLHA.findall(whole))
    return slha, _HEADER_TAG.sub("", _SLHA.sub("", whole)).strip()
