"""From stable particles to particle-flow candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.simulation.calorimeter import Clusters, Deposits, measure_clusters
from rs3l_gnn.simulation.detector_config import CylinderConfig, DetectorConfig
from rs3l_gnn.simulation.flight import directions_at
from rs3l_gnn.simulation.particles import Particles
from rs3l_gnn.simulation.tracker import Tracks, reconstruct_tracks

__all__ = ["FlowCandidates", "detect"]

_ELECTRON, _MUON = 11, 13
_PHOTON, _NEUTRAL_HADRON, _FORWARD_HADRON, _FORWARD_PHOTON = 22, 130, 1, 2
_MASSES = {_ELECTRON: 0.000510999, _MUON: 0.105658, 211: 0.139570}  # GeV, PDG 2022


@dataclass(frozen=True)
class FlowCandidates:
    """Particle-flow candidates, sorted by event; arrays [n_candidates].

    pt and mass in GeV, phi in rad, d0 and dz in mm and NaN without a track; pdgid as CMS numbers candidates.
    """

    event: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    mass: NDArray[np.float64]
    charge: NDArray[np.int32]
    pdgid: NDArray[np.int32]
    d0: NDArray[np.float64]
    dz: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.event)

    def where(self, selected: NDArray[np.generic]) -> FlowCandidates:
        """The selected candidates (a mask, or indices)."""
        return FlowCandidates(*(getattr(self, field.name)[selected] for field in fields(self)))


def detect(particles: Particles, config: DetectorConfig, generators: Sequence[np.random.Generator]) -> FlowCandidates:
    """Respond to the particles of a batch of events.

    Args:
        particles: stable visible particles.
        config: numbers of the detector.
        generators: one random generator for each event of the batch; an event's response depends on its own alone.
    """
    uniform, normal = _draw(particles, generators)
    tracks = reconstruct_tracks(particles, config.tracker, uniform, normal[:, :3], magnetic_field=config.magnetic_field)
    track_energy = np.zeros(len(particles))
    # What is subtracted from a calorimeter is the measured momentum, with the direction of the particle.
    track_energy[tracks.particle] = tracks.pt * np.cosh(tracks.eta)
    # The vertex of a far collision is found, and its charged candidates go; what they left in the cells stays.
    far = (particles.collision > 0) & (np.abs(_vertex_z(particles)) > config.pileup.vertex_distance)
    parts = [_charged(particles, tracks).where(~far[tracks.particle])]
    reaches = (particles.charge == 0) | (particles.pt > config.tracker.reach_pt)
    hits = np.flatnonzero(reaches & (np.abs(particles.pdgid) != _MUON))
    deposits = _deposits(particles.where(hits), config.calorimeter_face, track_energy[hits], normal[hits, 3:])
    kind = np.abs(particles.pdgid[hits])
    electromagnetic = (kind == _PHOTON) | (kind == _ELECTRON)
    for deposited, calorimeter, identity, forward in (
        (electromagnetic, config.ecal, _PHOTON, _FORWARD_PHOTON),
        (~electromagnetic, config.hcal, _NEUTRAL_HADRON, _FORWARD_HADRON),
    ):
        clusters = measure_clusters(deposits.where(np.flatnonzero(deposited)), calorimeter)
        parts.append(_neutral(clusters, identity, forward, config.forward_eta))
    joined = FlowCandidates(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(FlowCandidates))
    )
    kept = np.flatnonzero((joined.pt > config.pt_min) & (np.abs(joined.eta) < config.abs_eta_max))
    return joined.where(kept[np.argsort(joined.event[kept], kind="stable")])


def _deposits(
    particles: Particles,
    face: CylinderConfig | None,
    track_energy: NDArray[np.float64],
    normal: NDArray[np.float64],
) -> Deposits:
    eta, phi = directions_at(particles, face)
    return Deposits(particles.event, eta, phi, particles.energy, track_energy, normal)


def _vertex_z(particles: Particles) -> NDArray[np.float64]:
    """Place of each particle's collision along the beam in mm, where the particle nearest to the beam starts."""
    vertex = np.zeros(len(particles))
    over = np.flatnonzero(particles.collision > 0)
    if len(over) == 0:
        return vertex
    key = particles.event[over] * (particles.collision.max() + 1) + particles.collision[over]
    radius = np.hypot(particles.vx[over], particles.vy[over])
    order = np.lexsort((radius, key))
    _, first, place = np.unique(key[order], return_index=True, return_inverse=True)
    vertex[over[order]] = particles.vz[over[order]][first][place]
    return vertex


def _draw(
    particles: Particles, generators: Sequence[np.random.Generator]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    uniform, normal = np.empty((len(particles), 2)), np.empty((len(particles), 6))
    first = np.searchsorted(particles.event, np.arange(particles.n_events + 1))
    for event, generator in enumerate(generators):
        rows = slice(first[event], first[event + 1])
        generator.random(out=uniform[rows])
        generator.standard_normal(out=normal[rows])
    return uniform, normal


def _charged(particles: Particles, tracks: Tracks) -> FlowCandidates:
    kind = np.abs(tracks.pdgid)
    mass = np.select([kind == number for number in _MASSES], list(_MASSES.values()))
    return FlowCandidates(
        event=particles.event[tracks.particle],
        pt=tracks.pt,
        eta=tracks.eta,
        phi=tracks.phi,
        mass=mass,
        charge=particles.charge[tracks.particle].astype(np.int32),
        pdgid=tracks.pdgid,
        d0=tracks.d0,
        dz=tracks.dz,
    )


def _neutral(clusters: Clusters, identity: int, forward: int, forward_eta: float) -> FlowCandidates:
    n = len(clusters.event)
    return FlowCandidates(
        event=clusters.event,
        pt=clusters.energy / np.cosh(clusters.eta),
        eta=clusters.eta,
        phi=clusters.phi,
        mass=np.zeros(n),
        charge=np.zeros(n, dtype=np.int32),
        pdgid=np.where(np.abs(clusters.eta) > forward_eta, forward, identity).astype(np.int32),
        d0=np.full(n, np.nan),
        dz=np.full(n, np.nan),
    )
