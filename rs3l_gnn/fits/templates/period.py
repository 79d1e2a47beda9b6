"""From the histograms of one period and a ``fit:`` block to checked templates."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.config.blocks import ChannelConfig, RebinConfig
from rs3l_gnn.fits.config.fit import FitConfig
from rs3l_gnn.fits.histograms.runs import Run, RunHistogram
from rs3l_gnn.fits.report import Finding, Report, place
from rs3l_gnn.fits.templates.binning import BinningInput, derive_grouping
from rs3l_gnn.fits.templates.compatibility import ClosureTest, ShiftRecord
from rs3l_gnn.fits.templates.expected_error import poi_range
from rs3l_gnn.fits.templates.model import ChannelTemplates, FreeRate, Templates
from rs3l_gnn.fits.templates.names import Renamer
from rs3l_gnn.fits.templates.processes import ChannelView, ProcessReader
from rs3l_gnn.fits.templates.pseudodata import PseudoData, make_data
from rs3l_gnn.fits.templates.samples import SampleBuilder
from rs3l_gnn.fits.templates.sources import Source, find_sources
from rs3l_gnn.fits.yields import Grouping, Yields

__all__ = ["Built", "build_run", "needed_histograms", "with_poi_range"]

_LABELS = {"asimov": "Asimov data", "variation": "pseudo-data, {variation}", "observed": "data", "toy": "toy data"}


@dataclass(frozen=True)
class Built:
    """Templates, and what became known while making them.

    Attributes:
        data_covariances: statistical covariance of the difference between the data and the nominal expectation, by
            channel [n_bins, n_bins]; empty unless the data are a variation.
        closure: comparisons of the ``seed`` view with nominal, one for each channel and sample.
        shifts: rate factors and significance of every shift.
        efficiencies: fraction of the signal above each edge, by channel [n_bins + 1].
        groupings: which bins of the histogram are one bin, by channel.
        paired: whether the covariance with nominal is known for every variation.
    """

    templates: Templates
    report: Report
    data_covariances: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    closure: tuple[ClosureTest, ...] = ()
    shifts: tuple[ShiftRecord, ...] = ()
    efficiencies: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    groupings: dict[str, Grouping] = field(default_factory=dict)
    paired: bool = False

    def data_error(self, channel: str) -> NDArray[np.float64] | None:
        """Statistical error of the difference between pseudo-data and expectation [n_bins], None where unknown."""
        covariance = self.data_covariances.get(channel)
        return None if covariance is None else np.sqrt(np.maximum(np.diag(covariance), 0.0))


def build_run(
    config: FitConfig,
    run: Run,
    *,
    year: str = "",
    elsewhere: Collection[str] = (),
    groupings: Mapping[str, Grouping] | None = None,
) -> Built:
    """Normalise, rebin and check the histograms of one period.

    Args:
        config: the ``fit:`` block.
        run: what was read.
        year: the period; it becomes part of the channels' names. Empty where there is only one.
        elsewhere: entries on the variation axis of other periods.
        groupings: bins by channel, instead of those that the configuration asks for.

    Raises:
        FitError: the run is incomplete, mixes models, or its templates have a problem that ``problems`` does not allow.
        UnknownVariationError: the configuration names a variation that the run does not have.
    """
    channels = dict(config.channels)
    needed = needed_histograms(config)
    run = replace(
        run,
        histograms={name: run.histograms[name] for name in needed},
        report=Report([finding for finding in run.report.findings if _concerns(finding, needed)]),
    )
    _refuse_unusable(run, config, needed)
    default = run.histograms[config.histogram]
    channels = channels or {name: ChannelConfig() for name in default.channels}
    report = run.report
    axis = dict.fromkeys(name for histogram in run.histograms.values() for name in histogram.variations)
    sources = find_sources(config, axis, run.variations, year=year, elsewhere=elsewhere)
    for source in sources:
        if source.group == "other" and not {source.up, source.down} & set(run.variations):
            detail = "the run says nothing about it, so it is in the group other; groups can name another"
            report.add("group", "kept", f"source {source.key}", detail)
    reader = ProcessReader(config, run, report)
    names = Renamer(report, allowed=config.problems.names == "sanitize")
    samples = SampleBuilder(config, reader, sources, names, report)
    return _Builder(config, run, reader, sources, names, samples, year, groupings or {}).build(channels)


def with_poi_range(templates: Templates, config: FitConfig) -> Templates:
    """Bound the signal strength by what the configuration says, else by the expected error.

    Raises:
        FitError: the signal strength of the pseudo-data lies outside.
    """
    low, high = config.poi_bounds or poi_range(templates)
    if config.data.kind != "observed" and not low <= config.data.mu <= high:
        raise FitError(
            f"data.mu {config.data.mu:g} lies outside the range of the signal strength",
            allowed=f"{low:.4g} to {high:.4g}",
            hint="set poi_bounds",
        )
    return replace(templates, poi_bounds=(low, high))


def needed_histograms(config: FitConfig) -> list[str]:
    """Histograms that a fit reads."""
    others = [channel.histogram for channel in config.channels.values() if channel.histogram is not None]
    return list(dict.fromkeys([config.histogram, *others]))


def _concerns(finding: Finding, histograms: Sequence[str]) -> bool:
    return finding.kind == "plain_input" or any(name in finding.where for name in histograms)


def _refuse_unusable(run: Run, config: FitConfig, histograms: Sequence[str]) -> None:
    if run.incomplete and config.problems.incomplete == "error":
        raise FitError(
            f"{', '.join(run.incomplete)}: the run is not complete, some chunks failed",
            hint="run `rs3l analyze --resume`, or set incomplete: allow",
        )
    if run.incomplete:
        run.report.add("incomplete", "kept", ", ".join(run.incomplete), "some chunks failed, yields are too small")
    for tagger, digests in run.models.items():
        # The tagger's name as a word of its own anywhere in the histogram's name: score_rs3l, rs3l/mass, h.rs3l_v2.
        word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(tagger)}(?![A-Za-z0-9])")
        if len(digests) > 1 and any(word.search(histogram) for histogram in histograms):
            raise FitError(
                f"tagger {tagger!r} was not the same model everywhere",
                got=", ".join(digest[:12] for digest in digests),
                hint="run the analysis again with one model",
            )


@dataclass(frozen=True)
class _Builder:
    config: FitConfig
    run: Run
    reader: ProcessReader
    sources: tuple[Source, ...]
    names: Renamer
    samples: SampleBuilder
    year: str
    given: Mapping[str, Grouping]
    efficiencies: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    groupings: dict[str, Grouping] = field(default_factory=dict)

    @property
    def report(self) -> Report:
        return self.run.report

    def build(self, channels: Mapping[str, ChannelConfig]) -> Built:
        made = [self._channel(name, entry) for name, entry in channels.items()]
        signal = tuple(self.names(name, "sample") for name, entry in self.config.samples.items() if entry.signal)
        free = tuple(
            FreeRate(f"norm_{self.names(name, 'sample')}", self.names(name, "sample"), entry.bounds)
            for name, entry in self.config.samples.items()
            if entry.free
        )
        templates = Templates(
            channels=tuple(channel for channel, _ in made),
            signal=signal,
            nuisances=tuple(self.samples.nuisances.values()),
            free_rates=free,
            poi=self.config.poi,
            poi_bounds=self.config.poi_bounds or (-1e6, 1e6),
            mc_stat_threshold=self.config.mc_stat_threshold,
            variable=self.config.histogram,
            data_label=_LABELS[self.config.data.kind].format(variation=self.config.data.variation),
        )
        return Built(
            templates=with_poi_range(templates, self.config),
            report=self.report,
            data_covariances={c.name: data.covariance for c, data in made if data.covariance is not None},
            closure=tuple(self.samples.closure),
            shifts=tuple(self.samples.shifts),
            efficiencies=self.efficiencies,
            groupings=self.groupings,
            paired=self.run.paired,
        )

    def _channel(self, name: str, entry: ChannelConfig) -> tuple[ChannelTemplates, PseudoData]:
        histogram = self.run.histograms[entry.histogram or self.config.histogram]
        source = entry.source or name
        if source not in histogram.channels:
            raise FitError(
                f"channels.{name}: histogram {histogram.name!r} has no channel {source!r}", allowed=histogram.channels
            )
        fine = {sample: self.reader.nominal(histogram, source, sample) for sample in self.config.samples}
        written = self.names("_".join([name, self.year]) if self.year else name, "channel")
        grouping = self.given.get(written)
        if grouping is None:
            grouping = self._grouping(written, source, histogram, fine, entry.rebin or self.config.rebin)
        nominal = {sample: yields.grouped(grouping) for sample, yields in fine.items()}
        view = ChannelView(written, name, source, histogram, nominal, grouping, self.year)
        self.groupings[written] = grouping
        self._efficiencies(view, fine)
        fill = self._fill(view)
        made = [self.samples.build(view, sample, fill.get(sample)) for sample in nominal]
        samples = tuple(sample for sample in made if sample is not None)
        kept = {sample.name: sample for sample in samples}
        data = make_data(self.config, self.reader, view, kept, names=self.names, report=self.report)
        return ChannelTemplates(view.name, grouping.edges(histogram.edges), samples, data.values), data

    def _grouping(
        self, name: str, source: str, histogram: RunHistogram, fine: Mapping[str, Yields], rebin: RebinConfig
    ) -> Grouping:
        samples = self.config.samples
        n = len(histogram.edges) - 1
        signal = Yields.total((fine[key] for key in samples if samples[key].signal), n).values
        background = Yields.total((fine[key] for key in samples if not samples[key].signal), n)
        if (rebin.min_entries or rebin.max_relative_error) and background.variances is None:
            raise FitError(
                f"channel {name}: a background has no variances, which min_entries and max_relative_error need",
                hint="call Sumw2() before it is filled, or give edges",
            )
        non_negative = []
        if self.config.problems.negative_bins == "merge":
            non_negative = self._all_templates(source, histogram, fine)
        positive = [signal + background.values] if self.config.problems.empty_bins == "merge" else []
        content = BinningInput(
            edges=histogram.edges,
            signal=signal,
            background=background,
            non_negative=np.reshape(non_negative, (len(non_negative), n)),
            positive=np.reshape(positive, (len(positive), n)),
        )
        grouping = derive_grouping(content, rebin, channel=name)
        if (non_negative or positive) and grouping.n_bins < n:
            self.report.add("binning", "merged", place(channel=name), f"{n} bins of the histogram in {grouping.n_bins}")
        return grouping

    def _all_templates(
        self, source: str, histogram: RunHistogram, fine: Mapping[str, Yields]
    ) -> list[NDArray[np.float64]]:
        stack = [yields.values for yields in fine.values()]
        for sample, yields in fine.items():
            for systematic in self.sources:
                for axis in (systematic.up, systematic.down):
                    varied = None if axis is None else self.reader.varied(histogram, source, sample, axis)
                    if varied is not None:
                        stack += [varied.values, 2 * yields.values - varied.values]
        return stack

    def _efficiencies(self, view: ChannelView, fine: Mapping[str, Yields]) -> None:
        signal = sum(fine[key].values for key, entry in self.config.samples.items() if entry.signal)
        above = np.append(np.cumsum(np.asarray(signal)[::-1])[::-1], 0.0)
        if above[0] > 0:
            self.efficiencies[view.name] = above[view.grouping.cuts] / above[0]

    def _fill(self, view: ChannelView) -> dict[str, NDArray[np.float64]]:
        yields = {name: np.maximum(content.values, 0.0) for name, content in view.nominal.items()}
        empty = sum(yields.values(), start=np.zeros(view.grouping.n_bins)) <= 0
        if self.config.problems.empty_bins != "fill" or not empty.any() or empty.all():
            return {}
        # The background with most events is the one whose tail the simulation did not reach.
        largest = max(yields, key=lambda name: (not self.config.samples[name].signal, yields[name].sum()))
        value = self.config.problems.empty_bin_value
        where = place(channel=view.name, sample=largest, bins=np.flatnonzero(empty))
        self.report.add("empty_bins", "filled", where, f"{value:g} events each, with an error of 100 %")
        return {largest: np.where(empty, value, 0.0)}
