"""From a ``fit:`` block to a directory with the fit and everything that others need to repeat it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from rs3l_gnn.conventions import atomic_directory, dump_config, provenance, refuse_existing, write_json
from rs3l_gnn.conventions.inputs import file_states, require_unchanged
from rs3l_gnn.conventions.locks import holds_output
from rs3l_gnn.fits.config.fit import FitConfig
from rs3l_gnn.fits.histograms.runs import Run
from rs3l_gnn.fits.likelihood.inference import infer
from rs3l_gnn.fits.likelihood.likelihood import Likelihood
from rs3l_gnn.fits.result import FitResult, summarise
from rs3l_gnn.fits.templates.build import build_templates
from rs3l_gnn.fits.writers import write_model

__all__ = ["fit"]

_log = logging.getLogger(__name__)


@holds_output
def fit(
    config: FitConfig, output: Path | str, *, force: bool = False, runs: Mapping[str, Run] | None = None
) -> FitResult:
    """Build the model, write it in all formats, fit it.

    Args:
        config: the ``fit:`` block, without its section ``comparison`` (:func:`rs3l_gnn.fits.compare_taggers`).
        output: directory to make; it appears whole or not at all: ``fit.json``, ``workspace.json`` (pyhf),
            ``shapes.root`` and ``card.txt`` (Combine), ``cabinetry.yaml``, the resolved ``config.yaml``,
            ``provenance.json``, ``plots/`` and, where wanted, ``hepdata/``.
        force: replace an existing one.
        runs: histograms that were read before, by year; those of the configuration are read if absent.

    Raises:
        OutputError: the directory exists, or cannot be written.
        InputFileError, UnknownVariationError, FitError: as in :func:`rs3l_gnn.fits.build_templates` and
            :meth:`rs3l_gnn.fits.Likelihood.fit`.
    """
    output = Path(output)
    refuse_existing(output, force=force)
    before = file_states(config.all_inputs)
    built = build_templates(config, runs)
    for finding in built.report.findings:
        _log.info("%s: %s %s (%s)", finding.kind, finding.where, finding.action, finding.detail)
    likelihood = Likelihood(built.templates)
    best = likelihood.fit(minos=config.inference.minos)
    with atomic_directory(output, force=force) as partial:
        write_model(partial, built.templates, template_formats=config.template_formats)
        inference = infer(likelihood, best, config.inference, truth=config.data.mu, report=built.report)
        result = summarise(config, built, likelihood, best, inference)
        document = result.record()
        if config.hepdata:
            from rs3l_gnn.fits.writers.hepdata import write_hepdata

            write_hepdata(partial / "hepdata", result, likelihood)
        if config.plots:
            from rs3l_gnn.fits.plots import draw_fit

            document["plots"] = draw_fit(partial / "plots", result, likelihood)
        require_unchanged(before)
        document["provenance"] = provenance(
            config=config,
            seeds={"data": config.data.seed, "toys": config.inference.toy_seed},
            inputs=[str(path) for path in config.all_inputs],
        )
        write_json(partial / "fit.json", document)
        write_json(partial / "provenance.json", document["provenance"])
        (partial / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    return result
