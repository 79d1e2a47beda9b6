"""Features of particles, the inputs of networks: each defined once, with its unit, its formula and what it needs."""

from rs3l_gnn.conventions.features.candidates import (
    MAX_CANDIDATES,
    candidate_features,
    check_offsets,
    hardest_candidates,
)
from rs3l_gnn.conventions.features.catalogue import (
    FEATURE_SETS,
    column_names,
    columns_of,
    feature_names,
    find_feature,
    known_features,
    unit_of,
)
from rs3l_gnn.conventions.features.feature import PHOTON_IDS, Candidates, Feature, JetAxes, JetCandidates
from rs3l_gnn.conventions.features.paper import FEATURE_NAMES, FEATURES, IMPACT_FEATURES, KINEMATIC_FEATURES

__all__ = [
    "FEATURES",
    "FEATURE_NAMES",
    "FEATURE_SETS",
    "IMPACT_FEATURES",
    "KINEMATIC_FEATURES",
    "MAX_CANDIDATES",
    "PHOTON_IDS",
    "Candidates",
    "Feature",
    "JetAxes",
    "JetCandidates",
    "candidate_features",
    "check_offsets",
    "column_names",
    "columns_of",
    "feature_names",
    "find_feature",
    "hardest_candidates",
    "known_features",
    "unit_of",
]
