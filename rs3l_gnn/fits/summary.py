"""What a fit found, as a small table for people and as a short document for machines."""

from __future__ import annotations

from typing import Any

from rs3l_gnn.conventions.wording import number, plus_minus, sigmas, significant
from rs3l_gnn.fits.compare.results import Comparison
from rs3l_gnn.fits.compare.tables import markdown_tables
from rs3l_gnn.fits.result import FitResult

__all__ = ["summary_document", "summary_table"]

_HEAVY = (
    "channels",
    "correlation",
    "shifts",
    "closure",
    "scan",
    "ranking",
    "groups",
    "parameters",
    "report",
    "replicas",
)
"""Keys of ``fit.json`` that are no results to look at on a screen; the file has them."""


def summary_document(result: FitResult | Comparison) -> dict[str, Any]:
    """The record of ``fit.json`` or ``comparison.json`` without what is long."""
    return {key: value for key, value in result.record().items() if key not in _HEAVY}


def summary_table(result: FitResult | Comparison) -> str:
    """Signal strength, its errors, bias, limit, significance and goodness of fit; of a comparison its tables."""
    if isinstance(result, Comparison):
        return markdown_tables(result).rstrip("\n")
    templates = result.built.templates
    rows = [(templates.poi, f"{plus_minus(result.mu, result.mu_error)}  ({templates.data_label})")]
    asymmetric = result.best.minos_uncertainty.get(templates.poi)
    if asymmetric is not None:
        down, up = asymmetric
        rows.append(("  MINOS", f"+{significant(up)} -{significant(abs(down))}"))
    rows += [(f"  {part}", significant(size)) for part, size in result.mu_errors.items()]
    if result.bias is not None:
        rows.append(("bias", plus_minus(result.bias, result.bias_error)))
    limit, found = result.inference.limit, result.inference.significance
    if limit is not None:
        expected = significant(float(limit.expected_limit[2]))
        level = f"{100 * limit.confidence_level:g} %"
        rows.append((f"limit, {level}", f"< {significant(limit.observed_limit)}  (without signal: < {expected})"))
    if found is not None:
        expected = _significance(found.expected_significance)
        rows.append(("significance", f"{_significance(found.observed_significance)}  (expected: {expected})"))
    rows += [(name, "failed, see the report in fit.json") for name in result.inference.failed]
    if result.goodness_of_fit is not None:
        rows.append(("goodness of fit", f"p = {number(result.goodness_of_fit, 2)}"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def _significance(value: float) -> str:
    # Never negative: no sign.
    return sigmas(value).removeprefix("+")
