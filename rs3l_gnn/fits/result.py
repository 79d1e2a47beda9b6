"""What a fit found, and how it stands in ``fit.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rs3l_gnn.fits.config.fit import FitConfig
from rs3l_gnn.fits.likelihood.bias import bias_error
from rs3l_gnn.fits.likelihood.inference import Inference
from rs3l_gnn.fits.likelihood.likelihood import Likelihood, errors_by_group, value_of
from rs3l_gnn.fits.likelihood.other_tools import OtherTools, other_tools
from rs3l_gnn.fits.templates.compatibility import corrected
from rs3l_gnn.fits.templates.period import Built

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import FitResults, RankingResults

__all__ = ["FitResult", "Parameter", "summarise"]


@dataclass(frozen=True)
class Parameter:
    """A fitted parameter; its pull and the fraction of its prior width that is left, None without a prior."""

    value: float
    error: float
    pull: float | None
    constraint: float | None


@dataclass(frozen=True)
class FitResult:
    """A fit and everything that was learnt beside it.

    Attributes:
        config: what was asked.
        built: the templates, and what became known while making them.
        best: all parameters with their correlations.
        mu, mu_error: signal strength.
        mu_errors: parts of its error, by :func:`rs3l_gnn.fits.errors_by_group`.
        goodness_of_fit: p-value against the saturated model, None without degrees of freedom or if not asked.
        parameters: by name.
        bias: shift of the signal strength, None for observed data.
        bias_error: its statistical error from the finite simulation, None where nobody knows it.
        inference: what was asked besides the best fit.
        other_tools: options that other tools need to find the same error.
    """

    config: FitConfig
    built: Built
    best: FitResults
    mu: float
    mu_error: float
    mu_errors: dict[str, float]
    goodness_of_fit: float | None
    parameters: dict[str, Parameter]
    bias: float | None
    bias_error: float | None
    inference: Inference
    other_tools: OtherTools

    @property
    def mu_error_shower(self) -> float:
        """Part of the error that shower nuisances make."""
        return self.mu_errors.get("shower", 0.0)

    def record(self) -> dict[str, Any]:
        """The content of ``fit.json`` but for plots and provenance."""
        built, templates = self.built, self.built.templates
        tests = [test.test.p_value for test in built.closure if test.test is not None]
        document: dict[str, Any] = {
            "format": "rs3l-fit",
            "version": 1,
            "histogram": self.config.histogram,
            "data": self.config.data.model_dump(mode="json", exclude_none=True),
            "poi": templates.poi,
            "mu": self.mu,
            "mu_error": self.mu_error,
            "mu_error_shower": self.mu_error_shower,
            "mu_errors": self.mu_errors,
            "mu_bounds": list(templates.poi_bounds),
            "twice_nll": self.best.best_twice_nll,
            "goodness_of_fit": self.goodness_of_fit,
            "parameters": {name: asdict(parameter) for name, parameter in self.parameters.items()},
            "correlation": {"labels": self.best.labels, "matrix": self.best.corr_mat.tolist()},
            "groups": {group: list(names) for group, names in templates.groups.items()},
            "channels": {
                channel.name: {
                    "edges": channel.edges.tolist(),
                    "data": channel.data.tolist(),
                    **({"data_error": error.tolist()} if (error := built.data_error(channel.name)) is not None else {}),
                    "samples": {sample.name: sample.values.tolist() for sample in channel.samples},
                }
                for channel in templates.channels
            },
            "signal_efficiency": {channel: values.tolist() for channel, values in built.efficiencies.items()},
            "shifts": [shift.record() for shift in built.shifts],
            "closure": [test.record() for test in built.closure],
            # The smallest of several p-values is small by chance; this one is not.
            "closure_p_value": corrected(tests),
            "paired_errors": built.paired,
            "other_tools": self.other_tools.record(),
        }
        asymmetric = self.best.minos_uncertainty.get(templates.poi)
        if asymmetric is not None:
            document["mu_error_down"], document["mu_error_up"] = asymmetric
        if self.bias is not None:
            document["bias"] = self.bias
        if self.bias_error is not None:
            document["bias_error"] = self.bias_error
        return document | _record(self.inference) | {"report": built.report.record()}


def summarise(
    config: FitConfig, built: Built, likelihood: Likelihood, best: FitResults, inference: Inference
) -> FitResult:
    """Signal strength, errors by group, goodness, parameters and bias of a fit; a strength at a bound is reported."""
    import cabinetry

    templates = built.templates
    value, error = value_of(best, templates.poi)
    low, high = templates.poi_bounds
    if min(value - low, high - value) < 1e-3 * error:
        built.report.add("poi_at_bound", "kept", f"parameter {templates.poi}", f"{value:g} in [{low:g}, {high:g}]")
    widths = cabinetry.model_utils.prefit_uncertainties(likelihood.model)
    rows = zip(best.labels, best.bestfit, best.uncertainty, likelihood.asimov_parameters(), widths, strict=True)
    covariances = built.data_covariances
    return FitResult(
        config=config,
        built=built,
        best=best,
        mu=value,
        mu_error=error,
        mu_errors=errors_by_group(templates, best),
        goodness_of_fit=likelihood.goodness_of_fit(best) if config.inference.goodness_of_fit else None,
        parameters={
            label: Parameter(
                value=float(fitted),
                error=float(spread),
                pull=float((fitted - centre) / width) if width > 0 else None,
                constraint=float(spread / width) if width > 0 else None,
            )
            for label, fitted, spread, centre, width in rows
        },
        bias=None if config.data.kind == "observed" else value - config.data.mu,
        bias_error=bias_error(likelihood, best, covariances)
        if set(covariances) == {channel.name for channel in templates.channels}
        else None,
        inference=inference,
        other_tools=other_tools(likelihood, best),
    )


def _record(done: Inference) -> dict[str, Any]:
    document: dict[str, Any] = dict.fromkeys(done.failed)
    if done.ranking is not None:
        document["ranking"] = _ranking(done.ranking)
    if done.scan is not None:
        document["scan"] = {
            "values": done.scan.parameter_values.tolist(),
            "delta_twice_nll": done.scan.delta_nlls.tolist(),
        }
    if done.limit is not None:
        document["limit"] = {
            "confidence_level": done.limit.confidence_level,
            "observed": done.limit.observed_limit,
            "expected": done.limit.expected_limit.tolist(),
        }
    if done.significance is not None:
        names = ("observed_p_value", "observed", "expected_p_value", "expected")
        document["significance"] = dict(zip(names, done.significance, strict=True))
    if done.toys is not None:
        document["toys"] = done.toys.record()
    return document


def _ranking(ranking: RankingResults) -> list[dict[str, Any]]:
    before = np.stack([ranking.prefit_up, ranking.prefit_down], axis=1).tolist()
    after = np.stack([ranking.postfit_up, ranking.postfit_down], axis=1).tolist()
    rows = zip(ranking.labels, ranking.bestfit.tolist(), ranking.uncertainty.tolist(), before, after, strict=True)
    return [dict(zip(("name", "value", "error", "pre_fit", "post_fit"), row, strict=True)) for row in rows]
