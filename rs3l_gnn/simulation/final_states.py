"""Particles that remain of Pythia's events, read where the event record lies in memory.

Pythia's own interface hands over all numbers of all entries one after another (``pythia.nextBatch``), which takes 3 %
of the time of an event, and two thirds of that of a hadronisation alone. Here a compiled loop picks what a detector
needs. That wants the places of the numbers within an entry: those of :data:`ENTRY` are compared with what the interface
says of an event made for it, once for each process. In a build of Pythia whose entries look otherwise, each number is
asked for by its name, at 3 ms an event.
"""

from __future__ import annotations

import ctypes
import logging
from functools import lru_cache
from typing import Any

import awkward as ak
import numpy as np
import pythia8mc
from numpy.typing import NDArray

from rs3l_gnn.conventions.compiling import compile_loop
from rs3l_gnn.conventions.jagged import offsets_of

__all__ = ["ENTRY", "FinalStates", "lies_as_known"]

ENTRY = np.dtype(
    {
        "names": ["id", "status", "px", "py", "pz", "e", "hasVertex", "xProd", "yProd", "zProd"],
        "formats": ["i4", "i4", "f8", "f8", "f8", "f8", "?", "f8", "f8", "f8"],
        "offsets": [8, 12, 40, 48, 56, 64, 96, 104, 112, 120],
        "itemsize": 168,
    }
)
"""What is read of an entry of Pythia's event record, by the names of the interface; GeV and mm."""

_MOMENTUM, _VERTEX = ("px", "py", "pz", "e"), ("xProd", "yProd", "zProd")
_FOUND = np.dtype([("id", "i4"), ("status", "i4"), *((name, "f8") for name in (*_MOMENTUM, *_VERTEX))])
_HEADER = object.__basicsize__  # behind it the interface's objects have the address of what they stand for
_READ = 0x100  # PyBUF_READ: nobody writes through the view
_view = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)(
    ("PyMemoryView_FromMemory", ctypes.pythonapi)
)
_log = logging.getLogger(__name__)


class FinalStates:
    """Gathers events, one after another, into an array with some of the fields of ``pythia.nextBatch``."""

    def __init__(self) -> None:
        self._known = lies_as_known()
        self._found = np.empty(0, dtype=_FOUND)
        self._offsets = [0]
        self._masses: list[float] = []
        self._weights: list[list[float]] = []
        self._index: list[int] = []
        self._address, self._entries = 0, np.empty(0, dtype=ENTRY)

    def add(self, event: Any, info: Any = None) -> None:
        """Add an event.

        Args:
            event: ``pythia.event``.
            info: ``pythia.infoPython()`` of the event; None: what it says is not known.
        """
        self._index.append(len(self._masses))
        self._masses.append(np.nan if info is None else info.mHat())
        self._weights.append([] if info is None else info.weightValueVector())
        n, first = event.size(), self._offsets[-1]
        if first + n > len(self._found):
            self._found = np.concatenate([self._found, np.empty(first + n, dtype=_FOUND)])
        if not self._known:
            rows = _by_name(event)
            self._found[first : first + len(rows)] = rows
            self._offsets.append(first + len(rows))
            return
        # Nearly always the last event lay at the same place, and after a shower whatever is made anew is slow.
        if (address := _address(event[0])) != self._address or n > len(self._entries):
            self._address, self._entries = address, _in_memory(event)
        self._offsets.append(_pick(self._entries, n, self._found, first))

    def add_missing(self) -> None:
        """Add None, for an event that Pythia rejects."""
        self._index.append(-1)

    def array(self) -> ak.Array:
        """The events [n_events], None for missing ones.

        ``prt`` has ``id``, ``status``, ``p`` and ``vProd`` of the particles, the hard collision at the origin; ``info``
        has the mass ``mHat`` of the hard process in GeV and ``weights``.
        """
        found = self._found[: self._offsets[-1]]
        vertex = _record({name: found[place] for name, place in zip(_MOMENTUM, _VERTEX, strict=False)})
        momentum = _record({name: found[name] for name in _MOMENTUM})
        particles = _record({"id": found["id"], "status": found["status"], "p": momentum, "vProd": vertex})
        weights = np.array([weight for weights in self._weights for weight in weights], dtype=np.float64)
        of_weights = offsets_of(np.array([len(weights) for weights in self._weights], dtype=np.int64))
        info = _record({"mHat": np.array(self._masses, dtype=np.float64), "weights": _lists(weights, of_weights)})
        events = _record({"prt": _lists(particles, np.array(self._offsets)), "info": info})
        return ak.Array(ak.contents.IndexedOptionArray(ak.index.Index64(np.array(self._index, dtype=np.int64)), events))


@compile_loop
def _pick(entries: NDArray[np.void], n: int, found: NDArray[np.void], first: int) -> int:
    """Copy what remains of the first ``n`` entries to ``first`` and behind; gives where it ends."""
    for row in range(n):
        entry = entries[row]
        if entry["status"] <= 0:
            continue
        copy = found[first]
        copy["id"], copy["status"] = entry["id"], entry["status"]
        copy["px"], copy["py"], copy["pz"], copy["e"] = entry["px"], entry["py"], entry["pz"], entry["e"]
        copy["xProd"] = entry["xProd"] if entry["hasVertex"] else 0.0
        copy["yProd"] = entry["yProd"] if entry["hasVertex"] else 0.0
        copy["zProd"] = entry["zProd"] if entry["hasVertex"] else 0.0
        first += 1
    return first


def _record(columns: dict[str, Any]) -> ak.contents.RecordArray:
    return ak.contents.RecordArray([_content(column) for column in columns.values()], list(columns))


def _lists(content: Any, offsets: NDArray[np.int64]) -> ak.contents.ListOffsetArray:
    return ak.contents.ListOffsetArray(ak.index.Index64(offsets), _content(content))


def _content(column: Any) -> ak.contents.Content:
    return ak.contents.NumpyArray(column) if isinstance(column, np.ndarray) else column


def _in_memory(event: Any) -> NDArray[np.void]:
    """Entries of an event record where they lie, as long as nobody changes it [n_entries]."""
    return np.frombuffer(_view(_address(event[0]), event.size() * ENTRY.itemsize, _READ), dtype=ENTRY)


def _address(particle: Any) -> int:
    return ctypes.c_size_t.from_address(id(particle) + _HEADER).value


def _by_name(event: Any) -> NDArray[np.void]:
    """What remains of an event record, each number by its name in the interface [n_particles]."""
    rows = [tuple(getattr(entry, name)() for name in _FOUND.names or ()) for entry in event if entry.isFinal()]
    return np.array(rows, dtype=_FOUND)


@lru_cache(maxsize=1)
def lies_as_known() -> bool:
    """Whether entries lie in memory as :data:`ENTRY` has them, from an event with a different number at each place."""
    event = pythia8mc.Event()
    event.reset()
    for row in range(1, 5):
        event.append(100 + row, 200 + row, 1, 2, 3, 4, 5, 6, *(place + row / 8 for place in range(7)))
    event[2].vProd(pythia8mc.Vec4(0.1, 0.2, 0.3, 0.4))
    places = [_address(event[row]) for row in range(event.size())]
    found = np.empty(event.size(), dtype=_FOUND)
    # Only where the distances are those of entries, are there entries at these places.
    known = set(np.diff(places)) == {ENTRY.itemsize} and np.array_equal(
        found[: _pick(_in_memory(event), len(found), found, 0)], _by_name(event)
    )
    if not known:
        _log.warning("Pythia's event records lie in memory otherwise than known: reading them takes longer")
    return known
