"""What stands before the events of an LHE file: ``<header>`` and ``<init>``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation.cross_section import CrossSection, LheProcess
from rs3l_gnn.simulation.hard_events import Beams
from rs3l_gnn.simulation.lhe_lines import Kept, Lines, attributes_of, number

__all__ = ["Head", "expect_lhe", "read_head"]

_SLHA = re.compile(r"<slha\b[^>]*>(.*?)</slha\s*>", re.IGNORECASE | re.DOTALL)
_HEADER_TAG = re.compile(r"</?header\b[^>]*>", re.IGNORECASE)
_INITRWGT = re.compile(r"<initrwgt\b[^>]*>(.*?)</initrwgt\s*>", re.DOTALL)
_WEIGHT = re.compile(r"""<weight\s((?:[^>"']|"[^"]*"|'[^']*')*)>""")
_WEIGHTINFO = re.compile(r"""<weightinfo\s((?:[^>"']|"[^"]*"|'[^']*')*)>""")
_XSECINFO = re.compile(r"""<xsecinfo\s(?:[^>"']|"[^"]*"|'[^']*')*>""")
_LARGEST = 32 * 2**20
"""Bytes that the header may have; the longest that generators write, with thousands of weights, have a tenth."""

_LARGEST_INIT = 4 * 2**20
_COLUMNS = 10
"""Numbers of the first line of ``<init>``, which has the most."""


@dataclass(frozen=True)
class Head:
    """Header and ``<init>`` block.

    Attributes:
        pdfs: PDFGUP and PDFSUP of both beams.
        slha: text of the ``<slha>`` blocks of the header.
        header: all else before ``<init>``, comments included.
        weight_ids: of ``<initrwgt>``, or names of ``<weightinfo>``, in their order.
        stated_xsec: that of ``<xsecinfo>``, or None.
    """

    beams: Beams
    pdfs: tuple[int, ...]
    strategy: int
    processes: tuple[LheProcess, ...]
    slha: str
    header: str
    weight_ids: tuple[str, ...]
    stated_xsec: CrossSection | None


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
    rows, tags = _read_init(lines)
    at = lines.number
    try:
        at, row = rows[0]
        beams = Beams(int(row[0]), int(row[1]), number(row[2]), number(row[3]))
        if not all(math.isfinite(energy) and energy > 0 for energy in (beams.energy_a, beams.energy_b)):
            raise lines.wrong("a beam without energy", got=f"{row[2]} and {row[3]} GeV", line=at)
        pdfs = tuple(map(int, row[4:8]))
        strategy, n_processes = int(row[8]), int(row[9])
        processes = []
        for place in range(1, n_processes + 1):
            at, row = rows[place]
            processes.append(LheProcess(int(row[3]), number(row[0]), number(row[1]), number(row[2])))
    except (IndexError, ValueError) as error:
        raise lines.wrong("the <init> block is broken: too few lines or columns, or not a number", line=at) from error
    if not processes:
        raise lines.wrong("the <init> block has no process", got=f"NPRUP = {n_processes}", line=rows[0][0])
    return Head(
        beams=beams,
        pdfs=pdfs,
        strategy=strategy,
        processes=tuple(processes),
        slha=slha,
        header=header,
        weight_ids=_weight_ids(header, tags),
        stated_xsec=_stated_xsec(tags, lines),
    )


def _read_init(lines: Lines) -> tuple[list[tuple[int, list[str]]], str]:
    """Rows of numbers with their line numbers, without comments and blank lines, and the tags after them."""
    rows: list[tuple[int, list[str]]] = []
    tags: list[str] = []
    kept = Kept(lines, "the <init> block", _LARGEST_INIT)
    for line in lines:
        kept.append(line)
        before, end, _ = line.partition("</init>")
        text = before.strip()
        if tags or text.startswith("<"):
            tags.append(before)
        elif text and not text.startswith("#"):
            rows.append((lines.number, text.split(maxsplit=_COLUMNS)))
        if end:
            return rows, "".join(tags)
        if "<event" in line or "<init" in line:
            break
    raise lines.wrong("the <init> block has no end")


def _weight_ids(header: str, tags: str) -> tuple[str, ...]:
    block = _INITRWGT.search(header)
    named = [attributes_of(tag) for tag in _WEIGHT.findall(block[1])] if block else []
    found = [attributes.get("id", "") for attributes in named]
    return tuple(found or [attributes_of(tag).get("name", "") for tag in _WEIGHTINFO.findall(tags)])


def _stated_xsec(tags: str, lines: Lines) -> CrossSection | None:
    """``totxsec`` of ``<xsecinfo>``; files of ours add its error and where it comes from."""
    info = _XSECINFO.search(tags)
    attributes = attributes_of(info[0]) if info else {}
    if "totxsec" not in attributes:
        return None
    try:
        value = number(attributes["totxsec"])
        error = number(attributes["error"]) if "error" in attributes else None
    except ValueError:
        value, error = math.nan, None
    if not (math.isfinite(value) and value > 0):
        raise lines.wrong("<xsecinfo> states no cross-section", got=f"totxsec={attributes['totxsec']!r}")
    return CrossSection(value, error, attributes.get("from", "<xsecinfo>"))


def _read_header(lines: Lines) -> tuple[str, str]:
    """Text of ``<slha>``, and all the rest before ``<init>``."""
    text = Kept(lines, "what stands before an <init> block", _LARGEST)
    comment = False
    for line in lines.raw():
        # A comment may quote anything: POWHEG's holds the whole input.
        if not comment and line.lstrip().startswith(("<init>", "<init ")):
            break
        if not comment and line.lstrip().startswith(("<event>", "<event ", "</LesHouchesEvents")):
            raise lines.wrong("the file has events before its <init> block, or no such block")
        comment = line.rfind("<!--") > line.rfind("-->") or (comment and "-->" not in line)
        text.append(line)
    else:
        raise lines.wrong("the file ends before its <init> block")
    whole = "".join(text.texts)
    slha = "\n".join(block.strip("\n") for block in _SLHA.findall(whole))
    return slha, _HEADER_TAG.sub("", _SLHA.sub("", whole)).strip()
