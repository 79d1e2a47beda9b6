"""What one input of a network is: its name, unit and formula, and what it needs of a candidate and its jet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.kinematics import delta_phi

__all__ = ["PHOTON_IDS", "Candidates", "Feature", "JetAxes", "JetCandidates"]

PHOTON_IDS = (22, 2)
"""PDG numbers of photons; 2 is electromagnetic energy in CMS' forward calorimeter."""


@dataclass(frozen=True)
class Candidates:
    """Particle-flow candidates of all jets, one after another.

    All arrays have shape [n_particles]. pt and energy in GeV; charge in units of e; d0 and dz in mm, 0 where there
    is no track; pdgid as in the PDG numbering, plus CMS' 1 (forward hadron) and 2 (forward electromagnetic) and the
    published files' 0 (neutral hadron). ``more`` holds what further features need, by the name of the field; d0Err
    and dzErr are in mm, everything else as it is stored.
    """

    pt: NDArray[np.floating]
    eta: NDArray[np.floating]
    phi: NDArray[np.floating]
    energy: NDArray[np.floating]
    charge: NDArray[np.generic]
    pdgid: NDArray[np.integer]
    d0: NDArray[np.floating]
    dz: NDArray[np.floating]
    more: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)


@dataclass(frozen=True)
class JetAxes:
    """Jet kinematics that the features refer to; arrays of shape [n_jets], pt and energy in GeV."""

    pt: NDArray[np.floating]
    eta: NDArray[np.floating]
    phi: NDArray[np.floating]
    energy: NDArray[np.floating]


class JetCandidates:
    """Candidates and the jet of each, as features see them; float64 [n_particles], computed when first asked for.

    Args:
        candidates: all candidates, arrays [n_particles].
        jets: their jets, arrays [n_jets].
        counts: candidates of each jet [n_jets].

    Attributes:
        candidates: as given.
    """

    def __init__(self, candidates: Candidates, jets: JetAxes, counts: NDArray[np.int64]) -> None:
        self.candidates, self._jets, self._counts = candidates, jets, counts

    def __len__(self) -> int:
        return len(self.candidates.pt)

    @cached_property
    def pt(self) -> NDArray[np.float64]:
        """Transverse momentum, GeV."""
        return np.asarray(self.candidates.pt, dtype=np.float64)

    @cached_property
    def energy(self) -> NDArray[np.float64]:
        """Energy, GeV."""
        return np.asarray(self.candidates.energy, dtype=np.float64)

    @cached_property
    def jet_pt(self) -> NDArray[np.float64]:
        """Transverse momentum of the jet, GeV."""
        return self._of_jet(self._jets.pt)

    @cached_property
    def jet_energy(self) -> NDArray[np.float64]:
        """Energy of the jet, GeV."""
        return self._of_jet(self._jets.energy)

    @cached_property
    def deta(self) -> NDArray[np.float64]:
        """Pseudorapidity less that of the jet."""
        return np.asarray(self.candidates.eta, dtype=np.float64) - self._of_jet(self._jets.eta)

    @cached_property
    def dphi(self) -> NDArray[np.float64]:
        """Azimuth less that of the jet, in [-pi, pi)."""
        return np.asarray(delta_phi(self.candidates.phi, self._of_jet(self._jets.phi)))

    @cached_property
    def charge(self) -> NDArray[np.float64]:
        """Charge in units of e."""
        return np.asarray(self.candidates.charge, dtype=np.float64)

    @cached_property
    def charged(self) -> NDArray[np.bool_]:
        """True for charged candidates."""
        return np.asarray(self.charge != 0)

    @cached_property
    def photon(self) -> NDArray[np.bool_]:
        """True for neutral candidates with the number of a photon."""
        return np.asarray(np.logical_or.reduce([self._kind == one for one in PHOTON_IDS]) & ~self.charged)

    @cached_property
    def muon(self) -> NDArray[np.bool_]:
        """True for charged candidates with the number of a muon."""
        return np.asarray(self._kind == 13) & self.charged

    @cached_property
    def electron(self) -> NDArray[np.bool_]:
        """True for charged candidates with the number of an electron."""
        return np.asarray(self._kind == 11) & self.charged

    def more(self, name: str) -> NDArray[np.float64]:
        """A further field of the candidates, one of those that the feature says it needs."""
        return np.asarray(self.candidates.more[name], dtype=np.float64)

    @cached_property
    def _kind(self) -> NDArray[np.integer]:
        return np.abs(np.asarray(self.candidates.pdgid))

    def _of_jet(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.repeat(np.asarray(values, dtype=np.float64), self._counts)


@dataclass(frozen=True)
class Feature:
    """One input of a network.

    Attributes:
        name: chosen by, in configurations, files and checkpoints.
        unit: as checkpoints hold it; a checkpoint of another unit is refused.
        formula: for people.
        compute: gives its values, numbers or flags [n_particles].
        fields: of the candidates that it needs beside pt, eta, phi, mass, charge and pdgId, by PFNano's names (d0, dz,
            d0Err, puppiWeight, ...). A format that lacks one cannot give the feature.
    """

    name: str
    unit: str
    formula: str
    compute: Callable[[JetCandidates], NDArray[np.generic]]
    fields: tuple[str, ...] = ()
