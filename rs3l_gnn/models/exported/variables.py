"""Quantities of candidates that a foreign network may ask for, from the 15 features and the axes of the jets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FEATURE_NAMES, delta_phi

__all__ = ["QUANTITIES", "WEAVER_NAMES", "Particles", "Quantity"]

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Particles:
    """Candidates of some jets.

    Attributes:
        features: in the order of ``conventions.FEATURES`` [n_particles, 15].
        jet: number of the jet of each candidate [n_particles].
        axes: eta and phi of the jets [n_jets, 2].
    """

    features: NDArray[np.floating]
    jet: NDArray[np.integer]
    axes: NDArray[np.floating]

    def feature(self, name: str) -> Values:
        """One of the features [n_particles]."""
        return np.asarray(self.features[:, FEATURE_NAMES.index(name)], dtype=np.float64)

    def eta(self) -> Values:
        """Pseudorapidity [n_particles]."""
        return np.asarray(self.feature("deta") + self.axes[self.jet, 0])

    def phi(self) -> Values:
        """Azimuth in (-pi, pi] [n_particles]."""
        return np.asarray(delta_phi(self.feature("dphi") + self.axes[self.jet, 1], 0.0))

    def pt(self) -> Values:
        """GeV [n_particles]."""
        return np.asarray(np.exp(self.feature("log_pt")))

    def away(self) -> Values:
        """Distance in eta from the axis, positive away from the middle of the detector [n_particles]."""
        return np.where(self.axes[self.jet, 0] < 0, -1.0, 1.0) * self.feature("deta")


@dataclass(frozen=True)
class Quantity:
    """One quantity.

    Attributes:
        needs: those of the 15 features that it is made of.
        of: gives it for candidates [n_particles].
    """

    needs: tuple[str, ...]
    of: Callable[[Particles], Values]


def _feature(name: str) -> Quantity:
    return Quantity((name,), lambda particles: particles.feature(name))


QUANTITIES: dict[str, Quantity] = {
    **{name: _feature(name) for name in FEATURE_NAMES},
    "mask": Quantity((), lambda particles: np.ones(len(particles.jet))),
    "deta_away": Quantity(("deta",), Particles.away),
    "pt": Quantity(("log_pt",), Particles.pt),
    "eta": Quantity(("deta",), Particles.eta),
    "phi": Quantity(("dphi",), Particles.phi),
    "px": Quantity(("log_pt", "dphi"), lambda particles: particles.pt() * np.cos(particles.phi())),
    "py": Quantity(("log_pt", "dphi"), lambda particles: particles.pt() * np.sin(particles.phi())),
    "pz": Quantity(("log_pt", "deta"), lambda particles: particles.pt() * np.sinh(particles.eta())),
    "energy": Quantity(("log_e",), lambda particles: np.asarray(np.exp(particles.feature("log_e")))),
}
"""By name: the 15 features; mask (1), deta_away, eta, phi; pt, px, py, pz, energy in GeV."""

WEAVER_NAMES = {
    "part_mask": "mask",
    "part_pt": "pt",
    "part_px": "px",
    "part_py": "py",
    "part_pz": "pz",
    "part_energy": "energy",
    "part_pt_log": "log_pt",
    "part_e_log": "log_e",
    "part_logptrel": "log_pt_rel",
    "part_logerel": "log_e_rel",
    # As in JetClass and the conversions beside ParT: mirrored for jets at negative eta.
    "part_deta": "deta_away",
    "part_dphi": "dphi",
    "part_deltaR": "delta_r",
    "part_charge": "charge",
    "part_isChargedHadron": "is_charged_hadron",
    "part_isNeutralHadron": "is_neutral_hadron",
    "part_isPhoton": "is_photon",
    "part_isElectron": "is_electron",
    "part_isMuon": "is_muon",
    "part_d0": "tanh_d0",
    "part_dz": "tanh_dz",
}
"""Names of weaver's examples for JetClass (arXiv:2202.03772) -> quantity."""
