"""Pile-up: minimum-bias collisions laid over the hard one.

A pool of collisions is made once; every view draws a Poisson number of them, turns each by a random angle about the
beam and puts it somewhere along it. The pool depends on the run's seed alone and the draw on the event and variation,
so that workers and chunks change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache

import numpy as np

from rs3l_gnn.conventions import SimulationError, Stage, pythia_seed
from rs3l_gnn.simulation.detector_config import PileupConfig
from rs3l_gnn.simulation.final_states import FinalStates
from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.particles import Particles, stable_particles
from rs3l_gnn.simulation.settings import COMMON, CP5, configure, started

__all__ = ["add_pileup", "minimum_bias"]


@lru_cache(maxsize=2)
def minimum_bias(
    n_events: int, seed: int, energy: float, abs_eta_max: float, decays: tuple[str, ...] = ()
) -> Particles:
    """Non-diffractive collisions of protons, with the tune of the hard events.

    Diffractive ones take long to initialise and leave little in reach of the jets: count them out of the mean.

    Args:
        n_events: collisions.
        seed: run seed.
        energy: centre-of-mass energy, GeV.
        abs_eta_max: largest |eta| of the particles kept.
        decays: settings for decays in flight.

    Raises:
        SimulationError: Pythia does not start, or rejects a collision.
    """
    stream = pythia_seed(seed, "pileup", 0, -1, Stage.PILEUP)
    collisions = (f"Beams:eCM={energy!r}", "SoftQCD:nonDiffractive=on", f"Random:seed={stream}")
    pythia = configure((*COMMON, *CP5, *decays, *collisions))
    started(pythia, f"minimum-bias collisions at {energy} GeV")
    found = FinalStates()
    rejected = 0
    for _ in range(n_events):
        if pythia.next():
            found.add(pythia.event)
        else:
            rejected += 1
    if rejected:
        raise SimulationError(f"Pythia rejected {rejected} of {n_events} minimum-bias collisions")
    return stable_particles(found.array(), ParticleTable(pythia.particleData), abs_eta_max=abs_eta_max)


def add_pileup(
    particles: Particles, pool: Particles, config: PileupConfig, generators: Sequence[np.random.Generator]
) -> Particles:
    """Lay collisions of the pool over each event.

    Args:
        particles: of the hard collisions.
        pool: as :func:`minimum_bias` gives it.
        config: mean number of collisions, and their spread.
        generators: one random generator for each event.

    Returns:
        Particles of both, sorted by event, those of the hard collision first; ``collision`` is 0 for these.
    """
    first = np.searchsorted(pool.event, np.arange(pool.n_events + 1))
    size = np.diff(first)
    events, picks, angles, shifts, collisions = [], [], [], [], []
    for event, generator in enumerate(generators):
        n = int(generator.poisson(config.mean))
        picks.append(generator.integers(pool.n_events, size=n))
        angles.append(generator.uniform(-np.pi, np.pi, size=n))
        shifts.append(generator.normal(0.0, config.beam_spot, size=n))
        events.append(np.full(n, event))
        collisions.append(np.arange(1, n + 1))
    pick, angle, shift = np.concatenate(picks), np.concatenate(angles), np.concatenate(shifts)
    counts = size[pick]
    # Row i of the k-th drawn collision is row first[pick[k]] + i of the pool.
    start = np.repeat(first[pick] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    rows = start + np.arange(counts.sum())
    turn = np.repeat(angle, counts)
    cosine, sine = np.cos(turn), np.sin(turn)
    over = Particles(
        event=np.repeat(np.concatenate(events), counts),
        pdgid=pool.pdgid[rows],
        charge=pool.charge[rows],
        px=cosine * pool.px[rows] - sine * pool.py[rows],
        py=sine * pool.px[rows] + cosine * pool.py[rows],
        pz=pool.pz[rows],
        energy=pool.energy[rows],
        vx=cosine * pool.vx[rows] - sine * pool.vy[rows],
        vy=sine * pool.vx[rows] + cosine * pool.vy[rows],
        vz=pool.vz[rows] + np.repeat(shift, counts),
        collision=np.repeat(np.concatenate(collisions), counts),
        n_events=particles.n_events,
    )
    columns = [field.name for field in fields(Particles) if field.name != "n_events"]
    both = {name: np.concatenate([getattr(particles, name), getattr(over, name)]) for name in columns}
    order = np.argsort(both["event"], kind="stable")
    return Particles(n_events=particles.n_events, **{name: values[order] for name, values in both.items()})
