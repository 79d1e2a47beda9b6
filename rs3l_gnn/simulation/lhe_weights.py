"""Further weights of an LHE event: ``<rwgt>`` with an id for each, and the list ``<weights>`` in the header's order."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation.lhe_event import Block
from rs3l_gnn.simulation.lhe_lines import Lines, attributes_of, number

__all__ = ["WeightTable", "event_weights"]

_TAG = r"""((?:[^<>"']|"[^"]*"|'[^']*')*)"""
_WGT = re.compile(rf"<wgt\b{_TAG}>([^<]*)</wgt\s*>")
_DROP = "with further_weights: drop the file is read without these weights"
_WEIGHTS = re.compile(rf"<weights\b{_TAG}>([^<]*)</weights\s*>")


class WeightTable:
    """Weights of events in columns; events may name them in any order.

    Attributes:
        names: of the first event, in its order.
        rows: values [n_events][n_names].
    """

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self.rows: list[list[float]] = []

    def add(self, found: dict[str, float], block: Block, lines: Lines) -> None:
        """Append the weights of an event.

        Raises:
            InputFileError: they are not those of the first event.
        """
        if not self.rows:
            self.names = tuple(found)
        if found.keys() != set(self.names):
            missing = [name for name in self.names if name not in found]
            added = [name for name in found if name not in self.names]
            told = f"without {', '.join(map(repr, missing[:3]))}" if missing else f"with {added[0]!r} added"
            raise lines.wrong(
                f"event {block.index} has other weights than event 0",
                got=f"{len(found)} of them, {told}",
                hint=_DROP,
            )
        self.rows.append([found[name] for name in self.names])


def event_weights(block: Block, lines: Lines, ids: Sequence[str]) -> dict[str, float]:
    """Weights of an event by id.

    Args:
        block: the event.
        lines: of the file, for messages.
        ids: of the weights in the order of the header, for ``<weights>``.

    Raises:
        InputFileError: a weight is not a finite number, has no id, has an id that has another value already, or the
            list has another length than the header says.
    """
    if not any("<wgt" in line or "<weights" in line for line in block.lines):
        return {}
    text = "".join(block.lines)
    found = _Found(block, lines, text)
    n_read = 0
    for match in _WGT.finditer(text):
        n_read += 1
        name = _id_of(match[1])
        if not name:
            raise found.wrong("a weight without an id", match[0].strip(), match.start())
        found.put(name, match[2], match.start())
    if n_read != text.count("<wgt"):
        raise lines.wrong(f"event {block.index} has a <wgt> without end or value")
    listed = list(_WEIGHTS.finditer(text))
    if len(listed) != text.count("<weights") or len(listed) > 1:
        raise lines.wrong(f"event {block.index} has several <weights>, or one without end")
    if listed:
        found.put_list(listed[0][2].split(), ids, listed[0].start())
    return found.values


@dataclass(frozen=True)
class _Found:
    """Weights of one event, checked as they come."""

    block: Block
    lines: Lines
    text: str
    values: dict[str, float] = field(default_factory=dict)

    def put(self, name: str, text: str, at: int) -> None:
        try:
            value = number(text.strip())
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.wrong(f"the weight {name!r} is not a finite number", text.strip() or "nothing", at)
        before = self.values.setdefault(name, value)
        if before != value:
            raise self.wrong(f"the weight {name!r} has two values", f"{before:g} and {value:g}", at)

    def put_list(self, texts: list[str], ids: Sequence[str], at: int) -> None:
        """Give values the names of the header; those that ``<rwgt>`` has named already stay."""
        named = set(self.values)
        if ids and len(texts) != len(ids):
            if named >= set(ids):
                return
            raise self.wrong(f"{len(texts)} <weights>, of which the header names {len(ids)}", None, at)
        names = ids or [f"weights_{place + 1}" for place in range(len(texts))]
        for name, text in zip(names, texts, strict=True):
            if name not in named:
                self.put(name, text, at)

    def wrong(self, what: str, got: object, at: int) -> InputFileError:
        line = self.block.first + self.text.count("\n", 0, at)
        return self.lines.wrong(f"event {self.block.index}: {what}", got=got, line=line, hint=_DROP)


@lru_cache(maxsize=1 << 14)
def _id_of(tag: str) -> str:
    attributes = attributes_of(tag)
    return attributes.get("id") or attributes.get("name", "")
