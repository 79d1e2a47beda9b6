"""The 15 features of RS3L (arXiv:2403.07066), which everything uses that does not ask for others."""

from __future__ import annotations

import numpy as np

from rs3l_gnn.conventions.features.feature import Feature

__all__ = ["FEATURES", "FEATURE_NAMES", "IMPACT_FEATURES", "KINEMATIC_FEATURES"]

FEATURES = (
    Feature("log_pt", "log(pT/GeV)", "log pT", lambda p: np.log(p.pt)),
    Feature("log_pt_rel", "log(pT/pT_jet)", "log(pT / pT of the jet)", lambda p: np.log(p.pt / p.jet_pt)),
    Feature("deta", "1", "η - η of the jet", lambda p: p.deta),
    Feature("dphi", "rad", "φ - φ of the jet, in [-π, π)", lambda p: p.dphi),
    Feature("log_e", "log(E/GeV)", "log E", lambda p: np.log(p.energy)),
    Feature("log_e_rel", "log(E/E_jet)", "log(E / E of the jet)", lambda p: np.log(p.energy / p.jet_energy)),
    Feature("charge", "e", "charge", lambda p: p.charge),
    # Without a track there is no impact parameter; the published files hold exact zeros there.
    Feature(
        "tanh_d0",
        "tanh(d0/mm)",
        "tanh d0, 0 without a track",
        lambda p: np.where(p.charged, np.tanh(np.asarray(p.candidates.d0, dtype=np.float64)), 0.0),
        ("d0", "dz"),
    ),
    Feature(
        "tanh_dz",
        "tanh(dz/mm)",
        "tanh dz, 0 without a track",
        lambda p: np.where(p.charged, np.tanh(np.asarray(p.candidates.dz, dtype=np.float64)), 0.0),
        ("d0", "dz"),
    ),
    Feature("delta_r", "1", "√(deta² + dphi²)", lambda p: np.hypot(p.deta, p.dphi)),
    Feature("is_photon", "flag", "neutral, PDG number 22 (or CMS' 2)", lambda p: p.photon),
    Feature("is_muon", "flag", "charged, PDG number 13", lambda p: p.muon),
    Feature("is_electron", "flag", "charged, PDG number 11", lambda p: p.electron),
    Feature("is_charged_hadron", "flag", "any other charged one", lambda p: p.charged & ~p.muon & ~p.electron),
    Feature("is_neutral_hadron", "flag", "any other neutral one", lambda p: ~p.charged & ~p.photon),
)
FEATURE_NAMES = tuple(feature.name for feature in FEATURES)
KINEMATIC_FEATURES = ("log_pt", "log_pt_rel", "deta", "dphi", "log_e", "log_e_rel", "delta_r")
IMPACT_FEATURES = ("tanh_d0", "tanh_dz")
