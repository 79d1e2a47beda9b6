"""Sum datasets into processes, in the histogram's own bins and in expected events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, FitError
from rs3l_gnn.fits.binning import Grouping
from rs3l_gnn.fits.config import FitConfig
from rs3l_gnn.fits.reading import Cell, Run, RunHistogram
from rs3l_gnn.fits.report import Report, place

__all__ = ["ChannelView", "FineYields", "ProcessReader"]

_PER_INVERSE_FB = 1000.0  # histograms are in pb, luminosities in 1/fb


@dataclass(frozen=True)
class FineYields:
    """Expected events of a process, their variances, and their covariance with nominal; arrays as in ``Cell``.

    ``covariance`` is None where the run did not keep track of the hard events; errors of differences are then
    those of two independent samples, which is too large for views of the same events.
    """

    values: NDArray[np.float64]
    variances: NDArray[np.float64]
    covariance: NDArray[np.float64] | None

    def difference_covariance(self, nominal: FineYields, grouping: Grouping) -> NDArray[np.float64]:
        """Covariance of ``self - nominal`` in grouped bins [n_bins, n_bins].

        diag(var(a) + var(b)) - J - J^T with J = cov(nominal, self): an event that moves from one bin to another makes
        the differences in the two fall and rise together.
        """
        covariance = np.diag(grouping.add(self.variances) + grouping.add(nominal.variances))
        if self.covariance is not None:
            joint = grouping.add_covariance(self.covariance)
            covariance = covariance - joint - joint.T
        return covariance

    def difference_variance(self, nominal: FineYields, grouping: Grouping) -> NDArray[np.float64]:
        """Variance of ``self - nominal`` in grouped bins: var(a) + var(b) - 2 cov(a, b) [n_bins]."""
        return np.maximum(np.diagonal(self.difference_covariance(nominal, grouping)), 0.0)


@dataclass(frozen=True)
class ChannelView:
    """One channel while it is built.

    Attributes:
        name: clean name, with the year where there are several.
        key: name in the configuration.
        source: entry on the axis.
        histogram: where its yields come from.
        fine: nominal yields by sample.
        grouping: its bins.
        year: period of its run, empty where there is only one.
    """

    name: str
    key: str
    source: str
    histogram: RunHistogram
    fine: Mapping[str, FineYields]
    grouping: Grouping
    year: str = ""


class ProcessReader:
    """Yields of processes from the cells of a run.

    Raises:
        FitError: a dataset that the configuration names is not in the run, or it has no cross-section to replace.
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
        unknown = sorted(set(config.cross_sections) - known)
        if unknown:
            raise FitError(f"cross_sections names datasets that the run does not have: {', '.join(unknown)}")

    def datasets(self, sample: str) -> tuple[str, ...]:
        """Datasets of a sample."""
        return self._config.samples[sample].datasets or (sample,)

    def nominal(self, histogram: RunHistogram, channel: str, sample: str) -> FineYields:
        """The reference simulation; zeros where nothing passed."""
        cells = [self._scaled(histogram, dataset, channel, NOMINAL.name, sample) for dataset in self.datasets(sample)]
        return self._sum(histogram, [cell for cell in cells if cell is not None])

    def varied(self, histogram: RunHistogram, channel: str, sample: str, variation: str) -> FineYields | None:
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
            if same is not None:
                cells.append(Cell(same.values, same.variances, same.variances))
        return self._sum(histogram, [cell for cell in cells if cell is not None])

    def observed(self, histogram: RunHistogram, channel: str, datasets: Sequence[str]) -> NDArray[np.float64]:
        """Counts of observed events [n]."""
        total = np.zeros(len(histogram.edges) - 1)
        for dataset in datasets:
            cell = histogram.cell(dataset, channel, NOMINAL.name)
            if cell is not None:
                total += cell.values
        return total

    def _scaled(self, histogram: RunHistogram, dataset: str, channel: str, variation: str, sample: str) -> Cell | None:
        cell = histogram.cell(dataset, channel, variation)
        if cell is None:
            return None
        factor = self._factor(dataset, sample)
        values, variances = cell.values * factor, cell.variances * factor**2
        covariance = None if cell.covariance is None else cell.covariance * factor**2
        bad = ~np.isfinite(values) | ~np.isfinite(variances)
        if bad.any():
            bins = np.flatnonzero(bad)
            where = f"dataset {dataset}, variation {variation}, {place(channel=channel, bins=bins)} of the histogram"
            if self._config.problems.non_finite == "error":
                raise FitError(
                    f"{where}: yields are not finite", got=cell.values[bins], hint="find the weights that are not"
                )
            self._report.add("non_finite", "filled", where, "set to zero")
            values, variances = np.where(bad, 0.0, values), np.where(bad, 0.0, variances)
        return Cell(values, variances, covariance)

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

    @staticmethod
    def _sum(histogram: RunHistogram, cells: Sequence[Cell]) -> FineYields:
        n = len(histogram.edges) - 1
        values, variances = np.zeros(n), np.zeros(n)
        covariances: list[NDArray[np.float64]] = []
        for cell in cells:
            values += cell.values
            variances += cell.variances
            if cell.covariance is not None:
                covariances.append(cell.covariance)
        full = any(covariance.ndim == 2 for covariance in covariances)
        parts = [np.diag(c) if full and c.ndim == 1 else c for c in covariances]
        covariance = None if len(parts) < len(cells) or not parts else np.sum(parts, axis=0)
        return FineYields(values, variances, covariance)
