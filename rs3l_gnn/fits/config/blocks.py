"""The sections of the ``fit:`` block, each checked on its own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from rs3l_gnn.conventions import BaseConfig

__all__ = [
    "ChannelConfig",
    "Correlate",
    "CrossSections",
    "DataConfig",
    "InferenceConfig",
    "LuminosityConfig",
    "OneSided",
    "ProblemsConfig",
    "PruneConfig",
    "RateConfig",
    "RebinConfig",
    "SampleConfig",
    "Smoothing",
    "SystematicConfig",
    "YearConfig",
    "one_or_more",
]

_LARGEST = 1e9
"""Largest factor on yields; their squares must not overflow."""

CrossSections = dict[str, Annotated[float, Field(gt=0, le=_LARGEST)]]
"""In pb, by dataset."""
OneSided = Literal["error", "symmetrize", "nominal"]
Smoothing = Literal["none", "353QH", "lowess"]
Correlate = tuple[Literal["sample", "channel", "year"], ...]
"""One nuisance for each of these; a single one for everything where empty. ``all`` is another word for empty."""


def one_or_more(value: Any) -> Any:
    """A single entry as a list of one."""
    return [value] if isinstance(value, (str, Path)) else value


def _as_names(value: Any) -> Any:
    """YAML reads 2022 as a number."""
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else value


def _one_word(value: Any) -> Any:
    return () if value == "all" else one_or_more(value)


class RebinConfig(BaseConfig):
    """Binning of a channel; it is derived from nominal templates alone and applied to all of them."""

    edges: tuple[float, ...] | None = Field(
        default=None, description="edges, all of them edges of the histogram; what lies outside is left out"
    )
    signal_efficiency: tuple[float, ...] | None = Field(
        default=None,
        min_length=1,
        description="edges by the fraction of the signal above them, so that taggers compare alike",
    )
    efficiency_tolerance: float = Field(
        default=0.01,
        gt=0,
        lt=1,
        description="how far the efficiency at an edge may be from what is asked",
    )
    keep_rest: bool = Field(default=True, description="with signal_efficiency: keep what lies below the lowest edge")
    min_entries: float | None = Field(
        default=None, gt=0, description="effective entries (sum w)^2 / sum w^2 of the background in a bin"
    )
    max_relative_error: float | None = Field(
        default=None, gt=0, description="relative statistical error of the background in a bin"
    )

    @model_validator(mode="after")
    def _one_way(self) -> RebinConfig:
        if self.edges is not None and self.signal_efficiency is not None:
            raise ValueError("give either edges or signal_efficiency, not both")
        if self.edges is not None and (
            len(self.edges) < 2 or any(low >= high for low, high in zip(self.edges, self.edges[1:], strict=False))
        ):
            raise ValueError("edges must be at least two increasing numbers")
        if self.signal_efficiency is not None and not all(0 < value <= 1 for value in self.signal_efficiency):
            raise ValueError("every signal_efficiency must lie in (0, 1]")
        if self.signal_efficiency is not None and len(set(self.signal_efficiency)) < len(self.signal_efficiency):
            raise ValueError("signal_efficiency names a value twice")
        return self


class ChannelConfig(BaseConfig):
    """One channel of the fit."""

    source: str | None = Field(default=None, description="entry on the channel axis; the channel's name if absent")
    histogram: str | None = Field(default=None, description="another histogram than the fit's")
    rebin: RebinConfig | None = Field(default=None, description="another binning than the fit's")


class SampleConfig(BaseConfig):
    """One process: a sum of datasets."""

    datasets: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="datasets that add up; the name if absent"
    )
    signal: bool = Field(default=False, description="its rate is what the fit measures")
    scale: float = Field(default=1.0, gt=0, le=_LARGEST, description="factor on the yield, for example a k-factor")
    free: bool = Field(default=False, description="let the normalisation float")
    bounds: tuple[float, float] = Field(default=(0.0, 10.0), description="range of a free normalisation")
    uncertainty: float | None = Field(
        default=None, gt=0, lt=1, description="relative rate uncertainty, becomes the nuisance norm_<name>"
    )
    mc_stat: bool = Field(default=True, description="statistical error of the simulation as nuisances")

    @model_validator(mode="after")
    def _one_normalisation(self) -> SampleConfig:
        if self.signal and self.free:
            raise ValueError("the signal's normalisation is the parameter of interest, it cannot be free as well")
        if self.free and self.uncertainty is not None:
            raise ValueError("a normalisation is either free or has an uncertainty, not both")
        if not 0 <= self.bounds[0] < 1 < self.bounds[1]:
            raise ValueError("bounds of a normalisation must enclose 1 and not be negative")
        twice = [name for name, count in Counter(self.datasets or ()).items() if count > 1]
        if twice:
            raise ValueError(f"datasets are named twice and would count twice: {', '.join(twice)}")
        return self


class LuminosityConfig(BaseConfig):
    """Integrated luminosity; histograms are filled in pb."""

    value: float = Field(default=138.0, gt=0, le=_LARGEST, description="in 1/fb")
    uncertainty: float | None = Field(default=None, gt=0, lt=1, description="relative")
    name: str = Field(default="lumi", description="name of the nuisance; {year} is filled in")


class DataConfig(BaseConfig):
    """What stands in for the data."""

    kind: Literal["asimov", "variation", "observed", "toy"] = "asimov"
    mu: float = Field(default=1.0, ge=-1e6, le=1e6, description="signal strength in asimov, variation and toy data")
    variation: str | None = Field(
        default=None, description="variation that makes the pseudo-data, by its name or entry on the axis"
    )
    samples: tuple[str, ...] | None = Field(default=None, description="samples taken from the variation; all if absent")
    datasets: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="datasets that hold observed events"
    )
    seed: int = Field(default=1, ge=0, description="random seed of a toy")

    @model_validator(mode="after")
    def _complete(self) -> DataConfig:
        if (self.kind == "variation") != (self.variation is not None):
            raise ValueError("kind 'variation' goes with the name of a variation, and only that kind")
        if (self.kind == "observed") != (self.datasets is not None):
            raise ValueError("kind 'observed' goes with datasets, and only that kind")
        return self


class SystematicConfig(BaseConfig):
    """How one source on the variation axis enters the fit."""

    source: str | None = Field(default=None, description="name on the axis without Up or Down; the key if absent")
    name: str | None = Field(
        default=None,
        description="name of the nuisance in all outputs, {source}, {sample}, {channel} and {year} filled in; the key "
        "or what nuisance_names says if absent",
    )
    group: str | None = Field(default=None, description="in the parts of the error; by the metadata if absent")
    samples: tuple[str, ...] | None = Field(default=None, description="samples it acts on; all if absent")
    channels: tuple[str, ...] | None = Field(default=None, description="channels it acts on; all if absent")
    years: tuple[str, ...] | None = Field(default=None, description="years it acts in; all if absent")
    correlate: Correlate | None = Field(default=None, description="another choice than the fit's")
    effect: Literal["norm_shape", "norm", "shape"] = "norm_shape"
    one_sided: OneSided | None = Field(default=None, description="another treatment than the fit's")
    smooth: Smoothing | None = Field(default=None, description="another treatment than the fit's")

    _words = field_validator("correlate", mode="before")(_one_word)
    _years = field_validator("years", mode="before")(_as_names)


class RateConfig(BaseConfig):
    """A log-normal rate uncertainty that does not come from a histogram."""

    value: float | tuple[float, float] = Field(description="relative size, or the factors (down, up)")
    samples: tuple[str, ...] | None = Field(default=None, description="samples it acts on; all if absent")
    channels: tuple[str, ...] | None = Field(default=None, description="channels it acts on; all if absent")
    years: tuple[str, ...] | None = Field(default=None, description="years it acts in; all if absent")
    correlate: Correlate = Field(default=(), description="as for a systematic: one nuisance for all if empty")
    group: str = Field(default="normalisation", description="in the parts of the error")

    _words = field_validator("correlate", mode="before")(_one_word)
    _years = field_validator("years", mode="before")(_as_names)

    def acts_on(self, channel: str, sample: str, year: str) -> bool:
        """Whether it acts there."""
        places = ((self.channels, channel), (self.samples, sample), (self.years, year))
        return all(chosen is None or place in chosen for chosen, place in places)

    @property
    def factors(self) -> tuple[float, float]:
        """Factors on the yield at -1 and +1 standard deviation."""
        if isinstance(self.value, tuple):
            return self.value
        return 1 / (1 + self.value), 1 + self.value

    @model_validator(mode="after")
    def _positive(self) -> RateConfig:
        if isinstance(self.value, float) and not 0 < self.value < 1:
            raise ValueError("a relative size lies between 0 and 1")
        if not all(factor > 0 for factor in self.factors):
            raise ValueError("factors must be positive")
        return self


class PruneConfig(BaseConfig):
    """Thresholds below which an effect on a template is left out; 0 keeps everything."""

    norm: float = Field(default=0.0, ge=0, description="relative change of the rate")
    shape: float = Field(default=0.0, ge=0, description="largest relative change of a bin, rate taken out")
    significance: float = Field(
        default=0.0, ge=0, description="standard deviations by which an effect must differ from its statistical error"
    )


class ProblemsConfig(BaseConfig):
    """What to do with templates that a fit cannot digest; every action is listed in the report."""

    incomplete: Literal["error", "allow"] = Field(default="error", description="a run with failed chunks")
    non_finite: Literal["error", "zero"] = "error"
    negative_bins: Literal["error", "clip", "merge"] = "error"
    empty_bins: Literal["error", "fill", "merge"] = Field(
        default="error", description="bins where all samples together are empty"
    )
    empty_bin_value: float = Field(default=1e-5, gt=0, description="expected events written by 'fill'")
    empty_samples: Literal["error", "drop"] = Field(default="error", description="samples without events in a channel")
    missing_variation: Literal["error", "nominal"] = Field(
        default="error", description="a sample that was not simulated with a variation"
    )
    full_variation: Literal["error", "clip", "drop"] = Field(
        default="error", description="a variation that takes the whole yield away"
    )
    clip_factor: float = Field(default=0.01, gt=0, lt=1, description="smallest rate factor written by 'clip'")
    names: Literal["error", "sanitize"] = Field(default="error", description="names that the formats cannot hold")
    flow: Literal["move", "drop", "error"] = Field(
        default="move", description="underflow and overflow of the variable: into the edge bins, left out, or refused"
    )


class InferenceConfig(BaseConfig):
    """What is computed besides the best fit."""

    minos: bool = Field(default=False, description="asymmetric errors of the signal strength")
    ranking: bool = Field(default=True, description="impact of each nuisance on the signal strength")
    scan: bool = Field(default=True, description="profile likelihood of the signal strength")
    scan_points: int = Field(default=11, ge=3, description="of the scan")
    limit: bool = Field(default=True, description="upper limit on the signal strength")
    confidence_level: float = Field(default=0.95, gt=0, lt=1, description="of the limit")
    significance: bool = Field(default=True, description="of the signal")
    goodness_of_fit: bool = Field(default=True, description="p-value against the saturated model")
    toys: int = Field(default=0, ge=0, description="toys for the distribution of the signal strength")
    toy_seed: int = Field(default=1, ge=0, description="random seed of the toys")


class YearConfig(BaseConfig):
    """The data-taking period of one or more runs that are fitted together with those of other periods."""

    inputs: tuple[Path, ...] = Field(min_length=1, description="histograms of this period")
    luminosity: LuminosityConfig | None = Field(default=None, description="another one than the fit's")
    cross_sections: CrossSections | None = Field(default=None, description="other ones than the fit's")

    _paths = field_validator("inputs", mode="before")(one_or_more)
