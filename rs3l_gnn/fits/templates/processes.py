"""Sum datasets into processes, in the histogram's own bins and in expected events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, FitError
from rs3l_gnn.fits.config.fit import FitConfig
from rs3l_gnn.fits.histograms.cells import Cell, Relation, RunHistogram
from rs3l_gnn.fits.histograms.runs import Run
from rs3l_gnn.fits.report import Report, place
from rs3l_gnn.fits.templates.binning import Grouping

__all__ = ["ChannelView", "FineYields", "ProcessReader", "least_known"]

_PER_INVERSE_FB = 1000.0  # histograms are in pb, luminosities in 1/fb


@dataclass(frozen=True)
class FineYields:
    """Expected events of a process, their variances, and their covariance with nominal; arrays as in ``Cell``.

    ``variances`` is None where a histogram has none. ``covariance`` sums up what is known; ``relation`` is that of the
    data set of which least is known. Where it is not ``known``, errors of differences are upper bounds.
    """

    values: NDArray[np.float64]
    variances: NDArray[np.float64] | None
    covariance: NDArray[np.float64] | None = None
    relation: Relation = "unknown"

    def difference_covariance(
        self, nominal: FineYields, grouping: Grouping, *, rate: float = 1.0
    ) -> NDArray[np.float64]:
        """Covariance of ``self / rate - nominal`` in grouped bins [n_bins, n_bins].

        diag(var(a) + var(b)) - J - J^T with J = cov(nominal, self): an event that moves from one bin to another makes
        the differences in the two fall and rise together.

        Raises:
            FitError: one of the two has no variances.
        """
        if self.variances is None or nominal.variances is None:
            raise FitError("histograms without variances have no errors of differences")
        covariance = np.diag(grouping.add(self.variances) / rate**2 + grouping.add(nominal.variances))
        if self.covariance is not None:
            joint = grouping.add_covariance(self.covariance) / rate
            covariance = covariance - joint - joint.T
        return covariance

    def difference_error(self, nominal: FineYields, grouping: Grouping) -> NDArray[np.float64] | None:
        """Error of ``self - nominal`` in grouped bins [n_bins], None without variances."""
        if self.variances is None or nominal.variances is None:
            return None
        return np.sqrt(np.maximum(np.diagonal(self.difference_covariance(nominal, grouping)), 0.0))


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
                cells.append(replace(same, covariance=same.variances, relation="known"))
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
        scaled = Cell(
            cell.values * factor,
            _times(cell.variances, factor**2),
            _times(cell.covariance, factor**2),
            cell.relation,
        )
        if scaled.variances is None and self._config.samples[sample].mc_stat:
            raise FitError(
                f"dataset {dataset}: histogram {histogram.name!r} has no variances",
                hint="fill it with hist.storage.Weight(), call Sumw2(), or set "
                f"samples.{sample}.mc_stat: false to fit without the statistical error of the simulation",
            )
        bad = _not_finite(scaled)
        if bad.any():
            bins = np.flatnonzero(bad)
            where = f"dataset {dataset}, variation {variation}, {place(channel=channel, bins=bins)} of the histogram"
            if self._config.problems.non_finite == "error":
                raise FitError(
                    f"{where}: yields are not finite", got=cell.values[bins], hint="find the weights that are not"
                )
            self._report.add("non_finite", "filled", where, "set to zero")
        nominal = histogram.cell(dataset, channel, NOMINAL.name)
        return _without_bins(scaled, bad, bad if nominal is None else _not_finite(nominal))

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
        values = np.sum([cell.values for cell in cells], axis=0) if cells else np.zeros(len(histogram.edges) - 1)
        variances: NDArray[np.float64] | None = np.zeros(len(values))
        for cell in cells:
            variances = None if variances is None or cell.variances is None else variances + cell.variances
        covariances = [cell.covariance for cell in cells if cell.covariance is not None]
        full = any(covariance.ndim == 2 for covariance in covariances)
        parts = [np.diag(c) if full and c.ndim == 1 else c for c in covariances]
        relations = {cell.relation for cell in cells}
        return FineYields(values, variances, np.sum(parts, axis=0) if parts else None, least_known(relations))


def least_known(relations: Collection[Relation]) -> Relation:
    """Of several relations that of which least is known."""
    worst: tuple[Relation, ...] = ("unknown", "independent")
    return next((word for word in worst if word in relations), "known")


def _times(content: NDArray[np.float64] | None, factor: float) -> NDArray[np.float64] | None:
    return None if content is None else content * factor


def _not_finite(cell: Cell) -> NDArray[np.bool_]:
    return ~np.isfinite(cell.values if cell.variances is None else cell.values + cell.variances)


def _without_bins(cell: Cell, bad: NDArray[np.bool_], bad_nominal: NDArray[np.bool_]) -> Cell:
    """Zeros where the cell is not finite; nor has it a covariance there, or where nominal is not finite."""
    covariance = cell.covariance
    if covariance is not None:
        keep = ~(bad | bad_nominal) if covariance.ndim == 1 else np.outer(~bad_nominal, ~bad)
        covariance = np.where(keep, covariance, 0.0)
    variances = None if cell.variances is None else np.where(bad, 0.0, cell.variances)
    return Cell(np.where(bad, 0.0, cell.values), variances, covariance, cell.relation)
