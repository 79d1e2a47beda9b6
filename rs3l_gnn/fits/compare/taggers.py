"""Fit several taggers alike and put their signal strengths side by side."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.conventions import (
    VARIATIONS,
    ConfigError,
    UnknownVariationError,
    atomic_directory,
    dump_config,
    provenance,
    refuse_existing,
    write_json,
)
from rs3l_gnn.fits.compare.replicas import ReplicaSource, Series, error_parts, errors_of_errors, moves_of_bias
from rs3l_gnn.fits.compare.results import (
    TaggerResult,
    average_trainings,
    comparison_document,
    markdown_table,
    tagger_document,
)
from rs3l_gnn.fits.config.blocks import DataConfig, InferenceConfig
from rs3l_gnn.fits.config.fit import ComparisonConfig, FitConfig
from rs3l_gnn.fits.fitting import fit_once
from rs3l_gnn.fits.histograms.runs import Run
from rs3l_gnn.fits.templates.build import build_templates, read_inputs, read_replicas
from rs3l_gnn.fits.templates.period import Built
from rs3l_gnn.fits.templates.sources import sides_on_axis

__all__ = ["compare_taggers", "fit"]

_log = logging.getLogger(__name__)
_BEST_FIT_ALONE = InferenceConfig(ranking=False, scan=False, limit=False, significance=False)


def fit(config: FitConfig, output: Path | str, *, force: bool = False) -> dict[str, Any]:
    """Fit as the configuration says; with a section ``comparison``, several taggers.

    Args:
        config: the ``fit:`` block.
        output: directory to make; it appears whole or not at all.
        force: replace an existing one.

    Returns:
        The content of ``fit.json``, see :func:`rs3l_gnn.fits.fitting.fit_once`, or of ``comparison.json``, see
        :func:`compare_taggers`.

    Raises:
        OutputError: the directory exists, or cannot be written.
        InputFileError, UnknownVariationError, FitError: as in :func:`rs3l_gnn.fits.build_templates` and
            :meth:`rs3l_gnn.fits.Likelihood.fit`.
        ConfigError: a comparison has no common way to bin.
    """
    if config.comparison is None:
        return fit_once(config, output, force=force)
    _, document = _compare(config, config.comparison, Path(output), force=force)
    return document


def compare_taggers(
    config: FitConfig,
    histograms: Mapping[str, str],
    output: Path | str,
    *,
    pseudo_data: Sequence[str] = (),
    pseudo_data_without: bool = True,
    replicas: int = 0,
    seed: int = 1,
    force: bool = False,
) -> dict[str, TaggerResult]:
    """Fit every tagger's histogram with the same model and the same signal efficiencies.

    Args:
        config: the fit; its ``histogram`` and ``data`` are replaced. Its binning must be by ``signal_efficiency``, so
            that the taggers keep the same signal, or by ``edges`` common to all.
        histograms: tagger -> histogram, for example ``{"n2": "score_n2", "rs3l": "score_rs3l"}``.
        output: directory with one fit for each tagger (``<tagger>/asimov``, ``<tagger>/<variation>``),
            ``comparison.json``, ``comparison.md`` and plots; inference beside the best fit only for Asimov data.
        pseudo_data: what stands in for the data: names of the registry (``altHad``) or entries of the variation axis
            (``hadronisationUp``), of which all samples need to have been simulated with it.
        pseudo_data_without: leave the source of the pseudo-data out of that fit's nuisances: the bias that an
            analysis suffers which does not know about it.
        replicas: replicas of the simulation, for the errors of the errors; 0 for none. Those that the runs made event
            by event are taken where they have some, at most as many; they are the same events for all taggers, so that
            errors of differences are paired.
        seed: of replicas that are drawn from the histograms; replica ``i`` depends on the seed and ``i`` alone.
        force: replace an existing directory.

    Raises:
        ConfigError: no common way to bin.
        OutputError, FitError and others: as in :func:`rs3l_gnn.fits.fit`.
    """
    wanted = ComparisonConfig(
        taggers=dict(histograms),
        pseudo_data=tuple(pseudo_data),
        without_source=pseudo_data_without,
        replicas=replicas,
        seed=seed,
    )
    results, _ = _compare(config, wanted, Path(output), force=force)
    return results


def _compare(
    config: FitConfig, wanted: ComparisonConfig, output: Path, *, force: bool
) -> tuple[dict[str, TaggerResult], dict[str, Any]]:
    refuse_existing(output, force=force)
    rebins = [config.rebin, *(channel.rebin for channel in config.channels.values() if channel.rebin is not None)]
    if any(rebin.signal_efficiency is None and rebin.edges is None for rebin in rebins):
        raise ConfigError(
            "a comparison needs the same bins in signal efficiency for all taggers", hint="set rebin.signal_efficiency"
        )
    config = config.model_copy(update={"comparison": None})
    others = [channel.histogram for channel in config.channels.values() if channel.histogram is not None]
    runs = read_inputs(config, list(dict.fromkeys([*wanted.taggers.values(), *others])))
    source = _source(config, wanted, runs)
    results: dict[str, TaggerResult] = {}
    drawn: dict[str, Any] = {}
    with atomic_directory(output, force=force) as partial:
        for tagger, histogram in wanted.taggers.items():
            own = config.model_copy(update={"histogram": histogram, "data": DataConfig()})
            results[tagger], drawn[tagger] = _compare_one(own, wanted, partial / tagger, runs, source)
        resolved = config.model_copy(update={"comparison": wanted})
        shown = average_trainings(results, wanted.trainings)
        document = comparison_document(shown) | {
            "trainings": {
                name: {tagger: tagger_document(results[tagger]) for tagger in group}
                for name, group in wanted.trainings.items()
            },
            "provenance": provenance(
                config=resolved, seeds={"replicas": wanted.seed}, inputs=[str(path) for path in config.all_inputs]
            ),
        }
        if config.plots:
            from rs3l_gnn.fits.compare.plots import draw_comparison
            from rs3l_gnn.fits.plots.drawing import Canvas

            canvas = Canvas(partial / "plots", config.plot_formats)
            # Of several trainings the templates of the first.
            drawn |= {name: drawn[group[0]] for name, group in wanted.trainings.items()}
            draw_comparison(canvas, shown, {name: drawn[name] for name in shown})
            document["plots"] = canvas.saved
        write_json(partial / "comparison.json", document)
        (partial / "comparison.md").write_text(markdown_table(document), encoding="utf-8")
        (partial / "config.yaml").write_text(dump_config(resolved), encoding="utf-8")
    return results, document


def _source(config: FitConfig, wanted: ComparisonConfig, runs: Mapping[str, Run]) -> ReplicaSource | None:
    if not wanted.replicas:
        return None
    events = read_replicas(config, runs)
    if events is None:
        _log.warning(
            "not every run has replicas event by event: errors of differences of taggers are upper bounds; "
            "set bootstrap.replicas in the analysis"
        )
        return ReplicaSource(runs, wanted.replicas, wanted.seed)
    n = min(wanted.replicas, *(own.n for own in events.values()))
    if n < wanted.replicas:
        _log.warning("the runs have %d replicas, fewer than the %d of the configuration", n, wanted.replicas)
    return ReplicaSource(runs, n, events=events)


def _compare_one(
    config: FitConfig, wanted: ComparisonConfig, output: Path, runs: Mapping[str, Run], source: ReplicaSource | None
) -> tuple[TaggerResult, Any]:
    axis = {name for run in runs.values() for name in run.histograms[config.histogram].variations}
    unknown = [name for name in wanted.pseudo_data if _on_axis(name) not in axis]
    if unknown:
        raise UnknownVariationError(f"comparison.pseudo_data names {', '.join(unknown)}", allowed=sorted(axis))
    built = build_templates(config, runs)
    asimov = fit_once(config, output / "asimov", runs=runs)
    biases: dict[str, float] = {}
    errors: dict[str, float | None] = {}
    moves: dict[str, Series] = {}
    pseudo: dict[str, dict[str, Any]] = {}
    for name in wanted.pseudo_data:
        variation = _on_axis(name)
        data = DataConfig(kind="variation", variation=variation)
        changed = config.model_copy(update={"data": data, "inference": _BEST_FIT_ALONE, "plots": False})
        if wanted.without_source:
            changed = _without_source(changed, variation)
        pseudo[name] = fit_once(changed, output / name, runs=runs)
        biases[name], errors[name] = pseudo[name]["bias"], pseudo[name].get("bias_error")
        if source is not None and source.events is not None:
            moves[name] = moves_of_bias(changed, source, built.groupings)
    parts = error_parts(asimov["mu_error"], asimov["mu_errors"])
    result = TaggerResult(
        histogram=config.histogram,
        mu=asimov["mu"],
        mu_error=parts["mu_error"],
        mu_error_statistical=parts["mu_error_statistical"],
        mu_error_shower=parts["mu_error_shower"],
        mu_error_other=parts["mu_error_other"],
        edges={channel: content["edges"] for channel, content in asimov["channels"].items()},
        signal_efficiency=asimov["signal_efficiency"],
        background_efficiency=_background(built),
        bias=biases,
        bias_error=errors,
        bias_moves=moves,
    )
    if source is not None:
        result = replace(result, replicas=errors_of_errors(config, source, built.groupings))
    return result, (built, {name: document["channels"] for name, document in pseudo.items()})


def _on_axis(name: str) -> str:
    return VARIATIONS[name].axis_name if name in VARIATIONS else name


def _background(built: Built) -> dict[str, list[float]]:
    """Fraction of the background above each edge, by channel."""
    fractions = {}
    for channel in built.templates.channels:
        behind = [sample.values for sample in channel.samples if sample.name not in built.templates.signal]
        total = np.sum(behind, axis=0) if behind else np.zeros(channel.n_bins)
        above = np.append(np.cumsum(total[::-1])[::-1], 0.0)
        fractions[channel.name] = (above / above[0] if above[0] > 0 else above).tolist()
    return fractions


def _without_source(config: FitConfig, variation: str) -> FitConfig:
    for source in sides_on_axis([variation]):
        kept = {name: entry for name, entry in config.systematics.items() if (entry.source or name) != source}
        excluded = tuple(dict.fromkeys([*config.exclude, source]))
        return config.model_copy(update={"systematics": kept, "exclude": excluded})
    return config
