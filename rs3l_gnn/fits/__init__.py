"""From histograms to a fit: checked templates, writers for pyhf, cabinetry and Combine, and inference.

pyhf, cabinetry, uproot and matplotlib are imported when they are needed.
"""

from rs3l_gnn.fits.building import Built
from rs3l_gnn.fits.cabinetry_config import cabinetry_config, write_cabinetry
from rs3l_gnn.fits.combine_card import combine_card, write_card
from rs3l_gnn.fits.compare import compare_taggers, fit
from rs3l_gnn.fits.comparison import TaggerResult
from rs3l_gnn.fits.config import ComparisonConfig, FitConfig
from rs3l_gnn.fits.expectation import asimov_fit, expected_error
from rs3l_gnn.fits.hypotheses import Limit, Significance, limit, significance
from rs3l_gnn.fits.inference import Impact, Scan, Toys, rank, scan, toys
from rs3l_gnn.fits.model import BestFit, Likelihood, errors_by_group
from rs3l_gnn.fits.pyhf_spec import pyhf_workspace, write_workspace
from rs3l_gnn.fits.replicas import ReplicaSource, Spread, errors_of_errors, replica
from rs3l_gnn.fits.shapes_file import write_shapes
from rs3l_gnn.fits.templates import (
    ChannelTemplates,
    FreeRate,
    Nuisance,
    RateEffect,
    SampleTemplates,
    Shift,
    Templates,
)
from rs3l_gnn.fits.years import build_templates

__all__ = [
    "BestFit",
    "Built",
    "ChannelTemplates",
    "ComparisonConfig",
    "FitConfig",
    "FreeRate",
    "Impact",
    "Likelihood",
    "Limit",
    "Nuisance",
    "RateEffect",
    "ReplicaSource",
    "SampleTemplates",
    "Scan",
    "Shift",
    "Significance",
    "Spread",
    "TaggerResult",
    "Templates",
    "Toys",
    "asimov_fit",
    "build_templates",
    "cabinetry_config",
    "combine_card",
    "compare_taggers",
    "errors_by_group",
    "errors_of_errors",
    "expected_error",
    "fit",
    "limit",
    "pyhf_workspace",
    "rank",
    "replica",
    "scan",
    "significance",
    "toys",
    "write_cabinetry",
    "write_card",
    "write_shapes",
    "write_workspace",
]
