"""From histograms to a fit: checked templates, writers for pyhf, cabinetry and Combine, and inference.

pyhf, cabinetry, uproot and matplotlib are imported when they are needed.
"""

from rs3l_gnn.fits.compare.replicas import ReplicaSource, Spread, errors_of_errors, replica
from rs3l_gnn.fits.compare.results import Comparison, Contrast, TaggerResult
from rs3l_gnn.fits.compare.taggers import compare_taggers, fit_or_compare
from rs3l_gnn.fits.config.fit import ComparisonConfig, FitConfig
from rs3l_gnn.fits.fitting import fit
from rs3l_gnn.fits.likelihood.asimov import asimov_fit
from rs3l_gnn.fits.likelihood.hypotheses import limit, significance
from rs3l_gnn.fits.likelihood.inference import Inference, Toys, rank, scan, toys
from rs3l_gnn.fits.likelihood.likelihood import Likelihood, errors_by_group, value_of
from rs3l_gnn.fits.result import FitResult, Parameter
from rs3l_gnn.fits.templates.build import build_templates
from rs3l_gnn.fits.templates.expected_error import expected_error
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
from rs3l_gnn.fits.writers import (
    WRITERS,
    cabinetry_config,
    combine_card,
    pyhf_workspace,
    template_histograms,
    write_model,
)
from rs3l_gnn.fits.yields import Yields

__all__ = [
    "WRITERS",
    "Built",
    "ChannelTemplates",
    "Comparison",
    "ComparisonConfig",
    "Contrast",
    "FitConfig",
    "FitResult",
    "FreeRate",
    "Inference",
    "Likelihood",
    "Nuisance",
    "Parameter",
    "RateEffect",
    "ReplicaSource",
    "SampleTemplates",
    "Shift",
    "Spread",
    "TaggerResult",
    "Templates",
    "Toys",
    "Yields",
    "asimov_fit",
    "build_templates",
    "cabinetry_config",
    "combine_card",
    "compare_taggers",
    "errors_by_group",
    "errors_of_errors",
    "expected_error",
    "fit",
    "fit_or_compare",
    "limit",
    "pyhf_workspace",
    "rank",
    "replica",
    "scan",
    "significance",
    "template_histograms",
    "toys",
    "value_of",
    "write_model",
]
