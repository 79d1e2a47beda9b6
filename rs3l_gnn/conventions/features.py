"""The 15 particle features of RS3L (arXiv:2403.07066): names, units, order, and the one function that computes them.

Simulation, training and the coffea processors all call :func:`candidate_features`; nothing else computes a feature.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.errors import InvalidDataError
from rs3l_gnn.conventions.jagged import offsets_of, parents_of
from rs3l_gnn.conventions.kinematics import delta_phi

__all__ = [
    "FEATURES",
    "FEATURE_NAMES",
    "IMPACT_FEATURES",
    "KINEMATIC_FEATURES",
    "MAX_CANDIDATES",
    "PHOTON_IDS",
    "Candidates",
    "Feature",
    "JetAxes",
    "candidate_features",
    "check_offsets",
    "hardest_candidates",
]

MAX_CANDIDATES = 100
"""Candidates kept for each jet, the hardest by pT (design of the published data set)."""


@dataclass(frozen=True)
class Feature:
    """One input of the network: its name and its unit."""

    name: str
    unit: str


FEATURES = (
    Feature("log_pt", "log(pT/GeV)"),
    Feature("log_pt_rel", "log(pT/pT_jet)"),
    Feature("deta", "1"),
    Feature("dphi", "rad"),
    Feature("log_e", "log(E/GeV)"),
    Feature("log_e_rel", "log(E/E_jet)"),
    Feature("charge", "e"),
    Feature("tanh_d0", "tanh(d0/mm)"),
    Feature("tanh_dz", "tanh(dz/mm)"),
    Feature("delta_r", "1"),
    Feature("is_photon", "flag"),
    Feature("is_muon", "flag"),
    Feature("is_electron", "flag"),
    Feature("is_charged_hadron", "flag"),
    Feature("is_neutral_hadron", "flag"),
)
FEATURE_NAMES = tuple(feature.name for feature in FEATURES)
KINEMATIC_FEATURES = ("log_pt", "log_pt_rel", "deta", "dphi", "log_e", "log_e_rel", "delta_r")
IMPACT_FEATURES = ("tanh_d0", "tanh_dz")

PHOTON_IDS = (22, 2)
"""PDG numbers of photons; 2 is electromagnetic energy in CMS' forward calorimeter."""


@dataclass(frozen=True)
class Candidates:
    """Particle-flow candidates of all jets, one after another.

    All arrays have shape [n_particles]. pt and energy in GeV; charge in units of e; d0 and dz in mm, 0 where there
    is no track; pdgid as in the PDG numbering, plus CMS' 1 (forward hadron) and 2 (forward electromagnetic) and the
    published files' 0 (neutral hadron).
    """

    pt: NDArray[np.floating]
    eta: NDArray[np.floating]
    phi: NDArray[np.floating]
    energy: NDArray[np.floating]
    charge: NDArray[np.generic]
    pdgid: NDArray[np.integer]
    d0: NDArray[np.floating]
    dz: NDArray[np.floating]


@dataclass(frozen=True)
class JetAxes:
    """Jet kinematics that the features refer to; arrays of shape [n_jets], pt and energy in GeV."""

    pt: NDArray[np.floating]
    eta: NDArray[np.floating]
    phi: NDArray[np.floating]
    energy: NDArray[np.floating]


def check_offsets(offsets: NDArray[np.integer], n_particles: int) -> NDArray[np.int64]:
    """Return ``offsets`` as int64 after checking that they cut ``n_particles`` particles into jets.

    Raises:
        InvalidDataError: not one-dimensional, not starting at 0, decreasing (the jet is named), or a wrong end.
    """
    offsets = np.asarray(offsets)
    if offsets.ndim != 1 or len(offsets) == 0 or not np.issubdtype(offsets.dtype, np.integer):
        raise InvalidDataError("offsets must be integers of shape [n_jets + 1]", got=f"{offsets.dtype} {offsets.shape}")
    steps = np.diff(offsets.astype(np.int64))
    if (steps < 0).any():
        jet = int(np.argmax(steps < 0))
        raise InvalidDataError(f"offsets decrease at jet {jet}", got=f"{offsets[jet]} -> {offsets[jet + 1]}")
    if offsets[0] != 0 or offsets[-1] != n_particles:
        raise InvalidDataError(
            f"offsets must run from 0 to the number of particles {n_particles}",
            got=f"{offsets[0]} .. {offsets[-1]}",
        )
    return offsets.astype(np.int64, copy=False)


def hardest_candidates(
    pt: NDArray[np.floating], offsets: NDArray[np.int64], maximum: int = MAX_CANDIDATES
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order the candidates of each jet by falling pT and keep at most ``maximum``.

    Args:
        pt: transverse momenta [n_particles].
        offsets: first candidate of each jet [n_jets + 1].

    Returns:
        Indices into the candidates [n_kept], and the new offsets [n_jets + 1]. Ties keep their order.
    """
    counts = np.diff(offsets)
    jet = parents_of(counts)
    order = np.lexsort((-np.asarray(pt), jet))  # stable, so equal pT keep their order
    rank = np.arange(len(order)) - np.repeat(offsets[:-1], counts)
    kept = np.minimum(counts, maximum)
    return order[rank < maximum].astype(np.int64), offsets_of(kept)


def candidate_features(candidates: Candidates, jets: JetAxes, offsets: NDArray[np.integer]) -> NDArray[np.float32]:
    """Compute the 15 features of every candidate.

    Args:
        candidates: all candidates, arrays [n_particles].
        jets: the axes the features refer to, arrays [n_jets].
        offsets: first candidate of each jet [n_jets + 1].

    Returns:
        Features [n_particles, 15] in the order of :data:`FEATURES`.

    Raises:
        InvalidDataError: a candidate or a jet with pT or energy that is not positive, or a value that is not finite.
    """
    offsets = check_offsets(offsets, len(candidates.pt))
    counts = np.diff(offsets)
    for name in ("pt", "energy"):
        _require_positive(f"candidate {name}", getattr(candidates, name))
        _require_positive(f"jet {name}", np.where(counts > 0, getattr(jets, name), 1.0))

    def of_jet(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.repeat(np.asarray(values, dtype=np.float64), counts)

    pt = np.asarray(candidates.pt, dtype=np.float64)
    energy = np.asarray(candidates.energy, dtype=np.float64)
    charge = np.asarray(candidates.charge, dtype=np.float64)
    kind = np.abs(np.asarray(candidates.pdgid))
    deta = np.asarray(candidates.eta, dtype=np.float64) - of_jet(jets.eta)
    dphi = delta_phi(candidates.phi, of_jet(jets.phi))
    charged = charge != 0
    photon = np.isin(kind, PHOTON_IDS) & ~charged
    muon = (kind == 13) & charged
    electron = (kind == 11) & charged
    out = np.stack(
        [
            np.log(pt),
            np.log(pt / of_jet(jets.pt)),
            deta,
            dphi,
            np.log(energy),
            np.log(energy / of_jet(jets.energy)),
            charge,
            # Without a track there is no impact parameter; the published files hold exact zeros there.
            np.where(charged, np.tanh(np.asarray(candidates.d0, dtype=np.float64)), 0.0),
            np.where(charged, np.tanh(np.asarray(candidates.dz, dtype=np.float64)), 0.0),
            np.hypot(deta, dphi),
            photon,
            muon,
            electron,
            charged & ~muon & ~electron,
            ~charged & ~photon,
        ],
        axis=1,
    ).astype(np.float32)
    if not np.isfinite(out).all():
        particle, feature = (int(i) for i in np.argwhere(~np.isfinite(out))[0])
        jet = int(np.searchsorted(offsets, particle, side="right")) - 1
        raise InvalidDataError(
            f"{FEATURE_NAMES[feature]!r} of candidate {particle - int(offsets[jet])} in jet {jet} is not finite",
            got=out[particle, feature],
        )
    return out


def _require_positive(what: str, values: NDArray[np.floating]) -> None:
    wrong = ~(np.asarray(values) > 0)  # negated, so that NaN is caught too
    if wrong.any():
        index = int(np.argmax(wrong))
        raise InvalidDataError(f"{what} must be > 0 (entry {index}, {int(wrong.sum())} in all)", got=values[index])
