"""Fit several taggers alike and put their signal strengths side by side."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rs3l_gnn.conventions import (
    ConfigError,
    UnknownVariationError,
    atomic_directory,
    dump_config,
    provenance,
    refuse_existing,
    write_json,
)
from rs3l_gnn.conventions.inputs import file_states, require_unchanged
from rs3l_gnn.conventions.locks import holds_output
from rs3l_gnn.fits.compare.replicas import ReplicaSource, Series, error_parts, errors_of_errors, moves_of_bias
from rs3l_gnn.fits.compare.results import Comparison, TaggerFits, TaggerResult
from rs3l_gnn.fits.compare.tables import markdown_tables
from rs3l_gnn.fits.config.blocks import DataConfig, InferenceConfig
from rs3l_gnn.fits.config.fit import ComparisonConfig, FitConfig
from rs3l_gnn.fits.fitting import fit
from rs3l_gnn.fits.histograms.runs import Run
from rs3l_gnn.fits.result import FitResult
from rs3l_gnn.fits.templates.build import read_inputs, read_replicas
from rs3l_gnn.fits.templates.period import Built
from rs3l_gnn.fits.templates.sources import entry_on_axis, sides_on_axis

__all__ = ["compare_taggers", "fit_or_compare"]

_log = logging.getLogger(__name__)
_BEST_FIT_ALONE = InferenceConfig(ranking=False, scan=False, limit=False, significance=False)


def fit_or_compare(config: FitConfig, output: Path | str, *, force: bool = False) -> FitResult | Comparison:
    """Fit as the configuration says; with a section ``comparison``, several taggers."""
    return (fit if config.comparison is None else compare_taggers)(config, output, force=force)


@holds_output
def compare_taggers(config: FitConfig, output: Path | str, *, force: bool = False) -> Comparison:
    """Fit every tagger's histogram with the same model and the same signal efficiencies.

    Args:
        config: the fit with its section ``comparison``; its ``histogram`` and ``data`` are replaced. Its binning must
            be by ``signal_efficiency``, so that the taggers keep the same signal, or by ``edges`` common to all.
        output: directory to make, with one fit for each tagger (``<tagger>/asimov``, ``<tagger>/<pseudo-data>``),
            ``comparison.json``, ``comparison.md`` and plots; inference beside the best fit only for Asimov data.
        force: replace an existing directory.

    Raises:
        ConfigError: no section ``comparison``, or no common way to bin.
        OutputError, FitError and others: as in :func:`rs3l_gnn.fits.fit`.
    """
    output, wanted = Path(output), config.comparison
    if wanted is None:
        raise ConfigError("nothing to compare", hint="name the taggers in a section comparison")
    refuse_existing(output, force=force)
    rebins = [config.rebin, *(channel.rebin for channel in config.channels.values() if channel.rebin is not None)]
    if any(rebin.signal_efficiency is None and rebin.edges is None for rebin in rebins):
        raise ConfigError(
            "a comparison needs the same bins in signal efficiency for all taggers", hint="set rebin.signal_efficiency"
        )
    single = config.model_copy(update={"comparison": None})
    others = [channel.histogram for channel in config.channels.values() if channel.histogram is not None]
    before = file_states(config.all_inputs)
    runs = read_inputs(single, list(dict.fromkeys([*wanted.taggers.values(), *others])))
    source = _source(single, wanted, runs)
    results: dict[str, TaggerResult] = {}
    fitted: dict[str, TaggerFits] = {}
    with atomic_directory(output, force=force) as partial:
        for tagger, histogram in wanted.taggers.items():
            own = single.model_copy(update={"histogram": histogram, "data": DataConfig()})
            results[tagger], fitted[tagger] = _compare_one(own, wanted, partial / tagger, runs, source)
        comparison = Comparison.of(results, wanted.trainings, shower_aim=wanted.shower_aim)
        document = comparison.record()
        require_unchanged(before)
        document["provenance"] = provenance(
            config=config, seeds={"replicas": wanted.seed}, inputs=[str(path) for path in config.all_inputs]
        )
        if config.plots:
            from rs3l_gnn.fits.compare.plots import draw_comparison

            # Of several trainings the templates of the first.
            fitted |= {name: fitted[group[0]] for name, group in wanted.trainings.items()}
            document["plots"] = draw_comparison(partial / "plots", config, comparison, fitted)
        write_json(partial / "comparison.json", document)
        (partial / "comparison.md").write_text(markdown_tables(comparison), encoding="utf-8")
        (partial / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    return comparison


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
) -> tuple[TaggerResult, TaggerFits]:
    axis = {name for run in runs.values() for name in run.histograms[config.histogram].variations}
    records = {entry: record for run in runs.values() for entry, record in run.variations.items()}
    found = {name: entry_on_axis(name, axis, records) for name in wanted.pseudo_data}
    entries = {name: entry for name, entry in found.items() if entry is not None}
    unknown = [name for name in found if name not in entries]
    if unknown:
        raise UnknownVariationError(f"comparison.pseudo_data names {', '.join(unknown)}", allowed=sorted(axis))
    asimov = fit(config, output / "asimov", runs=runs)
    built = asimov.built
    pseudo: dict[str, FitResult] = {}
    moves: dict[str, Series] = {}
    for name, variation in entries.items():
        data = DataConfig(kind="variation", variation=variation)
        changed = config.model_copy(update={"data": data, "inference": _BEST_FIT_ALONE, "plots": False})
        if wanted.without_source:
            changed = _without_source(changed, variation)
        pseudo[name] = fit(changed, output / name, runs=runs)
        if source is not None and source.events is not None:
            moves[name] = moves_of_bias(changed, source, built.groupings)
    parts = error_parts(asimov.mu_error, asimov.mu_errors)
    result = TaggerResult(
        histogram=config.histogram,
        mu=asimov.mu,
        mu_error=parts["mu_error"],
        mu_error_statistical=parts["mu_error_statistical"],
        mu_error_shower=parts["mu_error_shower"],
        mu_error_other=parts["mu_error_other"],
        edges={channel.name: channel.edges.tolist() for channel in built.templates.channels},
        signal_efficiency={channel: above.tolist() for channel, above in built.efficiencies.items()},
        background_efficiency=_background(built),
        bias={name: fitted.mu - fitted.config.data.mu for name, fitted in pseudo.items()},
        bias_error={name: fitted.bias_error for name, fitted in pseudo.items()},
        replicas=None if source is None else errors_of_errors(config, source, built.groupings),
        bias_moves=moves,
    )
    return result, TaggerFits(built, pseudo)


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
