"""Templates of one sample in one channel, with all that acts on them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.config.fit import FitConfig
from rs3l_gnn.fits.report import Report, place
from rs3l_gnn.fits.templates.compatibility import ClosureTest, ShiftRecord, difference_test
from rs3l_gnn.fits.templates.model import Nuisance, RateEffect, SampleTemplates
from rs3l_gnn.fits.templates.names import Renamer, nuisance_name
from rs3l_gnn.fits.templates.processes import ChannelView, ProcessReader
from rs3l_gnn.fits.templates.shifts import ShiftBuilder
from rs3l_gnn.fits.templates.sources import Source

__all__ = ["SampleBuilder"]


@dataclass(frozen=True)
class SampleBuilder:
    """Builds samples and remembers the nuisances, shifts and closure tests that it met."""

    config: FitConfig
    reader: ProcessReader
    sources: tuple[Source, ...]
    names: Renamer
    report: Report
    nuisances: dict[str, Nuisance] = field(default_factory=dict)
    shifts: list[ShiftRecord] = field(default_factory=list)
    closure: list[ClosureTest] = field(default_factory=list)

    def build(self, view: ChannelView, sample: str, fill: NDArray[np.float64] | None) -> SampleTemplates | None:
        """Templates of one sample, None where it is empty and may be left out.

        Args:
            view: the channel.
            sample: name in the configuration.
            fill: events to add where nothing at all is expected [n_bins].

        Raises:
            FitError: a negative bin, an empty sample, or a shift that the configuration does not allow.
        """
        problems, name = self.config.problems, self.names(sample, "sample")
        nominal, channel = view.nominal[sample], view.name
        added = np.zeros(view.grouping.n_bins) if fill is None else fill
        values = nominal.values + added
        # Without variances, which a sample without mc_stat may be, nothing reads them.
        variances = np.zeros(len(values)) if nominal.variances is None else nominal.variances + added**2
        where = place(channel=channel, sample=name)
        if nominal.variances is None:
            detail = "no statistical error of the simulation in the fit; significances of variations are unknown"
            self.report.add("no_variances", "kept", where, detail)
        negative = np.flatnonzero(values < 0)
        if len(negative):
            here = f"{where}, {place(bins=negative)}"
            if problems.negative_bins != "clip":
                raise FitError(f"{here}: negative", got=values[negative], hint="set negative_bins to clip or merge")
            self.report.add("negative_bins", "clipped", here, f"{values[negative].sum():g} events set to zero")
            values = np.maximum(values, 0.0)
        if not values.sum() > 0:
            if problems.empty_samples == "error":
                raise FitError(f"{where} is empty", hint="remove it, or set empty_samples: drop")
            self.report.add("empty_samples", "dropped", where, "no expected events")
            return None
        made = SampleTemplates(name, values, variances, mc_stat=self.config.samples[sample].mc_stat)
        shifter = ShiftBuilder(view, made, nominal, problems, self.config.prune, self.report, added)
        shifts = []
        for systematic in self.sources:
            if not systematic.acts_on(view.key, sample):
                continue
            sides = [self.reader.in_bins_of(view, sample, axis) for axis in (systematic.up, systematic.down)]
            built = shifter.build(systematic, sides[0], sides[1])
            if built is None:
                continue
            shift, record = built
            self._declare(shift.nuisance, systematic.group, systematic.key)
            self.shifts.append(record)
            shifts.append(shift)
        self._close(view, sample, made)
        return replace(made, shifts=tuple(shifts), rates=self._rates(view, sample))

    def _rates(self, view: ChannelView, sample: str) -> tuple[RateEffect, ...]:
        effects = []
        places = {"sample": self.names(sample, "sample"), "channel": view.name, "year": view.year}
        luminosity = self.config.luminosity
        entry = self.config.samples[sample]
        # A floating normalisation is measured, so the luminosity does not act on it.
        if luminosity.uncertainty is not None and not entry.free:
            factor = 1 + luminosity.uncertainty
            name = nuisance_name(luminosity.name, (), places)
            effects.append(RateEffect(name, factor, 1 / factor))
            self._declare(name, "luminosity", "rate")
        if entry.uncertainty is not None:
            name = f"norm_{self.names(sample, 'sample')}"
            effects.append(RateEffect(name, 1 + entry.uncertainty, 1 / (1 + entry.uncertainty)))
            self._declare(name, "normalisation", "rate")
        for pattern, rate in self.config.rates.items():
            if rate.acts_on(view.key, sample, view.year):
                down, up = rate.factors
                name = nuisance_name(pattern, rate.correlate, places)
                effects.append(RateEffect(name, up, down))
                self._declare(name, rate.group, "rate")
        return tuple(effects)

    def _declare(self, name: str, group: str, source: str) -> None:
        self.nuisances.setdefault(name, Nuisance(name, group, source))

    def _close(self, view: ChannelView, sample: str, made: SampleTemplates) -> None:
        # The replica differs from nominal by its random numbers alone: it must agree within errors.
        replica = self.reader.in_bins_of(view, sample, "seed")
        if replica is not None:
            rate = float(replica.values.sum() / made.values.sum())
            test = difference_test(replica, view.nominal[sample])
            self.closure.append(ClosureTest(view.name, made.name, rate, test))
