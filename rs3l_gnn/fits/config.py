"""The ``fit:`` block: one YAML description of a statistical model, from histograms to inference."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from rs3l_gnn.conventions import BaseConfig

__all__ = [
    "ChannelConfig",
    "DataConfig",
    "FitConfig",
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
]

OneSided = Literal["error", "symmetrize", "nominal"]
Smoothing = Literal["none", "353QH", "lowess"]


class RebinConfig(BaseConfig):
    """Binning of a channel; it is derived from nominal templates alone and applied to all of them."""

    edges: tuple[float, ...] | None = Field(
        default=None, description="edges, all of them edges of the histogram; what lies outside is left out"
    )
    signal_efficiency: tuple[float, ...] | None = Field(
        default=None, description="edges by the fraction of the signal above them, so that taggers compare alike"
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
        return self


class ChannelConfig(BaseConfig):
    """One channel of the fit."""

    source: str | None = Field(default=None, description="entry on the channel axis; the channel's name if absent")
    histogram: str | None = Field(default=None, description="another histogram than the fit's")
    rebin: RebinConfig | None = Field(default=None, description="another binning than the fit's")


class SampleConfig(BaseConfig):
    """One process: a sum of datasets."""

    datasets: tuple[str, ...] | None = Field(default=None, description="datasets that add up; the name if absent")
    signal: bool = False
    scale: float = Field(default=1.0, gt=0, description="factor on the yield, for example a k-factor")
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
        if not self.bounds[0] < 1 < self.bounds[1]:
            raise ValueError("bounds must enclose 1")
        return self


class LuminosityConfig(BaseConfig):
    """Integrated luminosity; histograms are filled in pb."""

    value: float = Field(default=140.0, gt=0, description="in 1/fb")
    uncertainty: float | None = Field(default=None, gt=0, lt=1, description="relative")
    name: str = Field(default="lumi", description="name of the nuisance")


class DataConfig(BaseConfig):
    """What stands in for the data."""

    kind: Literal["asimov", "variation", "observed", "toy"] = "asimov"
    mu: float = Field(default=1.0, description="signal strength in asimov, variation and toy data")
    variation: str | None = Field(default=None, description="entry on the variation axis that makes the pseudo-data")
    samples: tuple[str, ...] | None = Field(default=None, description="samples taken from the variation; all if absent")
    datasets: tuple[str, ...] | None = Field(default=None, description="datasets that hold observed events")
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
    name: str | None = Field(default=None, description="name of the nuisance in all outputs; the key if absent")
    group: str | None = None
    samples: tuple[str, ...] | None = Field(default=None, description="samples it acts on; all if absent")
    channels: tuple[str, ...] | None = Field(default=None, description="channels it acts on; all if absent")
    correlate: Literal["all", "sample", "channel"] = Field(
        default="all", description="one nuisance for all, or one for each sample or channel"
    )
    effect: Literal["norm_shape", "norm", "shape"] = "norm_shape"
    one_sided: OneSided | None = Field(default=None, description="another treatment than the fit's")
    smooth: Smoothing | None = Field(default=None, description="another treatment than the fit's")


class RateConfig(BaseConfig):
    """A log-normal rate uncertainty that does not come from a histogram."""

    value: float | tuple[float, float] = Field(description="relative size, or the factors (down, up)")
    samples: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    group: str = "normalisation"

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
    ranking: bool = True
    scan: bool = True
    scan_points: int = Field(default=11, ge=3)
    limit: bool = True
    confidence_level: float = Field(default=0.95, gt=0, lt=1)
    significance: bool = True
    goodness_of_fit: bool = True
    toys: int = Field(default=0, ge=0, description="toys for the distribution of the signal strength")
    toy_seed: int = Field(default=1, ge=0)


def _overlay(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = {key: _overlay(below[key], value) for key, value in above.items() if _nested(below.get(key), value)}
    return {**below, **above, **both}


def _nested(below: Any, above: Any) -> bool:
    return isinstance(below, dict) and isinstance(above, dict)


class FitConfig(BaseConfig):
    """A fit. A document may hold it at its top level or under the key ``fit:``, beside nothing else."""

    inputs: tuple[Path, ...] = Field(description="histograms.json of one or more runs; their datasets are joined")
    histogram: str = Field(description="name of the fitted histogram, for example score_rs3l")
    samples: dict[str, SampleConfig]
    channels: dict[str, ChannelConfig] = Field(default={}, description="all on the axis if absent")
    rebin: RebinConfig = RebinConfig()
    luminosity: LuminosityConfig = LuminosityConfig()
    cross_sections: dict[str, float] = Field(default={}, description="in pb, instead of a dataset's own")
    data: DataConfig = DataConfig()
    auto_systematics: bool = Field(default=True, description="take every source on the variation axis")
    systematics: dict[str, SystematicConfig] = Field(default={})
    exclude: tuple[str, ...] = Field(default=(), description="sources that are left out")
    rates: dict[str, RateConfig] = Field(default={})
    groups: dict[str, tuple[str, ...]] = Field(
        default={}, description="group -> sources, with wildcards; goes before what the metadata suggest"
    )
    one_sided: OneSided = "error"
    smooth: Smoothing = "none"
    prune: PruneConfig = PruneConfig()
    problems: ProblemsConfig = ProblemsConfig()
    poi: str = "mu"
    poi_bounds: tuple[float, float] | None = Field(default=None, description="from the expected error if absent")
    mc_stat_threshold: float = Field(default=0.0, ge=0, description="threshold of Combine's autoMCStats")
    inference: InferenceConfig = InferenceConfig()
    plots: bool = True
    plot_formats: tuple[Literal["png", "pdf", "svg"], ...] = ("png",)

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, document: Any) -> Any:
        # Overrides of single keys land beside the block when they are given without its name.
        if not isinstance(document, dict) or not isinstance(document.get("fit"), dict):
            return document
        return _overlay(document["fit"], {key: value for key, value in document.items() if key != "fit"})

    @field_validator("inputs", mode="before")
    @classmethod
    def _one_input(cls, value: Any) -> Any:
        return [value] if isinstance(value, (str, Path)) else value

    @field_validator("channels", "samples", mode="before")
    @classmethod
    def _names_alone(cls, value: Any) -> Any:
        return {name: {} for name in value} if isinstance(value, (list, tuple)) else value

    @field_validator("data", mode="before")
    @classmethod
    def _kind_alone(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _consistent(self) -> FitConfig:
        if not self.inputs:
            raise ValueError("inputs must name at least one file")
        if not any(sample.signal for sample in self.samples.values()):
            raise ValueError("no sample is marked as signal: true")
        for name, systematic in self.systematics.items():
            if "seed" in (systematic.source or name, systematic.name):
                raise ValueError("'seed' is a replica of nominal, the closure test, and never a nuisance")
        for kind, entries in (("systematics", self.systematics), ("rates", self.rates)):
            for name, entry in entries.items():
                unknown = sorted(set(entry.samples or ()) - set(self.samples))
                if unknown:
                    raise ValueError(f"{kind}.{name} names samples that the fit does not have: {', '.join(unknown)}")
                unknown = sorted(set(entry.channels or ()) - set(self.channels)) if self.channels else []
                if unknown:
                    raise ValueError(f"{kind}.{name} names channels that the fit does not have: {', '.join(unknown)}")
        if self.poi_bounds is not None and not self.poi_bounds[0] < self.poi_bounds[1]:
            raise ValueError("poi_bounds must increase")
        return self
