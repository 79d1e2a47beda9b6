"""What every room agrees on: features, variations, jet types, random streams, configuration, errors and outputs.

Nothing in here imports torch.
"""

from rs3l_gnn.conventions.baseline import n2_score
from rs3l_gnn.conventions.config import BaseConfig, dump_config, load_config, parse_config
from rs3l_gnn.conventions.domain import PUBLISHED_JETS, JetDomain, merge_domains
from rs3l_gnn.conventions.errors import (
    CheckpointError,
    ClusterError,
    ConfigError,
    DownloadError,
    FitError,
    InputFileError,
    InvalidDataError,
    MissingBranchError,
    MissingDependencyError,
    OutputError,
    Rs3lError,
    SimulationError,
    TrainingError,
    UnknownVariationError,
    WorkerError,
)
from rs3l_gnn.conventions.features import (
    FEATURE_NAMES,
    FEATURES,
    IMPACT_FEATURES,
    KINEMATIC_FEATURES,
    MAX_CANDIDATES,
    Candidates,
    Feature,
    JetAxes,
    candidate_features,
    check_offsets,
    hardest_candidates,
)
from rs3l_gnn.conventions.jettypes import (
    JetLabel,
    JetType,
    jettype_names,
    jettype_numbers,
    merge_labels,
    own_label,
)
from rs3l_gnn.conventions.kinematics import delta_phi, delta_r, energy_of, mass_of, pseudorapidity
from rs3l_gnn.conventions.outputs import atomic_directory, atomic_file, refuse_existing, write_json
from rs3l_gnn.conventions.plotting import COLOURS, PlotStyle
from rs3l_gnn.conventions.progress import Progress, progress
from rs3l_gnn.conventions.provenance import config_digest, file_digest, provenance
from rs3l_gnn.conventions.splits import Split, SplitFractions, event_hash, split_of
from rs3l_gnn.conventions.streams import Stage, event_rng, pythia_seed
from rs3l_gnn.conventions.variation import Variation, own_variation
from rs3l_gnn.conventions.variations import NOMINAL, VARIATIONS, get_variation, known_variations, select_variations

__all__ = [
    "COLOURS",
    "FEATURES",
    "FEATURE_NAMES",
    "IMPACT_FEATURES",
    "KINEMATIC_FEATURES",
    "MAX_CANDIDATES",
    "NOMINAL",
    "PUBLISHED_JETS",
    "VARIATIONS",
    "BaseConfig",
    "Candidates",
    "CheckpointError",
    "ClusterError",
    "ConfigError",
    "DownloadError",
    "Feature",
    "FitError",
    "InputFileError",
    "InvalidDataError",
    "JetAxes",
    "JetDomain",
    "JetLabel",
    "JetType",
    "MissingBranchError",
    "MissingDependencyError",
    "OutputError",
    "PlotStyle",
    "Progress",
    "Rs3lError",
    "SimulationError",
    "Split",
    "SplitFractions",
    "Stage",
    "TrainingError",
    "UnknownVariationError",
    "Variation",
    "WorkerError",
    "atomic_directory",
    "atomic_file",
    "candidate_features",
    "check_offsets",
    "config_digest",
    "delta_phi",
    "delta_r",
    "dump_config",
    "energy_of",
    "event_hash",
    "event_rng",
    "file_digest",
    "get_variation",
    "hardest_candidates",
    "jettype_names",
    "jettype_numbers",
    "known_variations",
    "load_config",
    "mass_of",
    "merge_domains",
    "merge_labels",
    "n2_score",
    "own_label",
    "own_variation",
    "parse_config",
    "progress",
    "provenance",
    "pseudorapidity",
    "pythia_seed",
    "refuse_existing",
    "select_variations",
    "split_of",
    "write_json",
]
