"""Stable particles of many events as columns, from Pythia's awkward arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import pseudorapidity
from rs3l_gnn.conventions.jagged import offsets_of, parents_of
from rs3l_gnn.simulation.particle_table import ParticleTable

__all__ = ["Particles", "stable_particles"]


@dataclass(frozen=True)
class Particles:
    """Visible stable particles, event after event; arrays [n_particles].

    Attributes:
        event: number of the event within the batch, rising.
        pdgid: PDG identity by which the detector treats it.
        charge: in units of e.
        px, py, pz, energy: GeV.
        vx, vy, vz: production point in mm, the hard collision at the origin.
        collision: 0 for the hard collision, from 1 on for pile-up.
        n_events: length of the batch, events without particles included.
    """

    event: NDArray[np.int64]
    pdgid: NDArray[np.int32]
    charge: NDArray[np.int8]
    px: NDArray[np.float64]
    py: NDArray[np.float64]
    pz: NDArray[np.float64]
    energy: NDArray[np.float64]
    vx: NDArray[np.float64]
    vy: NDArray[np.float64]
    vz: NDArray[np.float64]
    collision: NDArray[np.int64]
    n_events: int

    def __len__(self) -> int:
        return len(self.event)

    @cached_property
    def pt(self) -> NDArray[np.float64]:
        """Transverse momenta, GeV."""
        return np.hypot(self.px, self.py)

    @cached_property
    def eta(self) -> NDArray[np.float64]:
        """Pseudorapidities; particles along the beam axis are not in here."""
        return pseudorapidity(self.px, self.py, self.pz)

    @cached_property
    def phi(self) -> NDArray[np.float64]:
        """Azimuths, rad."""
        return np.arctan2(self.py, self.px)

    def where(self, selected: NDArray[np.generic]) -> Particles:
        """The selected particles (a mask, or indices)."""
        columns = {f.name: getattr(self, f.name)[selected] for f in fields(self) if f.name != "n_events"}
        return replace(self, **columns)


def stable_particles(batch: ak.Array, table: ParticleTable, *, abs_eta_max: float) -> Particles:
    """Select what a detector can see.

    Args:
        batch: events as :meth:`rs3l_gnn.simulation.shower.Shower.run` gives them; None counts as an empty event.
        table: tells which kinds of particles are visible, and their charges.
        abs_eta_max: largest |eta|.

    Raises:
        SimulationError: a stable particle of a kind that Pythia does not know.
    """
    counts = ak.to_numpy(ak.fill_none(ak.num(batch.prt, axis=1), 0))
    records = ak.flatten(ak.drop_none(batch.prt))
    # Places among all entries, most of which have decayed: what is read of them is read once, of the selected ones.
    stable = np.flatnonzero(ak.to_numpy(records.status) > 0)
    kinds = table.kinds(ak.to_numpy(records.id)[stable])
    seen = np.flatnonzero(kinds.visible)
    px, py, pz = (ak.to_numpy(records.p[name])[stable[seen]] for name in ("px", "py", "pz"))
    inside = np.flatnonzero(np.abs(pz) < np.sinh(abs_eta_max) * np.hypot(px, py))
    seen, px, py, pz = seen[inside], px[inside], py[inside], pz[inside]
    places = stable[seen]
    vx, vy, vz = _vertices(records.vProd[places])
    return Particles(
        event=parents_of(np.diff(np.searchsorted(places, offsets_of(counts)))),
        pdgid=kinds.seen_as[seen],
        charge=kinds.charge[seen],
        px=px,
        py=py,
        pz=pz,
        energy=ak.to_numpy(records.p["e"])[places],
        vx=vx,
        vy=vy,
        vz=vz,
        collision=np.zeros(len(places), dtype=np.int64),
        n_events=len(batch),
    )


def _vertices(vertices: ak.Array) -> NDArray[np.float64]:
    """Coordinates [3, n_particles], 0 for None."""
    known, found = ~ak.to_numpy(ak.is_none(vertices)), ak.drop_none(vertices)
    coordinates = np.zeros((3, len(vertices)))
    for row, name in zip(coordinates, ("px", "py", "pz"), strict=True):
        row[known] = ak.to_numpy(found[name])
    return coordinates
