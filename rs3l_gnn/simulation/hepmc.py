"""Views that another generator made from the same LHE file: HepMC 2 and 3 events, plain or gzipped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError, SimulationError, atomic_file
from rs3l_gnn.conventions.expansion import open_arrays
from rs3l_gnn.conventions.inputs import reading
from rs3l_gnn.simulation.hard_events import HardEvents
from rs3l_gnn.simulation.hepmc_file import (
    energy_unit,
    find_first_number,
    generator_of,
    holds,
    length_unit,
    read_events,
)
from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.particles import Particles
from rs3l_gnn.simulation.settings import configure

__all__ = ["FoundEvents", "StoredEvents", "load_events", "split_hepmc"]

_CHECKED = 20
_COLUMNS = ("event", "pdgid", "px", "py", "pz", "energy", "vx", "vy", "vz")

StoredEvents = tuple[Particles, NDArray[np.bool_]]
"""Stable particles of a chunk, and which of its events are there [n_events]."""


@dataclass(frozen=True)
class FoundEvents:
    """What a HepMC file turned out to hold.

    Attributes:
        generator: name and version as the file says, empty where it does not.
        first_number: event number of the first hard event.
        events: number of events.
        energy, length: GeV and mm of one unit of the file.
    """

    generator: str
    first_number: int
    events: int
    energy: float
    length: float


def split_hepmc(
    path: Path,
    hard: HardEvents,
    table: ParticleTable,
    *,
    first_number: int | None,
    chunk_size: int,
    directory: Path,
    name: str,
    longest_lifetime: float,
) -> FoundEvents:
    """Cut a HepMC file into one ``.npz`` of stable particles for each chunk of hard events.

    An event belongs to the hard event ``event_number - first_number`` of the LHE file. Hard events without one count
    as rejected. Weights of the file are not used: views carry the weight of their hard event.

    Args:
        path: HepMC file.
        hard: all hard events of the LHE file.
        table: tells which kinds of particles are visible.
        first_number: event number that the generator gave to the first event of the LHE file; None finds it.
        chunk_size: hard events of a chunk.
        directory: where the chunks go, as ``<name>_<chunk>.npz``.
        name: of the variation.
        longest_lifetime: c tau in mm up to which particles may have decayed in the file.

    Raises:
        InputFileError: not a HepMC file, cut short, a number that no hard event has or that comes twice, events that
            do not hold the hard partons of the LHE file, decays of particles that live longer, or a stable particle of
            a kind that is not known.
        MissingDependencyError: pyhepmc is not installed.
    """
    n_chunks = -(-len(hard) // chunk_size)
    parts: dict[int, list[dict[str, NDArray[Any]]]] = {}
    seen: set[int] = set()
    agreeing: list[bool] = []
    lifetime = _lifetimes()
    if first_number is None:
        first_number = find_first_number(path, hard)
    event = None
    for number, event in read_events(path):
        index = number - first_number
        if not 0 <= index < len(hard) or index in seen:
            raise InputFileError(
                f"{path}: event number {number} fits no hard event, or comes twice",
                allowed=f"{first_number} to {first_number + len(hard) - 1}, once each",
                hint="set first_number to the number of the first event",
            )
        seen.add(index)
        if len(agreeing) < _CHECKED:
            agreeing.append(holds(event, hard.part(index, index + 1)))
        _refuse_late_decays(path, event, lifetime, longest_lifetime)
        try:
            stable = _stable(event, index % chunk_size, table)
        except SimulationError as error:
            raise InputFileError(f"{path}, event {number}: {error}") from error
        parts.setdefault(index // chunk_size, []).append(stable)
    if event is None:
        raise InputFileError(f"{path} holds no HepMC events")
    if np.mean(agreeing) < 0.5:
        raise InputFileError(
            f"{path} was not made from this LHE file, or first_number is wrong",
            got=f"the hardest particle of the hard process in {sum(agreeing)} of {len(agreeing)} events",
        )
    for chunk in range(n_chunks):
        found = parts.get(chunk, [])
        columns: dict[str, Any] = {
            key: np.concatenate([part[key] for part in found]) if found else np.zeros(0) for key in _COLUMNS
        }
        columns["present"] = np.unique(columns["event"])
        with atomic_file(directory / f"{name}_{chunk:04d}.npz", force=True) as partial, partial.open("wb") as stream:
            np.savez(stream, **columns)
    return FoundEvents(generator_of(event), first_number, len(seen), energy_unit(event), length_unit(event))


@lru_cache(maxsize=1)
def _lifetimes() -> Callable[[int], float]:
    """c tau (mm) of a particle by its identity, as Pythia has it."""
    return lru_cache(maxsize=None)(configure(()).particleData.tau0)


def load_events(
    path: Path, n_events: int, table: ParticleTable, *, abs_eta_max: float, decay: Callable[[Particles], Particles]
) -> StoredEvents:
    """Read what :func:`split_hepmc` wrote.

    Args:
        path: the file.
        n_events: hard events of the chunk.
        table: gives the charges of PDG identities.
        abs_eta_max: largest |eta|.
        decay: gives the particles after the decays in flight that the other generator left to the detector.
    """
    with reading(path, "is damaged", hint="run again with --force"), open_arrays(path) as stored:
        columns = {key: stored[key] for key in _COLUMNS}
        present = stored["present"].astype(np.int64)
    order = np.argsort(columns["event"], kind="stable")
    columns = {key: values[order] for key, values in columns.items()}
    pdgid = columns.pop("pdgid").astype(np.int32)
    kinds = table.kinds(pdgid)
    particles = Particles(
        event=columns.pop("event").astype(np.int64),
        pdgid=kinds.seen_as,
        charge=kinds.charge,
        n_events=n_events,
        collision=np.zeros(len(pdgid), dtype=np.int64),
        **columns,
    )
    particles = decay(particles)
    particles = particles.where(np.abs(particles.pz) < np.sinh(abs_eta_max) * particles.pt)
    accepted = np.zeros(n_events, dtype=np.bool_)
    accepted[present] = True
    return particles, accepted


def _stable(event: Any, index: int, table: ParticleTable) -> dict[str, NDArray[Any]]:
    """Columns of the visible stable particles; vertices relative to that of the beams, in mm."""
    particles = event.numpy.particles
    pdgid = np.asarray(particles.pid)
    keep = np.asarray(particles.status) == 1
    keep[keep] = table.kinds(pdgid[keep]).visible
    columns = {
        key: np.asarray(getattr(particles, name))[keep]
        for key, name in (("px", "px"), ("py", "py"), ("pz", "pz"), ("energy", "e"))
    }
    stable = [particle for particle, kept in zip(event.particles, keep, strict=True) if kept]
    places = np.array([_position(particle.production_vertex) for particle in stable]).reshape(-1, 3)
    beams = [beam for beam in event.beams if beam.end_vertex is not None]
    origin = np.array(_position(beams[0].end_vertex)) if beams else np.zeros(3)
    vertices = (places - origin).T * length_unit(event)
    return {
        "event": np.full(keep.sum(), index),
        "pdgid": pdgid[keep],
        **{key: values * energy_unit(event) for key, values in columns.items()},
        "vx": vertices[0],
        "vy": vertices[1],
        "vz": vertices[2],
    }


def _refuse_late_decays(path: Path, event: Any, lifetime: Callable[[int], float], longest: float) -> None:
    """A particle that the other views leave whole must not have decayed here; copies and radiation are no decays."""
    identities = np.asarray(event.numpy.particles.pid)
    if (identities == np.iinfo(np.int32).min).any():  # without an antiparticle of 32 bits
        raise InputFileError(
            f"{path}: event {event.event_number} has a particle {identities.min()}, which PDG numbers none"
        )
    ended = np.asarray(event.numpy.particles.status) != 1
    late = [one for one in np.unique(identities[ended]) if lifetime(abs(int(one))) > longest]
    for index in np.flatnonzero(ended & np.isin(identities, late)):
        particle = event.particles[int(index)]
        vertex = particle.end_vertex
        if vertex is None or len(vertex.particles_in) != 1 or particle.pid in [out.pid for out in vertex.particles_out]:
            continue
        raise InputFileError(
            f"{path}: in event {event.event_number} a particle {particle.pid} with a c tau of "
            f"{lifetime(abs(particle.pid)):g} mm has decayed",
            allowed=f"decays of particles with a c tau up to {longest:g} mm, as in the other views",
            hint="set the longest lifetime of the other generator, or detector.v0_decays, which takes up to 1000 mm",
        )


def _position(vertex: Any) -> tuple[float, float, float]:
    if vertex is None:
        return 0.0, 0.0, 0.0
    place = vertex.position
    return place.x, place.y, place.z
