"""A first look at HepMC files, before their library reads them: it trusts what they say and can end the process.

Looked for: the end of the file; lines and events of a size that fills the memory; numbers that the library has no room
for; in version 2, vertices and particles that are more or fewer than the lines above them say, and vertices without a
number; in version 3, particles that come from themselves though their event does not say that it has such cycles, which
the library follows for ever.
"""

from __future__ import annotations

import gzip
from collections import deque
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.conventions.packed import LONGEST_LINE

__all__ = ["count_events"]

_LARGEST_EVENT = 64 * 2**20
"""Bytes of an event, some half a million particles; a small packed file can hold any number."""
_READ = (b"E ", b"V ", b"P ", b"A ")
"""Lines of which more than their length is looked at."""
_NUMBERS = 2**31
"""Bound of the numbers of vertices and particles, which have 32 bits in the library."""
_TAIL = 3
"""Lines that the end of the listing is among."""


def count_events(path: Path) -> int:
    """Number of events; pyhepmc takes a file that is cut short for a whole one, and stops at a broken event.

    Raises:
        InputFileError: no end, a line of more than 4 MB, an event of more than 64 MB, or one that is no tree of decays.
        OSError, EOFError, zlib.error: the packing is damaged.
    """
    count, size = 0, 0
    tail: deque[bytes] = deque(maxlen=_TAIL)
    event: _Event3 | _Event2 = _Event2()
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        for line in iter(lambda: stream.readline(LONGEST_LINE + 1), b""):
            if len(line) > LONGEST_LINE:
                raise InputFileError(f"{path} has a line of more than {LONGEST_LINE // 2**20} MB after event {count}")
            start = line[:2]
            size += len(line)
            try:
                if start == b"E ":
                    _require_whole(path, count, event)
                    event, count, size = type(event)(), count + 1, len(line)
                if start in _READ:
                    event.read(start, line.split())
                elif line.startswith(b"HepMC::Asciiv3-START"):
                    event = _Event3()
            except (ValueError, IndexError) as error:
                text = line[:80].decode(errors="replace").strip()
                raise InputFileError(
                    f"{path} is not a whole HepMC file: event {count}, from 1, has a broken line: {text}"
                ) from error
            if size > _LARGEST_EVENT:
                raise InputFileError(f"{path} has more than {_LARGEST_EVENT // 2**20} MB in event {count}, from 1")
            tail.append(line)
    _require_whole(path, count, event)
    if not any(b"END_EVENT_LISTING" in line for line in tail):
        raise InputFileError(f"{path} is not a whole HepMC file: it ends without END_EVENT_LISTING")
    return count


def _require_whole(path: Path, count: int, event: _Event3 | _Event2) -> None:
    if (reason := event.problem()) is not None:
        raise InputFileError(
            f"{path} is not a whole HepMC file: in event {count}, from 1, {reason}",
            hint="the file is damaged; copy it again",
        )


def _number(word: bytes) -> int:
    """Of a vertex or particle; larger ones become others in the library, which can end the process."""
    number = int(word)
    if abs(number) >= _NUMBERS:
        raise ValueError(number)
    return number


class _Event2:
    """Version 2: a vertex says how many particles stand behind it, an event how many vertices."""

    def __init__(self) -> None:
        self._vertices = self._particles = 0

    def read(self, start: bytes, words: list[bytes]) -> None:
        """A line that begins with ``start``."""
        if start == b"E ":
            self._vertices = int(words[8])
        elif start == b"V ":
            if self._particles != 0:
                raise ValueError(self._particles)
            if _number(words[1]) == 0:
                raise ValueError(words[1])
            self._vertices -= 1
            self._particles = int(words[7]) + int(words[8])
        elif start == b"P ":
            if self._particles <= 0:
                raise ValueError(self._particles)
            self._particles -= 1

    def problem(self) -> str | None:
        """What is wrong with the event as a whole."""
        if self._vertices or self._particles:
            return f"{self._vertices} vertices and {self._particles} particles are missing"
        return None


class _Event3:
    """Version 3: what comes from what, particles by their numbers, vertices by theirs, which are below 0."""

    def __init__(self) -> None:
        self._after: dict[int, list[int]] = {}
        self._particles: set[int] = set()
        self._says_cycles = False

    def read(self, start: bytes, words: list[bytes]) -> None:
        """A line that begins with ``start``."""
        if start == b"P ":
            self._particle(_number(words[1]), _number(words[2]))
        elif start == b"V ":
            self._vertex(_number(words[1]), words[3].strip(b"[]").split(b","))
        elif start == b"A " and words[1:3] == [b"0", b"cycles"]:
            self._says_cycles = words[3:] == [b"1"]

    def problem(self) -> str | None:
        """What is wrong with the event as a whole."""
        # The library takes a number for a place in its list, wherever that is.
        absent = [number for number in self._after if number > 0 and number not in self._particles]
        if absent:
            return f"something comes from particle {absent[0]}, which is not there"
        return None if self._says_cycles or self._is_tree() else "particles come from themselves"

    def _particle(self, number: int, parent: int) -> None:
        self._particles.add(number)
        self._after.setdefault(number, [])
        if parent != 0:
            self._after.setdefault(parent, []).append(number)

    def _vertex(self, number: int, incoming: list[bytes]) -> None:
        self._after.setdefault(number, [])
        for word in incoming:
            if word:
                self._after.setdefault(_number(word), []).append(number)

    def _is_tree(self) -> bool:
        """Whether nothing is behind itself: takes away what nothing leads to, until nothing is left."""
        into = dict.fromkeys(self._after, 0)
        for ends in self._after.values():
            for end in ends:
                into[end] += 1
        free = [one for one, number in into.items() if number == 0]
        taken = 0
        while free:
            taken += 1
            for end in self._after[free.pop()]:
                into[end] -= 1
                if into[end] == 0:
                    free.append(end)
        return taken == len(into)
