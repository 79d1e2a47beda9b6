"""Lines and tags of an LHE file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path

from rs3l_gnn.conventions import InputFileError

__all__ = ["Kept", "Lines", "attributes_of", "number"]

_ATTRIBUTE = re.compile(r"""([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_END = "</LesHouchesEvents>"
_PER_LINE = 64
"""Bytes of a text and its place in a list, besides its characters."""
_FORTRAN = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([+-]\d+)")


class Lines:
    """Lines of a file, with their numbers for messages."""

    def __init__(self, path: Path, stream: Iterable[str]) -> None:
        self.path, self.number = path, 0
        self._stream = iter(stream)
        self._rest = ""
        self._in_comment = False

    def __iter__(self) -> Iterator[str]:
        """Lines without XML comments; one that is nothing but comment is empty."""
        for line in self.raw():
            if self._in_comment or "<!--" in line:
                kept, self._in_comment = _without_comments(line, inside=self._in_comment)
                yield kept
            else:
                yield line

    def raw(self) -> Iterator[str]:
        """Lines as they are; what follows an end tag, in files put one after another, is a line of its own."""
        if self._rest:
            rest, self._rest = self._rest, ""
            yield rest
        for line in self._stream:
            self.number += 1
            if _END not in line:
                yield line
                continue
            before, end, self._rest = line.partition(_END)
            yield before + end
            if self._rest:
                rest, self._rest = self._rest, ""
                yield rest

    def wrong(
        self, what: str, *, got: object = None, line: int | None = None, hint: str | None = None
    ) -> InputFileError:
        """The error for something wrong in the last line, or in another one."""
        return InputFileError(f"{self.path}, line {line or self.number}: {what}", got=got, hint=hint)


class Kept:
    """Lines that belong together, as many as memory should hold: a small packed file can have any number.

    Args:
        lines: of the file, for messages.
        what: they are, for messages.
        largest: bytes that they may need.
    """

    def __init__(self, lines: Lines, what: str, largest: int) -> None:
        self.texts: list[str] = []
        self._lines, self._what, self._largest = lines, what, largest
        self._size = 0

    def append(self, line: str) -> None:
        """Take a line.

        Raises:
            InputFileError: it is one too many; its number is named.
        """
        self._size += len(line) + _PER_LINE
        if self._size > self._largest:
            raise self._lines.wrong(
                f"{self._what} is larger than {self._largest // 2**20} MB",
                hint="no generator writes as much; is it the right file?",
            )
        self.texts.append(line)


def _without_comments(line: str, *, inside: bool) -> tuple[str, bool]:
    kept, start = [], 0
    while start < len(line):
        mark = "-->" if inside else "<!--"
        at = line.find(mark, start)
        end = len(line) if at < 0 else at
        if not inside:
            kept.append(line[start:end])
        inside = inside != (at >= 0)
        start = end + len(mark)
    return "".join(kept), inside


def attributes_of(tag: str) -> dict[str, str]:
    """Attributes of an XML tag, in single or double quotes."""
    return {name: unescape(double or single) for name, double, single in _ATTRIBUTE.findall(tag)}


def number(text: str) -> float:
    """A number, in Fortran's spellings too: 1.5D+02, and 3.05-105 where the exponent has three digits.

    Raises:
        ValueError: it is none.
    """
    try:
        return float(text)
    except ValueError:
        plain = text.upper().replace("D", "E")
        short = _FORTRAN.fullmatch(plain)
        return float(f"{short[1]}E{short[2]}" if short else plain)
