"""The checked object between histograms and writers: yields, errors, names and binning of a statistical model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.report import place
from rs3l_gnn.fits.templates.names import check_names

__all__ = ["ChannelTemplates", "FreeRate", "Nuisance", "RateEffect", "SampleTemplates", "Shift", "Templates"]

_FLAT = 1e-12


@dataclass(frozen=True)
class Nuisance:
    """One nuisance parameter, Gaussian with mean 0 and width 1."""

    name: str
    group: str
    source: str
    """Where it comes from: a source on the variation axis, or ``rate``."""


@dataclass(frozen=True)
class Shift:
    """Yields of one sample in one channel at +1 and -1 standard deviation of one nuisance.

    Attributes:
        nuisance: its name.
        up, down: absolute expected events [n_bins].
        up_error, down_error: statistical errors of ``up - nominal`` and ``down - nominal`` [n_bins], None if unknown.
    """

    nuisance: str
    up: NDArray[np.float64]
    down: NDArray[np.float64]
    up_error: NDArray[np.float64] | None = None
    down_error: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class RateEffect:
    """Factors on the yield of one sample in one channel at +1 and -1 standard deviation."""

    nuisance: str
    up: float
    down: float


@dataclass(frozen=True)
class FreeRate:
    """A normalisation without constraint."""

    name: str
    sample: str
    bounds: tuple[float, float]


@dataclass(frozen=True)
class SampleTemplates:
    """One process in one channel: expected events and their statistical variances [n_bins]."""

    name: str
    values: NDArray[np.float64]
    variances: NDArray[np.float64]
    shifts: tuple[Shift, ...] = ()
    rates: tuple[RateEffect, ...] = ()
    mc_stat: bool = True

    def rate(self, shift: Shift) -> tuple[float, float]:
        """Factors on the total yield, up and down."""
        total = self.values.sum()
        return float(shift.up.sum() / total), float(shift.down.sum() / total)

    def shape(self, shift: Shift) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Templates scaled to the nominal total, up and down."""
        up, down = self.rate(shift)
        return shift.up / up, shift.down / down

    def has_shape(self, shift: Shift) -> bool:
        """Whether anything is left once the rate is taken out; never in a single bin."""
        if len(self.values) == 1:
            return False
        tolerance = _FLAT * self.values.sum()
        return any(bool((np.abs(side - self.values) > tolerance).any()) for side in self.shape(shift))


@dataclass(frozen=True)
class ChannelTemplates:
    """One channel: edges [n_bins + 1], samples, and the data [n_bins]."""

    name: str
    edges: NDArray[np.float64]
    samples: tuple[SampleTemplates, ...]
    data: NDArray[np.float64]

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.edges) - 1

    def sample(self, name: str) -> SampleTemplates | None:
        """A sample by name, None where the channel does not have it."""
        return next((sample for sample in self.samples if sample.name == name), None)


@dataclass(frozen=True)
class Templates:
    """A whole statistical model; every array is read-only and has been checked.

    Raises:
        FitError: names that collide or that a format cannot hold, arrays of different binning, values that are not
            finite or negative, an empty sample or bin, a variation without yield, or an undeclared nuisance. The
            message names channel, sample, nuisance and bin.
    """

    channels: tuple[ChannelTemplates, ...]
    signal: tuple[str, ...]
    nuisances: tuple[Nuisance, ...] = ()
    free_rates: tuple[FreeRate, ...] = ()
    poi: str = "mu"
    poi_bounds: tuple[float, float] = (-10.0, 10.0)
    mc_stat_threshold: float = 0.0
    variable: str = "score"
    data_label: str = "data"

    def __post_init__(self) -> None:
        names = [nuisance.name for nuisance in self.nuisances]
        check_names(
            channels=[channel.name for channel in self.channels],
            samples=list(self.sample_names),
            nuisances=names,
            free=[self.poi, *(free.name for free in self.free_rates)],
        )
        if not self.channels:
            raise FitError("a fit needs at least one channel")
        reserved = sorted({"statistical", "systematic", "mc_stat"} & set(self.groups))
        if reserved:
            raise FitError(f"groups of nuisances have reserved names: {', '.join(reserved)}")
        missing = sorted(set(self.signal) - set(self.sample_names))
        if missing or not self.signal:
            raise FitError("the signal has no templates", got=", ".join(missing) or "no signal sample")
        for channel in self.channels:
            _check_channel(channel, frozenset(names))
        samples = [sample for channel in self.channels for sample in channel.samples]
        shapes = {shift.nuisance for sample in samples for shift in sample.shifts}
        both = sorted(shapes & {rate.nuisance for sample in samples for rate in sample.rates})
        if both:
            raise FitError(
                f"nuisances come from templates and from rates: {', '.join(both)}", hint="give the rate another name"
            )

    @property
    def sample_names(self) -> tuple[str, ...]:
        """All samples, signal first, then in the order of the channels."""
        found = dict.fromkeys(sample.name for channel in self.channels for sample in channel.samples)
        return tuple(sorted(found, key=lambda name: name not in self.signal))

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Nuisances by group."""
        groups: dict[str, list[str]] = {}
        for nuisance in self.nuisances:
            groups.setdefault(nuisance.group, []).append(nuisance.name)
        return {group: tuple(names) for group, names in groups.items()}


def _check_channel(channel: ChannelTemplates, nuisances: frozenset[str]) -> None:
    if channel.edges.ndim != 1 or channel.n_bins < 1 or not (np.diff(channel.edges) > 0).all():
        raise FitError(f"channel {channel.name}: edges must increase", got=channel.edges)
    if len({sample.name for sample in channel.samples}) != len(channel.samples):
        raise FitError(f"channel {channel.name} names a sample twice")
    _check_array(channel.data, channel, "data")
    for sample in channel.samples:
        here = place(sample=sample.name)
        _check_array(sample.values, channel, here)
        _check_array(sample.variances, channel, f"{here}, variances")
        if not sample.values.sum() > 0:
            raise FitError(f"channel {channel.name}, {here} is empty", hint="leave it out: empty_samples: drop")
        acting = [shift.nuisance for shift in sample.shifts] + [rate.nuisance for rate in sample.rates]
        if len(set(acting)) != len(acting):
            raise FitError(f"channel {channel.name}, {here}: a nuisance acts twice", got=", ".join(acting))
        unknown = sorted(set(acting) - nuisances)
        if unknown:
            raise FitError(f"channel {channel.name}, {here}: nuisances are not declared", got=", ".join(unknown))
        for shift in sample.shifts:
            _check_shift(channel, sample, shift)
        for rate in sample.rates:
            if not (np.isfinite([rate.up, rate.down]).all() and min(rate.up, rate.down) > 0):
                raise FitError(
                    f"channel {channel.name}, {here}, nuisance {rate.nuisance}: factors must be positive",
                    got=f"{rate.up:g} and {rate.down:g}",
                )
    total = sum((sample.values for sample in channel.samples), start=np.zeros(channel.n_bins))
    if (total <= 0).any():
        empty = place(channel=channel.name, bins=np.flatnonzero(total <= 0))
        raise FitError(f"{empty}: nothing is expected", hint="widen the bins, or set empty_bins to merge or fill")


def _check_shift(channel: ChannelTemplates, sample: SampleTemplates, shift: Shift) -> None:
    for side, content, error in (("up", shift.up, shift.up_error), ("down", shift.down, shift.down_error)):
        here = f"{place(sample=sample.name, nuisance=shift.nuisance)}, {side}"
        _check_array(content, channel, here)
        if error is not None:
            _check_array(error, channel, f"{here}, error")
        if not content.sum() > 0:
            raise FitError(
                f"channel {channel.name}, {here}: the variation takes the whole yield away",
                hint="set full_variation to clip or drop",
            )


def _check_array(content: NDArray[np.float64], channel: ChannelTemplates, what: str) -> None:
    if content.shape != (channel.n_bins,):
        raise FitError(
            f"channel {channel.name}, {what}: another binning than the channel",
            got=f"shape {content.shape}",
            allowed=f"({channel.n_bins},)",
        )
    for bad, word in ((~np.isfinite(content), "not finite"), (content < 0, "negative")):
        if bad.any():
            bins = np.flatnonzero(bad)
            here = place(bins=bins)
            raise FitError(f"channel {channel.name}, {what}, {here}: {word}", got=content[bins])
    content.setflags(write=False)
