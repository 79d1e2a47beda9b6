"""One call from a ``fit:`` block to a directory with the fit and everything that others need to repeat it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.conventions import FitError, atomic_directory, dump_config, provenance, refuse_existing, write_json
from rs3l_gnn.fits.config.fit import FitConfig
from rs3l_gnn.fits.histograms.runs import Run
from rs3l_gnn.fits.likelihood.bias import bias_error
from rs3l_gnn.fits.likelihood.hypotheses import limit, significance
from rs3l_gnn.fits.likelihood.inference import Inference, rank, scan, toys
from rs3l_gnn.fits.likelihood.likelihood import BestFit, Likelihood, errors_by_group
from rs3l_gnn.fits.report import Report
from rs3l_gnn.fits.templates.build import build_templates
from rs3l_gnn.fits.templates.compatibility import corrected
from rs3l_gnn.fits.templates.period import Built
from rs3l_gnn.fits.writers.cabinetry import write_cabinetry
from rs3l_gnn.fits.writers.combine import write_card
from rs3l_gnn.fits.writers.pyhf import write_workspace
from rs3l_gnn.fits.writers.root import write_shapes

__all__ = ["fit_once", "summarise"]

_log = logging.getLogger(__name__)


def fit_once(
    config: FitConfig, output: Path | str, *, force: bool = False, runs: Mapping[str, Run] | None = None
) -> dict[str, Any]:
    """Build the model, write it in all formats, fit it.

    Args:
        config: the ``fit:`` block.
        output: directory to make; it appears whole or not at all.
        force: replace an existing one.
        runs: histograms that were read before, by year; those of the configuration are read if absent.

    Returns:
        The content of ``fit.json``. Beside it lie ``workspace.json`` (pyhf), ``shapes.root`` and ``card.txt``
        (Combine), ``cabinetry.yaml``, the resolved ``config.yaml``, ``provenance.json`` and ``plots/``.

    Raises:
        OutputError: the directory exists, or cannot be written.
        InputFileError, UnknownVariationError, FitError: as in :func:`build_templates` and :meth:`Likelihood.fit`.
    """
    output = Path(output)
    refuse_existing(output, force=force)
    built = build_templates(config, runs)
    for finding in built.report.findings:
        _log.info("%s: %s %s (%s)", finding.kind, finding.where, finding.action, finding.detail)
    likelihood = Likelihood(built.templates)
    best = likelihood.fit(minos=config.inference.minos)
    with atomic_directory(output, force=force) as partial:
        write_workspace(partial / "workspace.json", built.templates)
        write_shapes(partial / "shapes.root", built.templates)
        write_cabinetry(partial / "cabinetry.yaml", built.templates)
        write_card(partial / "card.txt", built.templates)
        document = summarise(config, built, likelihood, best)
        inferred = _infer(config, likelihood, best, document, built.report)
        document |= _record(inferred)
        document["report"] = built.report.record()
        if config.plots:
            from rs3l_gnn.fits.plots.drawing import Canvas
            from rs3l_gnn.fits.plots.results import draw_results
            from rs3l_gnn.fits.plots.templates import draw_templates

            canvas = Canvas(partial / "plots", config.plot_formats)
            draw_templates(canvas, built.templates, likelihood, best)
            draw_results(canvas, built.templates, best, document, inferred)
            document["plots"] = canvas.saved
        document["provenance"] = provenance(
            config=config,
            seeds={"data": config.data.seed, "toys": config.inference.toy_seed},
            inputs=[str(path) for path in config.all_inputs],
        )
        write_json(partial / "fit.json", document)
        write_json(partial / "provenance.json", document["provenance"])
        (partial / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    return document


def summarise(config: FitConfig, built: Built, likelihood: Likelihood, best: BestFit) -> dict[str, Any]:
    """The best fit as a document: signal strength, errors by group, bias, parameters, correlations."""
    templates = built.templates
    value, error = best.of(templates.poi)
    groups = errors_by_group(templates, best)
    document: dict[str, Any] = {
        "format": "rs3l-fit",
        "version": 1,
        "histogram": config.histogram,
        "data": config.data.model_dump(mode="json", exclude_none=True),
        "poi": templates.poi,
        "mu": value,
        "mu_error": error,
        "mu_error_shower": groups.get("shower", 0.0),
        "mu_errors": groups,
        "mu_bounds": list(templates.poi_bounds),
        "twice_nll": best.twice_nll,
        "goodness_of_fit": likelihood.goodness_of_fit(best) if config.inference.goodness_of_fit else None,
        "parameters": _parameters(likelihood, best),
        "correlation": {"labels": list(best.labels), "matrix": best.correlation.tolist()},
        "groups": {group: list(names) for group, names in templates.groups.items()},
        "channels": {
            channel.name: {
                "edges": channel.edges.tolist(),
                "data": channel.data.tolist(),
                **_data_error(built, channel.name),
                "samples": {sample.name: sample.values.tolist() for sample in channel.samples},
            }
            for channel in templates.channels
        },
        "signal_efficiency": {channel: values.tolist() for channel, values in built.efficiencies.items()},
        "shifts": list(built.shifts),
        "closure": list(built.closure),
        # The smallest of several p-values is small by chance; this one is not.
        "closure_p_value": corrected([test["p_value"] for test in built.closure if test["p_value"] is not None]),
        "paired_errors": built.paired,
    }
    if templates.poi in best.asymmetric:
        document["mu_error_down"], document["mu_error_up"] = best.asymmetric[templates.poi]
    if config.data.kind in ("variation", "asimov", "toy"):
        document["bias"] = value - config.data.mu
    if set(built.data_covariances) == {channel.name for channel in templates.channels}:
        document["bias_error"] = bias_error(likelihood, best, built.data_covariances)
    low, high = templates.poi_bounds
    if min(value - low, high - value) < 1e-3 * error:
        built.report.add("poi_at_bound", "kept", f"parameter {templates.poi}", f"{value:g} in [{low:g}, {high:g}]")
    return document


def _data_error(built: Built, channel: str) -> dict[str, list[float]]:
    """Statistical error of the difference between pseudo-data and expectation."""
    covariance = built.data_covariances.get(channel)
    return {} if covariance is None else {"data_error": np.sqrt(np.maximum(np.diag(covariance), 0.0)).tolist()}


def _parameters(likelihood: Likelihood, best: BestFit) -> dict[str, dict[str, float | None]]:
    import cabinetry

    centres = likelihood.asimov_parameters()
    widths = cabinetry.model_utils.prefit_uncertainties(likelihood.model)
    parameters: dict[str, dict[str, float | None]] = {}
    for label, value, error, centre, width in zip(best.labels, best.values, best.errors, centres, widths, strict=True):
        constrained = width > 0
        parameters[label] = {
            "value": float(value),
            "error": float(error),
            "pull": float((value - centre) / width) if constrained else None,
            "constraint": float(error / width) if constrained else None,
        }
    return parameters


def _infer(
    config: FitConfig, likelihood: Likelihood, best: BestFit, document: dict[str, Any], report: Report
) -> Inference:
    wanted, done = config.inference, Inference()

    def ranking() -> Any:
        return rank(likelihood, best)

    def scanning() -> Any:
        return scan(likelihood, best, points=wanted.scan_points)

    def limiting() -> Any:
        return limit(likelihood, best, confidence_level=wanted.confidence_level)

    def discovering() -> Any:
        return significance(likelihood, best)

    def throwing() -> Any:
        return toys(likelihood, wanted.toys, truth={likelihood.poi: config.data.mu}, seed=wanted.toy_seed)

    for name, asked, compute in (
        ("ranking", wanted.ranking, ranking),
        ("scan", wanted.scan, scanning),
        ("limit", wanted.limit, limiting),
        ("significance", wanted.significance, discovering),
        ("toys", wanted.toys > 0, throwing),
    ):
        if not asked:
            continue
        try:
            done = replace(done, **{name: compute()})
        except FitError as error:
            # The best fit stands; what fails beside it is named in the report and null in the document.
            report.add("inference", "dropped", name, str(error))
            _log.warning("%s: %s", name, error)
            document[name] = None
    return done


def _record(done: Inference) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if done.ranking is not None:
        document["ranking"] = [
            {**asdict(impact), "pre_fit": list(impact.pre_fit), "post_fit": list(impact.post_fit)}
            for impact in done.ranking
        ]
    if done.scan is not None:
        document["scan"] = {"values": done.scan.values.tolist(), "delta_twice_nll": done.scan.rise.tolist()}
    if done.limit is not None:
        document["limit"] = {
            "confidence_level": done.limit.confidence_level,
            "observed": done.limit.observed,
            "expected": done.limit.expected.tolist(),
        }
    if done.significance is not None:
        document["significance"] = asdict(done.significance)
    if done.toys is not None:
        document["toys"] = done.toys.record()
    return document
