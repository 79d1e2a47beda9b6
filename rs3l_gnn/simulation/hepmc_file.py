"""Reading of HepMC 2 and 3 files, plain or gzipped, and which hard events their events belong to."""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError, MissingDependencyError, delta_r, pseudorapidity
from rs3l_gnn.conventions.inputs import require_file
from rs3l_gnn.conventions.packed import LONGEST_LINE
from rs3l_gnn.simulation.hard_events import HardEvents

__all__ = ["energy_unit", "find_first_number", "generator_of", "holds", "length_unit", "read_events"]

_CHECKED = 20
_TAIL = 200  # bytes that hold the last line
_BLOCK = 2**20
_LARGEST_EVENT = 64 * 2**20
"""Bytes of an event, some half a million particles; a small packed file can hold any number."""
_EVENT = b"\nE "  # the first line of an event, in versions 2 and 3
_SAME_PT, _SAME_DIRECTION = 0.01, 0.05


def read_events(path: Path) -> Iterator[tuple[int, Any]]:
    """Events of pyhepmc with their numbers.

    Raises:
        InputFileError: missing, not a HepMC file, cut short, an event that cannot be read or has more than 64 MB, or a
            line of more than 4 MB.
        MissingDependencyError: pyhepmc is not installed.
    """
    try:
        import pyhepmc
    except ImportError as error:
        raise MissingDependencyError(
            "HepMC files need pyhepmc", hint="install rs3l_gnn with the extra 'hepmc'"
        ) from error
    done = 0
    require_file(path)
    try:
        expected = _count_events(path)
        with pyhepmc.open(path) as stream:
            for event in stream:
                done += 1
                yield event.event_number, event
    except FileNotFoundError as error:
        raise InputFileError(f"cannot read {path}: no such file") from error
    except (OSError, RuntimeError, EOFError, ValueError, zlib.error) as error:
        raise InputFileError(f"{path} is not a whole HepMC file: after {done} events {error}") from error
    if done != expected:
        raise InputFileError(f"{path} is not a whole HepMC file: of {expected} events, number {done} cannot be read")


def generator_of(event: Any) -> str:
    """Name and version of the program that made an event, as the file says; empty where it does not."""
    tools = [] if event.run_info is None else event.run_info.tools
    return ", ".join(f"{tool.name} {tool.version}".strip() for tool in tools)


def energy_unit(event: Any) -> float:
    """GeV of one unit of the file, which may hold MeV."""
    return 1e-3 if "MEV" in str(event.momentum_unit) else 1.0


def length_unit(event: Any) -> float:
    """Millimetres of one unit of the file, which may hold centimetres."""
    return 10.0 if "CM" in str(event.length_unit) else 1.0


def find_first_number(path: Path, hard: HardEvents) -> int:
    """Event number that the generator gave to the first hard event, from the hard partons of its first events.

    Args:
        path: HepMC file.
        hard: all hard events.

    Raises:
        InputFileError: the events hold no hard partons of these, or their numbers do not run with them.
    """
    hardest = _hardest(hard)
    votes: Counter[int] = Counter()
    numbers = []
    for number, event in islice(read_events(path), _CHECKED):
        numbers.append(number)
        votes.update(number - index for index in np.flatnonzero(_matches(event, hardest)).tolist())
    if not numbers:
        raise InputFileError(f"{path} holds no HepMC events")
    best, count = votes.most_common(1)[0] if votes else (0, 0)
    if count < 0.5 * len(numbers):
        raise InputFileError(
            f"{path} was not made from this LHE file, or its event numbers do not run with the hard events",
            got=f"the hardest particle of the hard process in {count} of {len(numbers)} events under one numbering; "
            f"event numbers {numbers[:3]}...",
            hint="let the generator shower hard.lhe.gz of a run; first_number states a numbering",
        )
    return best


def holds(event: Any, hard: HardEvents) -> bool:
    """Whether the hardest particle of a hard event (the only one of ``hard``) is in the event."""
    return bool(_matches(event, _hardest(hard))[0])


def _hardest(hard: HardEvents) -> NDArray[np.float64]:
    """Identity, pT (GeV), eta and phi of the hardest outgoing particle of each hard event [4, n_events]."""
    found = np.empty((4, len(hard)))
    for index in range(len(hard)):
        rows = hard.event(index)
        outgoing = rows[rows["status"] != -1]
        pt = np.hypot(outgoing["px"], outgoing["py"])
        one = outgoing[np.argmax(pt)]
        eta = pseudorapidity(one["px"], one["py"], one["pz"])
        found[:, index] = one["id"], pt.max(), eta, np.arctan2(one["py"], one["px"])
    return found


def _matches(event: Any, hardest: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which hard events an event may belong to, within 1 % in pT and 0.05 in direction [n_events]."""
    particles = event.numpy.particles
    px, py, pz = (np.asarray(getattr(particles, name)) * energy_unit(event) for name in ("px", "py", "pz"))
    pt = np.hypot(px, py)
    enough = pt > (1 - _SAME_PT) * hardest[1].min()
    identity, pt = np.asarray(particles.pid)[enough], pt[enough]
    eta, phi = pseudorapidity(px[enough], py[enough], pz[enough]), np.arctan2(py[enough], px[enough])
    kind, expected, hard_eta, hard_phi = hardest[:, :, np.newaxis]
    near = delta_r(eta, phi, hard_eta, hard_phi) < _SAME_DIRECTION
    return np.asarray(((identity == kind) & (np.abs(pt / expected - 1) < _SAME_PT) & near).any(axis=1))


def _count_events(path: Path) -> int:
    """Number of events; pyhepmc takes a file that is cut short for a whole one, and stops at a broken event.

    It holds any line and any event whole in memory, too, so their lengths are looked at before.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        count, tail = 0, b""
        line, event = _Run(b"\n", LONGEST_LINE), _Run(_EVENT, _LARGEST_EVENT)
        while block := stream.read(_BLOCK):
            # A mark that lies across two blocks is counted with the second one.
            seam = tail[1 - len(_EVENT) :] + block
            if line.too_long(block):
                raise InputFileError(f"{path} has a line of more than {LONGEST_LINE // 2**20} MB after event {count}")
            if event.too_long(seam):
                raise InputFileError(f"{path} has more than {_LARGEST_EVENT // 2**20} MB in event {count}, from 1")
            count += seam.count(_EVENT)
            tail = (tail + block)[-_TAIL:]
    if b"END_EVENT_LISTING" not in tail:
        raise InputFileError(f"{path} is not a whole HepMC file: it ends without END_EVENT_LISTING")
    return count


class _Run:
    """Bytes since the last mark, over blocks; two marks in one block are near enough to each other."""

    def __init__(self, mark: bytes, longest: int) -> None:
        self._mark, self._longest, self._length = mark, longest, 0

    def too_long(self, block: bytes) -> bool:
        last = block.rfind(self._mark)
        if last < 0:
            self._length += len(block)
            return self._length > self._longest
        before = self._length + block.find(self._mark)
        self._length = len(block) - last
        return before > self._longest
