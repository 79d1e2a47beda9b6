"""Decays in flight of particles that another generator left whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pythia8mc
from numpy.typing import NDArray

from rs3l_gnn.simulation.particles import Particles
from rs3l_gnn.simulation.settings import configure, started

__all__ = ["InFlightDecays"]

_STATUS = 84  # of a primary hadron
_COLUMNS = tuple(field.name for field in fields(Particles) if field.name != "n_events")


class InFlightDecays:
    """Pythia's particle decays alone: the same lifetimes, channels and volume as for its own events.

    Args:
        settings: Pythia settings, the later ones win; those of ``ParticleDecays`` matter.

    Raises:
        SimulationError: Pythia refuses a setting or does not start.
    """

    def __init__(self, settings: Sequence[str]) -> None:
        self._pythia = configure((*settings, "ProcessLevel:all=off"))
        started(self._pythia, f"settings {', '.join(settings)}")
        self._data = self._pythia.particleData
        self._longest = self._pythia.settings.parm("ParticleDecays:tau0Max")

    def run(self, particles: Particles, seeds: Sequence[int]) -> Particles:
        """Let particles decay where their proper time ends, if that lies within the volume.

        Args:
            particles: of a batch of events; charged ones fly straight.
            seeds: a seed for each event, in [1, 900 000 000).

        Returns:
            The particles that remain, in their order, behind them in each event the visible products.
        """
        unstable = self._decays(particles.pdgid)
        if not unstable.any():
            return particles
        rows = np.flatnonzero(unstable)
        first = np.searchsorted(particles.event[rows], np.arange(particles.n_events + 1))
        products = [
            product
            for event in np.unique(particles.event[rows])
            for product in self._event(particles, rows[first[event] : first[event + 1]], seeds[event])
        ]
        kept = particles.where(~unstable)
        columns = {}
        for place, name in enumerate(_COLUMNS):
            old = getattr(kept, name)
            new = np.array([product[place] for product in products], dtype=old.dtype)
            columns[name] = np.concatenate([old, new])
        order = np.argsort(columns["event"], kind="stable")
        return Particles(n_events=particles.n_events, **{name: values[order] for name, values in columns.items()})

    def _decays(self, identities: NDArray[np.integer]) -> NDArray[np.bool_]:
        known, places = np.unique(identities, return_inverse=True)
        data = self._data
        free = [
            bool(data.canDecay(one) and data.mayDecay(one) and data.tau0(one) <= self._longest)
            for one in map(int, known)
        ]
        return np.array(free, dtype=np.bool_)[places]

    def _event(self, particles: Particles, rows: NDArray[np.int64], seed: int) -> list[tuple[Any, ...]]:
        """Products of one event, and what has left the volume whole, as rows of Particles."""
        record, random = self._pythia.event, self._pythia.rndm
        record.reset()
        random.init(seed)
        for row in rows:
            identity = int(particles.pdgid[row])
            momentum = [float(getattr(particles, name)[row]) for name in ("px", "py", "pz", "energy")]
            mass = float(np.sqrt(max(momentum[3] ** 2 - sum(part**2 for part in momentum[:3]), 0.0)))
            entry = record[record.append(identity, _STATUS, 0, 0, *momentum, mass)]
            place = [float(getattr(particles, name)[row]) for name in ("vx", "vy", "vz")]
            entry.vProd(pythia8mc.Vec4(*place, 0.0))
            entry.tau(entry.tau0() * random.exp())
        self._pythia.moreDecays()
        event, collision = int(particles.event[rows[0]]), int(particles.collision[rows[0]])
        products = []
        for one in record:
            if one.isFinal() and one.isVisible():
                four = (one.px(), one.py(), one.pz(), one.e())
                origin = (one.xProd(), one.yProd(), one.zProd())
                products.append((event, one.id(), round(one.charge()), *four, *origin, collision))
        return products
