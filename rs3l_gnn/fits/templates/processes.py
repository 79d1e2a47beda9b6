"""Sum datasets into processes, in the histogram's own bins and in expected events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, FitError
from rs3l_gnn.fits.config.fit import FitConfig
from rs3l_gnn.fits.histograms.cells import RunHistogram
from rs3l_gnn.fits.histograms.runs import Run
from rs3l_gnn.fits.report import Report, place
from rs3l_gnn.fits.templates.sources import entry_on_axis
from rs3l_gnn.fits.yields import Grouping, Yields

__all__ = ["ChannelView", "ProcessReader"]

_PER_INVERSE_FB = 1000.0  # histograms are in pb, luminosities in 1/fb
_MOST_EVENTS = 1e15
"""In a bin; beyond, a double does not tell one event from two."""


@dataclass(frozen=True)
class ChannelView:
    """One channel while it is built.

    Attributes:
        name: clean name, with the year where there are several.
        key: name in the configuration.
        source: entry on the axis.
        histogram: where its yields come from.
        nominal: nominal yields by sample, in the channel's bins.
        grouping: its bins.
        year: period of its run, empty where there is only one.
    """

    name: str
    key: str
    source: str
    histogram: RunHistogram
    nominal: Mapping[str, Yields]
    grouping: Grouping
    year: str = ""


class ProcessReader:
    """Yields of processes from the cells of a run.

    Raises:
        FitError: a dataset that the configuration names is not in the run, or it has no cross-section to replace; later
            on, a histogram without variances for a sample that wants the statistical error of the simulation.
    """

    def __init__(self, config: FitConfig, run: Run, report: Report) -> None:
        self._config, self._run, self._report = config, run, report
        known = {key[0] for histogram in run.histograms.values() for key in histogram.cells} | set(run.datasets)
        for name, sample in config.samples.items():
            missing = sorted(set(sample.datasets or (name,)) - known)
            if missing:
                raise FitError(
                    f"samples.{name}: the run has no dataset {', '.join(missing)}",
                    allowed=sorted(known),
                    hint="name its datasets: [...]",
                )
            raw = [d for d in sample.datasets or (name,) if run.datasets.get(d, {}).get("normalised") is False]
            if raw:
                raise FitError(
                    f"samples.{name}: datasets are not normalised to a cross-section: {', '.join(raw)}",
                    hint="give them a cross-section in the fileset of the analysis",
                )
        if config.data.datasets is not None and not set(config.data.datasets) & known:
            raise FitError(
                f"data.datasets: the run has no dataset {', '.join(config.data.datasets)}", allowed=sorted(known)
            )
        unknown = sorted(set(config.cross_sections) - known)
        if unknown:
            raise FitError(f"cross_sections names datasets that the run does not have: {', '.join(unknown)}")

    def entry(self, variation: str, axis: Collection[str]) -> str | None:
        """Entry of the variation axis for the name of a variation, None if the run does not have it."""
        return entry_on_axis(variation, axis, self._run.variations)

    def datasets(self, sample: str) -> tuple[str, ...]:
        """Datasets of a sample."""
        return self._config.samples[sample].datasets or (sample,)

    def nominal(self, histogram: RunHistogram, channel: str, sample: str) -> Yields:
        """The reference simulation in the histogram's bins; zeros where nothing passed."""
        cells = [self._scaled(histogram, dataset, channel, NOMINAL.name, sample) for dataset in self.datasets(sample)]
        return _total(histogram, cells)

    def in_bins_of(self, view: ChannelView, sample: str, variation: str | None) -> Yields | None:
        """A variation in a channel's bins; None if no dataset of the sample was simulated with it, or there is none."""
        found = None if variation is None else self.varied(view.histogram, view.source, sample, variation)
        return None if found is None else found.grouped(view.grouping)

    def varied(self, histogram: RunHistogram, channel: str, sample: str, variation: str) -> Yields | None:
        """The same events under a variation; None if no dataset of the sample was simulated with it.

        Raises:
            FitError: some datasets of the sample have the variation and others do not, unless the configuration lets
                these stay nominal.
        """
        with_it: list[str] = []
        without: list[str] = []
        for dataset in self.datasets(sample):
            filled = any(key[0] == dataset and key[2] == variation for key in histogram.cells)
            (with_it if filled else without).append(dataset)
        if not with_it:
            return None
        nominal_too = [d for d in without if histogram.cell(d, channel, NOMINAL.name) is not None]
        if nominal_too:
            where = place(channel=channel, sample=sample)
            detail = f"{', '.join(nominal_too)} without {variation}"
            if self._config.problems.missing_variation == "error":
                raise FitError(
                    f"{where}: datasets were not simulated with a variation",
                    got=detail,
                    hint="simulate them, or set missing_variation: nominal",
                )
            self._report.add("missing_variation", "kept", where, f"{detail} stay nominal")
        cells = [self._scaled(histogram, dataset, channel, variation, sample) for dataset in with_it]
        for dataset in nominal_too:
            same = self._scaled(histogram, dataset, channel, NOMINAL.name, sample)
            cells.append(None if same is None else replace(same, covariance=same.variances, relation="known"))
        return _total(histogram, cells)

    def observed(self, histogram: RunHistogram, channel: str, datasets: Sequence[str]) -> NDArray[np.float64]:
        """Counts of observed events [n]."""
        total = np.zeros(len(histogram.edges) - 1)
        for dataset in datasets:
            cell = histogram.cell(dataset, channel, NOMINAL.name)
            if cell is not None:
                total += cell.values
        return total

    def _scaled(
        self, histogram: RunHistogram, dataset: str, channel: str, variation: str, sample: str
    ) -> Yields | None:
        cell = histogram.cell(dataset, channel, variation)
        if cell is None:
            return None
        scaled = cell.scaled(self._factor(dataset, sample))
        if scaled.variances is None and self._config.samples[sample].mc_stat:
            raise FitError(
                f"dataset {dataset}: histogram {histogram.name!r} has no variances",
                hint="fill it with hist.storage.Weight(), call Sumw2(), or set "
                f"samples.{sample}.mc_stat: false to fit without the statistical error of the simulation",
            )
        bins = np.flatnonzero(~scaled.finite)
        if len(bins):
            where = f"dataset {dataset}, variation {variation}, {place(channel=channel, bins=bins)} of the histogram"
            if self._config.problems.non_finite == "error":
                raise FitError(
                    f"{where}: yields are not finite",
                    got=_content(cell, bins[0]),
                    hint="find the weights that are not",
                )
            self._report.add("non_finite", "filled", where, "set to zero")
        large = np.flatnonzero(scaled.finite & (np.abs(scaled.values) > _MOST_EVENTS))
        if len(large):
            where = f"dataset {dataset}, variation {variation}, {place(channel=channel, bins=large)} of the histogram"
            raise FitError(
                f"{where}: more than {_MOST_EVENTS:g} events, which are too many to count",
                got=f"{scaled.values[large[0]]:g}",
                hint="look at the cross-section, the luminosity and reading.unit",
            )
        nominal = histogram.cell(dataset, channel, NOMINAL.name) or scaled
        return scaled.only(scaled.finite, nominal.finite)

    def _factor(self, dataset: str, sample: str) -> float:
        factor = self._config.samples[sample].scale
        if self._config.reading.unit == "pb":
            factor *= _PER_INVERSE_FB * self._config.luminosity.value
        if dataset in self._config.cross_sections:
            own = self._run.datasets.get(dataset, {}).get("xsec")
            if own is None or not float(own) > 0:
                raise FitError(f"dataset {dataset} has no cross-section that another could replace", got=own)
            factor *= self._config.cross_sections[dataset] / float(own)
        return factor


def _total(histogram: RunHistogram, cells: Iterable[Yields | None]) -> Yields:
    return Yields.total((cell for cell in cells if cell is not None), len(histogram.edges) - 1)


def _content(cell: Yields, place: int) -> str:
    """What a bin holds, for a message."""
    variance = "" if cell.variances is None else f", variance {cell.variances[place]:g},"
    return f"{cell.values[place]:g}{variance} in bin {place}"
