"""The ``fit:`` block: one YAML description of a statistical model, from histograms to inference."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from rs3l_gnn.conventions import BaseConfig, PlotStyle
from rs3l_gnn.fits.config.blocks import (
    ChannelConfig,
    Correlate,
    CrossSections,
    DataConfig,
    InferenceConfig,
    LuminosityConfig,
    OneSided,
    ProblemsConfig,
    PruneConfig,
    RateConfig,
    RebinConfig,
    SampleConfig,
    Smoothing,
    SystematicConfig,
    YearConfig,
    one_or_more,
)
from rs3l_gnn.fits.config.reading import ReadingConfig, fields_of

__all__ = ["ComparisonConfig", "FitConfig"]


class ComparisonConfig(BaseConfig):
    """Several taggers, fitted alike, with the data of other simulations."""

    taggers: dict[str, str] = Field(min_length=1, description="tagger -> histogram")
    histogram: str = Field(default="score_{tagger}", description="histogram of a tagger given by its name alone")
    trainings: dict[str, tuple[str, ...]] = Field(
        default={}, description="name -> taggers that are trainings of one recipe, to be averaged"
    )
    pseudo_data: tuple[str, ...] = Field(
        default=(), description="variations that stand in for the data, by registry name or entry on the axis"
    )
    without_source: bool = Field(
        default=True, description="fit pseudo-data without the nuisance of the variation that made them"
    )
    replicas: int = Field(default=0, ge=0, description="replicas of the simulation, for the errors of the errors")
    shower_aim: float = Field(
        default=0.7, gt=0, description="aimed share of the shower's part of the error in that of the other tagger"
    )
    seed: int = Field(default=1, ge=0, description="random seed of the replicas")

    @model_validator(mode="before")
    @classmethod
    def _names_alone(cls, document: Any) -> Any:
        if not isinstance(document, dict) or not isinstance(document.get("taggers"), (list, tuple)):
            return document
        pattern = document.get("histogram", cls.model_fields["histogram"].default)
        if not isinstance(pattern, str) or fields_of(pattern) != {"tagger"}:
            raise ValueError("histogram must hold {tagger} and no other name in braces")
        return {**document, "taggers": {tagger: pattern.format(tagger=tagger) for tagger in document["taggers"]}}

    @model_validator(mode="after")
    def _trainings_are_taggers(self) -> ComparisonConfig:
        named = [tagger for group in self.trainings.values() for tagger in group]
        for wrong, what in (
            (set(named) - set(self.taggers), "name taggers that are not compared"),
            ({tagger for tagger in named if named.count(tagger) > 1}, "name a tagger twice"),
            ({name for name, taggers in self.trainings.items() if not taggers}, "are empty"),
        ):
            if wrong:
                raise ValueError(f"trainings {what}: {', '.join(sorted(wrong))}")
        alone = set(self.taggers) - set(named)
        if alone & set(self.trainings):
            raise ValueError(
                f"trainings and taggers have the same name: {', '.join(sorted(alone & set(self.trainings)))}"
            )
        return self

    @field_validator("pseudo_data", mode="before")
    @classmethod
    def _one_name(cls, value: Any) -> Any:
        return one_or_more(value)


def _overlay(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = {key: _overlay(below[key], value) for key, value in above.items() if _nested(below.get(key), value)}
    return {**below, **above, **both}


def _nested(below: Any, above: Any) -> bool:
    return isinstance(below, dict) and isinstance(above, dict)


class FitConfig(BaseConfig):
    """A fit. A document may hold it at its top level or under the key ``fit:``, beside nothing else."""

    inputs: tuple[Path, ...] = Field(
        default=(), description="histograms of one or more runs; their datasets are joined"
    )
    years: dict[str, YearConfig] = Field(
        default={}, description="instead of inputs: runs of several periods, each with channels of its own"
    )
    reading: ReadingConfig = Field(default=ReadingConfig(), description="where histograms come from another tool")
    histogram: str = Field(
        default="", description="name of the fitted histogram, for example score_rs3l; a comparison has its own"
    )
    samples: dict[str, SampleConfig] = Field(description="processes of the fit by name, one of them the signal")
    channels: dict[str, ChannelConfig] = Field(default={}, description="all on the axis if absent")
    rebin: RebinConfig = RebinConfig()
    luminosity: LuminosityConfig = LuminosityConfig()
    cross_sections: CrossSections = Field(default={}, description="in pb, instead of a dataset's own")
    data: DataConfig = DataConfig()
    auto_systematics: bool = Field(default=True, description="take every source on the variation axis")
    systematics: dict[str, SystematicConfig] = Field(default={}, description="sources by name, where they need more")
    exclude: tuple[str, ...] = Field(default=(), description="sources that are left out, with wildcards")
    correlate: dict[str, Correlate] = Field(
        default={}, description="sources, with wildcards -> one nuisance for each sample, channel or year"
    )
    nuisance_names: dict[str, str] = Field(
        default={}, description="sources, with wildcards -> name, with {source}, {sample}, {channel}, {year}"
    )
    rates: dict[str, RateConfig] = Field(default={}, description="uncertainties of rates alone, by name")
    groups: dict[str, tuple[str, ...]] = Field(
        default={}, description="group -> sources, with wildcards; goes before what the metadata suggest"
    )
    one_sided: OneSided = "error"
    smooth: Smoothing = "none"
    prune: PruneConfig = PruneConfig()
    problems: ProblemsConfig = ProblemsConfig()
    poi: str = Field(default="mu", description="name of the signal strength")
    poi_bounds: tuple[float, float] | None = Field(default=None, description="from the expected error if absent")
    mc_stat_threshold: float = Field(default=0.0, ge=0, description="threshold of Combine's autoMCStats")
    inference: InferenceConfig = InferenceConfig()
    comparison: ComparisonConfig | None = Field(default=None, description="fit several taggers and compare them")
    template_formats: tuple[Literal["json", "zip", "coffea"], ...] = Field(
        default=("json",), description="files of histograms with the templates, readable without this package"
    )
    hepdata: bool = Field(default=False, description="write templates, parameters and results for HEPData, too")
    plots: bool = Field(default=True, description="draw templates, pulls, impacts and the scan")
    plot_formats: tuple[Literal["png", "pdf", "svg"], ...] = Field(("png", "pdf"), description="png, pdf, svg")
    plot_style: PlotStyle = PlotStyle()

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, document: Any) -> Any:
        # Overrides of single keys land beside the block when they are given without its name.
        if not isinstance(document, dict) or not isinstance(document.get("fit"), dict):
            return document
        return _overlay(document["fit"], {key: value for key, value in document.items() if key != "fit"})

    _paths = field_validator("inputs", mode="before")(one_or_more)

    @field_validator("correlate", mode="before")
    @classmethod
    def _one_word(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {source: () if word == "all" else one_or_more(word) for source, word in value.items()}

    @field_validator("years", mode="before")
    @classmethod
    def _years_are_names(cls, value: Any) -> Any:
        # YAML reads 2022 as a number.
        return {str(year): entry for year, entry in value.items()} if isinstance(value, dict) else value

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
        if bool(self.inputs) == bool(self.years):
            raise ValueError("either inputs or years must name at least one file")
        if not self.histogram and self.comparison is None:
            raise ValueError("histogram must name what is fitted")
        if not any(sample.signal for sample in self.samples.values()):
            raise ValueError("no sample is marked as signal: true")
        for name, systematic in self.systematics.items():
            if "seed" in (systematic.source or name, systematic.name):
                raise ValueError("'seed' is a replica of nominal, the closure test, and never a nuisance")
        self._check_samples()
        self._check_names()
        self._check_places()
        if self.poi_bounds is not None and not self.poi_bounds[0] < 1 < self.poi_bounds[1]:
            raise ValueError("poi_bounds must enclose 1, the signal strength of the nominal model")
        return self

    @property
    def all_inputs(self) -> tuple[Path, ...]:
        """Files of all periods."""
        return self.inputs or tuple(path for year in self.years.values() for path in year.inputs)

    def _check_samples(self) -> None:
        owners: dict[str, str] = {}
        for name, sample in self.samples.items():
            for dataset in sample.datasets or (name,):
                other = owners.setdefault(dataset, name)
                if other != name:
                    raise ValueError(f"dataset {dataset} would count twice, in the samples {other} and {name}")
        unknown = sorted(set(self.data.samples or ()) - set(self.samples))
        if unknown:
            raise ValueError(f"data.samples names samples that the fit does not have: {', '.join(unknown)}")

    def _check_names(self) -> None:
        words = [*self.correlate.values(), *(entry.correlate or () for entry in self.systematics.values())]
        words += [rate.correlate for rate in self.rates.values()]
        patterns = [*self.nuisance_names.values(), *(entry.name or "" for entry in self.systematics.values())]
        used = frozenset().union(*(fields_of(pattern) for pattern in [*patterns, *self.rates, self.luminosity.name]))
        unknown = sorted(used - {"source", "sample", "channel", "year"})
        if unknown:
            raise ValueError(f"names of nuisances know source, sample, channel and year, not {', '.join(unknown)}")
        if not self.years and ("year" in used or any("year" in word for word in words)):
            raise ValueError("a nuisance for each year needs runs under years")

    def _check_places(self) -> None:
        for kind, entries in (("systematics", self.systematics), ("rates", self.rates)):
            for name, entry in entries.items():
                unknown = sorted(set(entry.samples or ()) - set(self.samples))
                if unknown:
                    raise ValueError(f"{kind}.{name} names samples that the fit does not have: {', '.join(unknown)}")
                unknown = sorted(set(entry.channels or ()) - set(self.channels)) if self.channels else []
                if unknown:
                    raise ValueError(f"{kind}.{name} names channels that the fit does not have: {', '.join(unknown)}")
                unknown = sorted(set(entry.years or ()) - set(self.years))
                if unknown:
                    raise ValueError(f"{kind}.{name} names years that the fit does not have: {', '.join(unknown)}")
