"""Decays of resonances that an LHE file leaves undecayed, as the HepMC file of the same generator has them.

Sherpa (``HARD_DECAYS``) and Herwig decay an H after their LHE file is written. The decay is part of the hard event that
all views share, so it is taken from the event record: products of the resonance whose momentum the LHE file has, before
anything radiates. Where the record has it with another momentum alone, after the recoil of radiation, the products
follow in its rest frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation.hard_events import PARTICLE_TYPE, SPIN_UNKNOWN, HardEvents
from rs3l_gnn.simulation.hepmc_file import energy_unit, find_first_number, read_events
from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.resonances import undecayed

__all__ = ["RecordedDecays", "take_decays"]

_MOST_PRODUCTS = 4
_MomentumOf = Callable[[Any], NDArray[np.float64]]


@dataclass(frozen=True)
class RecordedDecays:
    """What :func:`take_decays` did.

    Attributes:
        resonances: how many of each PDG identity have the decay of the file.
        kept: identities that the other generator left stable too.
        missing: events that the file does not have.
    """

    resonances: dict[int, int]
    kept: tuple[int, ...]
    missing: int


def take_decays(
    hard: HardEvents, path: Path, table: ParticleTable, *, first_number: int | None
) -> tuple[HardEvents, RecordedDecays]:
    """Decay the resonances of all events as a HepMC file says.

    Args:
        hard: the hard events; they are not changed.
        path: HepMC file that was made from them.
        table: tells which particles are resonances.
        first_number: event number of the first hard event; None finds it.

    Returns:
        The events, and what was done. Events that the file does not have keep their resonances.

    Raises:
        InputFileError: not a HepMC file of these events, or a resonance whose decay cannot be told.
    """
    first = find_first_number(path, hard) if first_number is None else first_number
    open_rows = undecayed(hard, table)
    parts = [hard.event(index) for index in range(len(hard))]
    count: dict[int, int] = {}
    kept: set[int] = set()
    seen: set[int] = set()
    for number, event in read_events(path):
        index = number - first
        if not 0 <= index < len(hard) or index in seen:
            continue  # told by whoever reads the view
        seen.add(index)
        scale = energy_unit(event)
        rows = parts[index]
        # From the last one on, so that places of those before stay.
        for place in np.flatnonzero(open_rows[hard.offsets[index] : hard.offsets[index + 1]])[::-1].tolist():
            found = _find(event, rows[place], scale)
            if found is None:
                raise InputFileError(
                    f"{path}: event {number} does not have the {table.name(int(rows['id'][place]))} of its hard event",
                    hint="is it of the same run of the generator?",
                )
            products = _products(found)
            if not products:
                kept.add(int(rows["id"][place]))
                continue
            try:
                rows = _decayed(rows, place, products, table, _moved(rows[place], products, scale))
            except ValueError as error:
                raise InputFileError(f"{path}, event {number}: {error}") from error
            identity = int(parts[index]["id"][place])
            count[identity] = count.get(identity, 0) + 1
        parts[index] = rows
    if kept & set(count):
        raise InputFileError(
            f"{path}: {', '.join(table.name(kind) for kind in sorted(kept & set(count)))} decays in some events only",
            hint="keep it stable in all, or in none",
        )
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in parts])]).astype(np.int64)
    decays = RecordedDecays(dict(sorted(count.items())), tuple(sorted(kept)), len(hard) - len(seen))
    return replace(hard, particles=np.concatenate(parts), offsets=offsets), decays


def _find(event: Any, row: NDArray[np.void], scale: float) -> Any | None:
    """The particle of the record that is nearest in momentum, of those of its kind."""
    particles = event.numpy.particles
    places = np.flatnonzero(np.asarray(particles.pid) == int(row["id"]))
    if not len(places):
        return None
    difference = np.zeros(len(places))
    for name in ("px", "py", "pz"):
        difference += (np.asarray(getattr(particles, name))[places] * scale - row[name]) ** 2
    return event.particles[int(places[np.argmin(difference)])]


def _products(particle: Any) -> list[Any]:
    """What a particle decays into; copies of itself, and what it radiates as such, are passed."""
    while particle.end_vertex is not None:
        outgoing = list(particle.end_vertex.particles_out)
        again = [one for one in outgoing if one.pid == particle.pid]
        if not again:
            # A vertex with other incoming particles is a shower of the whole event, and no decay.
            return outgoing if len(particle.end_vertex.particles_in) == 1 else []
        particle = again[0]
    return []


def _decayed(
    rows: NDArray[np.void], place: int, products: Sequence[Any], table: ParticleTable, momentum_of: _MomentumOf
) -> NDArray[np.void]:
    """The rows with the products of one resonance, and those of resonances among them, behind all others."""
    rows = rows.copy()
    if not 2 <= len(products) <= _MOST_PRODUCTS:
        name = table.name(int(rows["id"][place]))
        raise ValueError(f"{name} decays into {len(products)} particles, got {[one.pid for one in products][:8]}")
    rows["status"][place] = 2
    added = np.zeros(len(products), PARTICLE_TYPE)
    for row, one in zip(added, products, strict=True):
        momentum = momentum_of(one)
        row["id"], row["status"], row["spin"] = one.pid, 1, SPIN_UNKNOWN
        row["mother1"] = row["mother2"] = place + 1
        row["px"], row["py"], row["pz"], row["e"] = momentum
        row["m"] = _mass(momentum)
    _give_colours(rows, place, added, table)
    rows = np.concatenate([rows, added])
    for number, one in enumerate(products, start=len(rows) - len(products)):
        further = _products(one) if table.resonance(one.pid) else []
        if further:
            rows = _decayed(rows, number, further, table, momentum_of)
    return rows


def _moved(row: NDArray[np.void], products: Sequence[Any], scale: float) -> _MomentumOf:
    """Momenta (GeV) of a decay as they are where the decaying particle has the momentum of ``row``."""
    frame = sum((_momentum(one, scale) for one in products), np.zeros(4))
    target = np.array([row[name] for name in ("px", "py", "pz", "e")])
    if np.allclose(frame, target, rtol=1e-6, atol=1e-3):
        return lambda particle: _momentum(particle, scale)  # and keep every bit
    return lambda particle: _from_rest(_to_rest(_momentum(particle, scale), frame), target)


def _momentum(particle: Any, scale: float) -> NDArray[np.float64]:
    p = particle.momentum
    return np.array([p.px, p.py, p.pz, p.e]) * scale


def _mass(p: NDArray[np.float64]) -> float:
    return float(np.sqrt(max(p[3] ** 2 - (p[:3] ** 2).sum(), 0.0)))


def _to_rest(p: NDArray[np.float64], frame: NDArray[np.float64]) -> NDArray[np.float64]:
    return _from_rest(p, np.concatenate([-frame[:3], frame[3:]]))


def _from_rest(p: NDArray[np.float64], frame: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boost by the velocity of ``frame``."""
    mass = _mass(frame)
    energy = (frame[3] * p[3] + frame[:3] @ p[:3]) / mass
    return np.append(p[:3] + frame[:3] * (energy + p[3]) / (frame[3] + mass), energy)


def _give_colours(rows: NDArray[np.void], place: int, added: NDArray[np.void], table: ParticleTable) -> None:
    """Colours of the products where the event has any; in events without, all are assigned later."""
    if not (rows["col1"].any() or rows["col2"].any()):
        return
    kinds = [table.colour(int(identity)) for identity in added["id"]]
    coloured = [number for number, kind in enumerate(kinds) if kind]
    if not coloured:
        return
    mother = table.colour(int(rows["id"][place]))
    if len(coloured) == 1 and kinds[coloured[0]] == mother:
        added["col1"][coloured[0]], added["col2"][coloured[0]] = rows["col1"][place], rows["col2"][place]
        return
    if mother or len(coloured) != 2 or kinds[coloured[0]] not in {-kinds[coloured[1]], 2} or sum(kinds) not in {0, 4}:
        raise ValueError(f"the colours of a decay into {added['id'].tolist()} cannot be told")
    free = max(500, int(rows["col1"].max()), int(rows["col2"].max())) + 1
    for number, (colour, anticolour) in zip(coloured, ((free, free + 1), (free + 1, free)), strict=True):
        added["col1"][number] = colour if kinds[number] == 2 else free if kinds[number] == 1 else 0
        added["col2"][number] = anticolour if kinds[number] == 2 else free if kinds[number] == -1 else 0
