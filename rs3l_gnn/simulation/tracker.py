"""Tracks: efficiency, resolution of momentum and impact parameters, identification."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.simulation.detector_config import TrackerConfig
from rs3l_gnn.simulation.flight import perigee
from rs3l_gnn.simulation.particles import Particles

__all__ = ["Tracks", "reconstruct_tracks"]

_ELECTRON, _MUON, _PION = 11, 13, 211


@dataclass(frozen=True)
class Tracks:
    """Tracks; arrays [n_tracks].

    Attributes:
        particle: index of the particle.
        pt: measured transverse momentum, GeV.
        pdgid: 11, 13 or 211 with the sign of the charge as in the PDG numbering.
        d0, dz: measured impact parameters, mm.
        eta: pseudorapidity of the particle.
        phi: direction where the track is nearest to the beam, rad; its resolution is far below the size of a jet.
    """

    particle: NDArray[np.int64]
    pt: NDArray[np.float64]
    pdgid: NDArray[np.int32]
    d0: NDArray[np.float64]
    dz: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]


def reconstruct_tracks(
    particles: Particles,
    config: TrackerConfig,
    uniform: NDArray[np.float64],
    normal: NDArray[np.float64],
    *,
    magnetic_field: float,
) -> Tracks:
    """Tracks of the charged particles.

    Args:
        particles: all particles.
        config: numbers of the tracker.
        uniform: random numbers in [0, 1) [n_particles, 2], for efficiency and identification.
        normal: normal random numbers [n_particles, 3], for pT, d0 and dz.
        magnetic_field: T, along the beam.
    """
    edges = np.array([region.abs_eta_max for region in config.regions])
    able = np.flatnonzero((particles.charge != 0) & (particles.pt > config.reach_pt))
    particles = particles.where(able)
    ring = np.searchsorted(edges, np.abs(particles.eta))
    inside, ring = ring < len(edges), np.minimum(ring, len(edges) - 1)
    kind = np.abs(particles.pdgid)

    def by_ring(name: str) -> NDArray[np.float64]:
        return np.array([getattr(region, name) for region in config.regions])[ring]

    efficiency = np.where(
        kind == _ELECTRON,
        by_ring("electron_efficiency"),
        np.where(kind == _MUON, by_ring("muon_efficiency"), by_ring("efficiency")),
    )
    reconstructed = np.flatnonzero(inside & (uniform[able, 0] < efficiency * _displaced(particles, config)))
    found = able[reconstructed]
    particles, kind, ring = particles.where(reconstructed), kind[reconstructed], ring[reconstructed]
    normal, identification = normal[found], uniform[found, 1]
    charge = particles.charge.astype(np.int32)
    pt = particles.pt
    resolution = np.hypot(by_ring("pt_constant"), by_ring("pt_linear") * pt)
    true = perigee(particles, magnetic_field)
    sine = 1 / np.cosh(particles.eta)
    momentum = pt / sine
    d0 = true.d0 + normal[:, 1] * np.hypot(config.d0_constant, config.d0_scattering / (momentum * sine**1.5))
    dz = true.dz + normal[:, 2] * np.hypot(config.dz_constant, config.dz_scattering / (momentum * sine**2.5))
    chance = np.where(kind == _ELECTRON, config.electron_identification, config.muon_identification)
    lepton = ((kind == _ELECTRON) | (kind == _MUON)) & (identification < chance)
    # Leptons with positive numbers are negative, hadrons with positive numbers are positive.
    pdgid = np.where(lepton, -kind * charge, _PION * charge)
    # A resolution of many sigma would turn the track around; it stays a track of at least a tenth of its pT.
    measured = pt * np.maximum(1 + resolution * normal[:, 0], 0.1)
    return Tracks(
        particle=found, pt=measured, pdgid=pdgid.astype(np.int32), d0=d0, dz=dz, eta=particles.eta, phi=true.phi
    )


def _displaced(particles: Particles, config: TrackerConfig) -> NDArray[np.float64]:
    """Factor on the efficiency by the radius at which a particle starts [n_particles]."""
    if not config.displaced_efficiency:
        return np.ones(len(particles))
    radii, factors = zip(*config.displaced_efficiency, strict=True)
    return np.asarray(np.interp(np.hypot(particles.vx, particles.vy), radii, factors, right=0.0))
