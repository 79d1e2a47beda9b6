"""Calorimeters: neighbours that share a cell become one cluster, and tracks are subtracted from it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import delta_phi
from rs3l_gnn.simulation.detector_config import CalorimeterConfig

__all__ = ["Clusters", "Deposits", "measure_clusters"]

_MAX_CELLS = 1 << 12  # cells of one ring in phi, and in eta: more than 5 / 0.0174 and 2 pi / 0.0174


@dataclass(frozen=True)
class Deposits:
    """Energy that reaches a calorimeter; arrays [n_deposits].

    Attributes:
        event: rising.
        eta, phi: direction, phi in rad.
        energy: true energy, GeV.
        track_energy: energy of the track that belongs to it, GeV; 0 where there is none.
        normal: normal random numbers [n_deposits, 3]: energy, eta, phi; a cluster takes those of its first deposit.
    """

    event: NDArray[np.int64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    energy: NDArray[np.float64]
    track_energy: NDArray[np.float64]
    normal: NDArray[np.float64]

    def where(self, selected: NDArray[np.generic]) -> Deposits:
        """The selected deposits (a mask, or indices)."""
        return Deposits(*(getattr(self, field.name)[selected] for field in fields(self)))


@dataclass(frozen=True)
class Clusters:
    """Neutral energy; arrays [n_clusters], sorted by event; energy in GeV, phi in rad."""

    event: NDArray[np.int64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    energy: NDArray[np.float64]


def measure_clusters(deposits: Deposits, config: CalorimeterConfig) -> Clusters:
    """Smear the energy of each cell and keep what the tracks do not explain.

    sigma(E)/E = S/sqrt(E) (+) N/E (+) C (quadratic sum), drawn from a log-normal of that mean and width, which stays
    positive where the relative width is large. With tracks in the cell, an excess counts when it is larger than
    ``significance`` times sigma(E) (the way of particle flow, arXiv:1706.04965, section 3.5).
    """
    ring, eta_cell, phi_cell, size = _cells(deposits, config)
    key = ((deposits.event * len(config.regions) + ring) * _MAX_CELLS + eta_cell) * _MAX_CELLS + phi_cell
    _, first, cell = np.unique(key, return_index=True, return_inverse=True)
    n_cells = len(first)

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(cell, weights=values, minlength=n_cells).astype(np.float64, copy=False)

    energy, tracks = total(deposits.energy), total(deposits.track_energy)
    region = ring[first]
    sigma = energy * _relative_width(energy, region, config)
    normal = deposits.normal[first]
    width = np.sqrt(np.log1p((sigma / energy) ** 2))
    measured = energy * np.exp(width * normal[:, 0] - width**2 / 2)
    excess = measured - tracks
    kept = (excess > 0) & ((tracks == 0) | (excess > config.significance * sigma))
    # Directions relative to the first deposit, so that cells at phi = pi average well; neutral ones count, if any do.
    neutral = np.where(deposits.track_energy == 0, deposits.energy, 0.0)
    weight = np.where(total(neutral)[cell] > 0, neutral, deposits.energy)
    norm = total(weight)
    eta = total(weight * deposits.eta) / norm + config.position * size[first] * normal[:, 1]
    turn = total(weight * delta_phi(deposits.phi, deposits.phi[first][cell])) / norm
    phi = delta_phi(deposits.phi[first] + turn + config.position * size[first] * normal[:, 2], 0.0)
    return Clusters(event=deposits.event[first][kept], eta=eta[kept], phi=phi[kept], energy=excess[kept])


def _cells(
    deposits: Deposits, config: CalorimeterConfig
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    edges = np.array([region.abs_eta_max for region in config.regions])
    ring = np.minimum(np.searchsorted(edges, np.abs(deposits.eta)), len(edges) - 1)
    size = np.array([region.cell for region in config.regions])[ring]
    n_phi = np.round(2 * np.pi / size)
    eta_cell = np.floor(deposits.eta / size).astype(np.int64) + _MAX_CELLS // 2
    phi_cell = np.floor((delta_phi(deposits.phi, 0.0) + np.pi) / (2 * np.pi) * n_phi).astype(np.int64)
    return ring, eta_cell, phi_cell, size


def _relative_width(
    energy: NDArray[np.float64], region: NDArray[np.int64], config: CalorimeterConfig
) -> NDArray[np.float64]:
    def of(name: str) -> NDArray[np.float64]:
        return np.array([getattr(ring, name) for ring in config.regions])[region]

    return np.sqrt(of("stochastic") ** 2 / energy + (of("noise") / energy) ** 2 + of("constant") ** 2)
