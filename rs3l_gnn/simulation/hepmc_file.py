"""Reading of HepMC 2 and 3 files, plain or gzipped, and which hard events their events belong to."""

from __future__ import annotations

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
from rs3l_gnn.simulation.hard_events import HardEvents
from rs3l_gnn.simulation.hepmc_scan import count_events

__all__ = ["energy_unit", "find_first_number", "generator_of", "holds", "length_unit", "read_events"]

_CHECKED = 20
_SAME_PT, _SAME_DIRECTION = 0.01, 0.05


def read_events(path: Path) -> Iterator[tuple[int, Any]]:
    """Events of pyhepmc with their numbers.

    Raises:
        InputFileError: missing, not a HepMC file, cut short, an event that cannot be read, has more than 64 MB or is no
            tree of decays, or a line of more than 4 MB.
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
        expected = count_events(path)
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
    """Name and version of the program that made an event; empty where the file says none, or not in UTF-8."""
    tools = [] if event.run_info is None else event.run_info.tools
    try:
        return ", ".join(f"{tool.name} {tool.version}".strip() for tool in tools)
    except UnicodeDecodeError:  # pyhepmc decodes a name when it is asked for
        return ""


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
        votes.update(number - index for index in np.flatnonzero(_match_any(event, hardest)).tolist())
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
    return bool(_match_any(event, _hardest(hard))[0])


def _hardest(hard: HardEvents) -> NDArray[np.float64]:
    """The hardest outgoing particle of each hard event, resonances among them and not [2, 4, n_events].

    Identity, pT (GeV), eta and phi. Some generators record no resonances, others change products of resonances.
    """
    found = np.empty((2, 4, len(hard)))
    for index in range(len(hard)):
        rows = hard.event(index)
        for place, chosen in enumerate((rows["status"] != -1, rows["status"] == 1)):
            outgoing = rows[chosen]
            pt = np.hypot(outgoing["px"], outgoing["py"])
            one = outgoing[np.argmax(pt)]
            eta = pseudorapidity(one["px"], one["py"], one["pz"])
            found[place, :, index] = one["id"], pt.max(), eta, np.arctan2(one["py"], one["px"])
    return found


def _match_any(event: Any, hardest: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which hard events an event may belong to [n_events]; hardest as from :func:`_hardest`."""
    return np.asarray(_matches(event, hardest[0]) | _matches(event, hardest[1]))


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
