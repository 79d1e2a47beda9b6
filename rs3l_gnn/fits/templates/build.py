"""One model from the runs of several data-taking periods, each with channels of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.config.fit import FitConfig
from rs3l_gnn.fits.histograms.event_replicas import EventReplicas
from rs3l_gnn.fits.histograms.plain import Wanted
from rs3l_gnn.fits.histograms.runs import Run, read_runs
from rs3l_gnn.fits.report import Report
from rs3l_gnn.fits.templates.period import Built, build_run, needed_histograms, with_poi_range
from rs3l_gnn.fits.yields import Grouping

__all__ = ["build_templates", "read_inputs", "read_replicas"]


def read_inputs(config: FitConfig, histograms: Sequence[str]) -> dict[str, Run]:
    """Read the named histograms of every period; without periods there is one run, under an empty name.

    Raises:
        InputFileError, FitError: as in :func:`rs3l_gnn.fits.histograms.runs.read_runs`.
    """
    datasets = [dataset for name, sample in config.samples.items() for dataset in sample.datasets or (name,)]
    datasets += config.data.datasets or ()
    channels = [channel.source or name for name, channel in config.channels.items()]
    wanted = Wanted(frozenset(datasets), frozenset(channels))
    paths = {year: entry.inputs for year, entry in config.years.items()} or {"": config.inputs}
    return {
        year: read_runs(inputs, histograms, flow=config.problems.flow, layout=config.reading, wanted=wanted)
        for year, inputs in paths.items()
    }


def read_replicas(config: FitConfig, runs: Mapping[str, Run]) -> dict[str, EventReplicas] | None:
    """Replicas of the histograms that were read, by year; None unless all inputs have some.

    Raises:
        InputFileError, FitError: as in :meth:`rs3l_gnn.fits.histograms.event_replicas.EventReplicas.read`.
    """
    if not all(run.replica_files for run in runs.values()):
        return None
    return {
        year: EventReplicas.read(run.replica_files, list(run.histograms), flow=config.problems.flow)
        for year, run in runs.items()
    }


def build_templates(
    config: FitConfig, runs: Mapping[str, Run] | None = None, *, groupings: Mapping[str, Grouping] | None = None
) -> Built:
    """Read, normalise, rebin and check.

    Channels of several periods are called ``<channel>_<year>``. A nuisance is one for all periods unless its source is
    to be ``correlate``-d by ``year``; a source that only some periods have acts there alone.

    Args:
        config: the ``fit:`` block.
        runs: histograms that were read before, so that several fits read them once; the configured ones if absent.
        groupings: bins by channel, instead of those that the configuration asks for.

    Raises:
        InputFileError: an input cannot be read.
        FitError: a run is incomplete, mixes models, or its templates have a problem that ``problems`` does not allow.
        UnknownVariationError: the configuration names a variation that the runs do not have.
    """
    runs = read_inputs(config, needed_histograms(config)) if runs is None else runs
    _refuse_missing_data(config, runs)
    axes = {year: _axis(run) for year, run in runs.items()}
    built = []
    for year, run in runs.items():
        elsewhere = [name for other, axis in axes.items() if other != year for name in axis]
        part = _config_of(config, year, run)
        built.append(build_run(part, run, year=year, elsewhere=elsewhere, groupings=groupings))
    return built[0] if len(built) == 1 else _merge(config, built)


def _refuse_missing_data(config: FitConfig, runs: Mapping[str, Run]) -> None:
    known = {key[0] for run in runs.values() for histogram in run.histograms.values() for key in histogram.cells}
    known |= {dataset for run in runs.values() for dataset in run.datasets}
    missing = [dataset for dataset in config.data.datasets or () if dataset not in known]
    if missing:
        raise FitError(f"data.datasets: there is no dataset {', '.join(missing)}", allowed=sorted(known))


def _axis(run: Run) -> list[str]:
    return list(dict.fromkeys(name for histogram in run.histograms.values() for name in histogram.variations))


def _config_of(config: FitConfig, year: str, run: Run) -> FitConfig:
    """The configuration as it holds for one period."""
    if year not in config.years:
        return config
    own = config.years[year]
    known = {key[0] for histogram in run.histograms.values() for key in histogram.cells} | set(run.datasets)
    samples = {}
    for name, sample in config.samples.items():
        # A sample lists the datasets of all periods; those of this one are in its run.
        here = tuple(dataset for dataset in sample.datasets or (name,) if dataset in known)
        samples[name] = sample.model_copy(update={"datasets": here or sample.datasets})
    return config.model_copy(
        update={
            "samples": samples,
            "luminosity": own.luminosity or config.luminosity,
            "cross_sections": config.cross_sections if own.cross_sections is None else own.cross_sections,
        }
    )


def _merge(config: FitConfig, built: Sequence[Built]) -> Built:
    models = [part.templates for part in built]
    nuisances = {nuisance.name: nuisance for model in models for nuisance in model.nuisances}
    for nuisance in (nuisance for model in models for nuisance in model.nuisances):
        if nuisances[nuisance.name] != nuisance:
            raise FitError(
                f"nuisance {nuisance.name!r} is not the same in all years",
                got=f"group {nuisance.group} and {nuisances[nuisance.name].group}",
                hint="give the sources names of their own, or one group",
            )
    templates = replace(
        models[0],
        channels=tuple(channel for model in models for channel in model.channels),
        nuisances=tuple(nuisances.values()),
        free_rates=tuple({rate.name: rate for model in models for rate in model.free_rates}.values()),
    )
    return Built(
        templates=with_poi_range(templates, config),
        report=Report([finding for part in built for finding in part.report.findings]),
        data_covariances={name: content for part in built for name, content in part.data_covariances.items()},
        closure=tuple(test for part in built for test in part.closure),
        shifts=tuple(shift for part in built for shift in part.shifts),
        efficiencies={name: content for part in built for name, content in part.efficiencies.items()},
        groupings={name: content for part in built for name, content in part.groupings.items()},
        paired=all(part.paired for part in built),
    )
