"""Fuzz of every kind of file that a verb reads: damaged copies are read, and each must be taken or refused.

The readers run in a process of their own, which is ended when one of them takes too long, and has a bounded memory.
"""

from __future__ import annotations

import gzip
import logging
import multiprocessing
import os
import pickle
import resource
import tempfile
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.benchmarks.memory import current_mb, peak_mb
from rs3l_gnn.benchmarks.reliability.kinds import KINDS
from rs3l_gnn.benchmarks.reliability.same import is_same
from rs3l_gnn.benchmarks.reliability.seeds import make_seeds
from rs3l_gnn.conventions import Rs3lError

__all__ = ["Escaped", "FuzzResult", "damaged", "fuzz", "shares"]

_START_METHOD = "spawn"
_PATIENCE = 60.0
"""Seconds for one file of some kilobytes, after which its reader hangs."""
_START = 1800.0
"""Seconds for the imports and the good files: long, since a busy machine is no fault of theirs."""
_GROWTH = 400.0
"""MiB of memory that one file of some kilobytes may take."""
_ADDRESS = 6 * 2**30
"""Bytes of address space beyond those of the imports, so that a reader cannot take the machine with it."""


@dataclass(frozen=True)
class Escaped:
    """A damaged file that was neither read nor refused; ``fuzz({kind: ...}, first=number)`` makes it again."""

    kind: str
    number: int
    what: str


@dataclass
class FuzzResult:
    """What became of the damaged files, by kind.

    Attributes:
        read: taken, since the damage left a file of the kind.
        refused: ended with a message of ours.
        escaped: anything else: another error, a reader that hangs or ends the process, memory that grows.
    """

    read: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    escaped: list[Escaped] = field(default_factory=list)

    @property
    def tries(self) -> int:
        """Damaged files in all."""
        return self.read.total() + self.refused.total() + len(self.escaped)

    def lines(self) -> Iterator[str]:
        """A line for each that escaped."""
        for one in self.escaped:
            yield f"{one.kind} {one.number}: {one.what}"


def shares(total: int) -> dict[str, int]:
    """Damaged files of each kind, ``total`` or a few more in all."""
    whole = sum(kind.share for kind in KINDS.values())
    return {name: -int(-total * kind.share // whole) for name, kind in KINDS.items()}


def damaged(kind: str, number: int, content: bytes) -> bytes:
    """The damaged copy of this number; the same ones each time."""
    return KINDS[kind].damage(np.random.default_rng([zlib.crc32(kind.encode()), number]), content)


def fuzz(counts: dict[str, int], *, first: int = 0) -> FuzzResult:
    """Read damaged files.

    Args:
        counts: how many of each kind; see :func:`shares`.
        first: number of the first of each kind.
    """
    result = FuzzResult()
    todo = [(name, number) for name, count in counts.items() for number in range(first, first + count)]
    with tempfile.TemporaryDirectory() as name:
        while todo:
            todo = todo[_run(Path(name), todo, result) :]
    return result


def _run(folder: Path, todo: Sequence[tuple[str, int]], result: FuzzResult) -> int:
    """Let one process read until it is through or has to be ended; gives how many it dealt with."""
    context: Any = multiprocessing.get_context(_START_METHOD)
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(str(folder), list(todo), there))
    process.start()
    there.close()
    done = 0
    try:
        if not here.poll(_START):
            raise RuntimeError(f"the good files were not read in {_START:g} s")
        reason = here.recv()
        if reason is not None:
            raise RuntimeError(reason)
        for kind, number in todo:
            what = "hangs"
            with suppress(EOFError):
                if here.poll(_PATIENCE):
                    outcome, what = here.recv()
                    (result.read if outcome == "read" else result.refused)[kind] += outcome != "escaped"
                    if outcome == "escaped":
                        result.escaped.append(Escaped(kind, number, what))
                    done += 1
                    continue
            process.join(1)
            died = "" if process.exitcode is None else f"ends the process with {process.exitcode}"
            result.escaped.append(Escaped(kind, number, died or what))
            return done + 1
    finally:
        process.kill()
        process.join()
    return done


def _child(folder: str, todo: list[tuple[str, int]], connection: Connection) -> None:
    """Send why the good files are not read, None when they are, and then an outcome for each of ``todo``."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    # What libraries in C print about damaged files.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    os.dup2(silence, 1)
    root = Path(tempfile.mkdtemp(dir=folder))
    try:
        contents = _good(root, {kind for kind, _ in todo})
    except BaseException:
        connection.send(traceback.format_exc())
        raise
    connection.send(None)
    address = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (address + _ADDRESS, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind, number in todo:
        connection.send(_outcome(root / kind, kind, damaged(kind, number, contents[kind])))


def _good(root: Path, kinds: set[str]) -> dict[str, bytes]:
    """Contents of the good files, each of which is read, and read again with changes that do not matter."""
    seeds = make_seeds(root)
    seeds["events.lhe.gz"] = root / "events.lhe.gz"
    seeds["events.lhe.gz"].write_bytes(gzip.compress(seeds["events.lhe"].read_bytes(), 1))
    contents = {name: seeds[name].read_bytes() for name in kinds}
    for name, content in contents.items():
        kind = KINDS[name]
        good = kind.read(seeds[name])
        if kind.harmless is not None:
            seeds[name].write_bytes(kind.harmless(content))
            if not is_same(kind.read(seeds[name]), good):
                raise RuntimeError(f"{name} reads as something else after a change that does not matter")
    return contents


def _outcome(path: Path, kind: str, content: bytes) -> tuple[str, str]:
    path.write_bytes(content)
    before, highest = current_mb(), peak_mb()
    try:
        KINDS[kind].read(path)
        outcome = ("read", "")
    except Rs3lError as error:
        outcome = _message(error)
    except BaseException as error:  # noqa: BLE001  # this is what is looked for
        outcome = ("escaped", _place(error))
    grown = peak_mb() - max(before, highest)
    return outcome if grown < _GROWTH else ("escaped", f"takes {grown:.0f} MB of memory")


def _message(error: Rs3lError) -> tuple[str, str]:
    """A message fits a screen and survives the way back from a worker."""
    text = str(error)
    if len(text) > 5000 or "Traceback" in text:
        return "escaped", f"a message of {len(text)} characters: {text[:200]}"
    if str(pickle.loads(pickle.dumps(error))) != text:  # noqa: S301  # our own bytes
        return "escaped", f"does not survive pickling: {text[:200]}"
    return "refused", text


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "rs3l_gnn" in frame.filename or "/processors/" in frame.filename]
    last = own[-1] if own else frames[-1]
    return f"{type(error).__name__}: {str(error)[:150]} ({Path(last.filename).name}:{last.lineno})"
