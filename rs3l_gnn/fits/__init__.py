"""From histograms to a fit: checked templates, writers for pyhf, cabinetry and Combine, and inference.

pyhf, cabinetry, uproot and matplotlib are imported when they are needed.
"""

from rs3l_gnn.fits.compare.replicas import ReplicaSource, Spread, errors_of_errors, replica
from rs3l_gnn.fits.compare.results import TaggerResult
from rs3l_gnn.fits.compare.taggers import compare_taggers, fit
from rs3l_gnn.fits.config.fit import ComparisonConfig, FitConfig
from rs3l_gnn.fits.likelihood.expectation import asimov_fit, expected_error
from rs3l_gnn.fits.likelihood.hypotheses import Limit, Significance, limit, significance
from rs3l_gnn.fits.likelihood.inference import Impact, Scan, Toys, rank, scan, toys
from rs3l_gnn.fits.likelihood.likelihood import BestFit, Likelihood, errors_by_group
from rs3l_gnn.fits.templates.build import build_templates
from rs3l_gnn.fits.templates.model import (
    ChannelTemplates,
    FreeRate,
    Nuisance,
    RateEffect,
    SampleTemplates,
    Shift,
    Templates,
)
from rs3l_gnn.fits.templates.period import Built
from rs3l_gnn.fits.writers.cabinetry import cabinetry_config, write_cabinetry
from rs3l_gnn.fits.writers.combine import combine_card, write_card
from rs3l_gnn.fits.writers.pyhf import pyhf_workspace, write_workspace
from rs3l_gnn.fits.writers.root import write_shapes

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
