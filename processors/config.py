"""Configuration of an analysis: files, taggers, selection, channels, systematics and how to run."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from rs3l_gnn.conventions import BaseConfig, ConfigError, Split, SplitFractions
from rs3l_gnn.conventions.expressions import Expression, parse_expression
from rs3l_gnn.conventions.precisions import Precision
from rs3l_gnn.data.fileset import SAMPLE_NAMES
from rs3l_gnn.inference import (
    ADDRESSES,
    Discriminant,
    ExportedNetwork,
    FoldNetworks,
    shipped_names,
    stands_for_several,
)
from rs3l_gnn.processors.histogram_config import AxisConfig, FunctionName, HistogramConfig
from rs3l_gnn.processors.running.exact import Variable
from rs3l_gnn.processors.selection_config import ChannelConfig, ConditionText, JetSelection, named_channels
from rs3l_gnn.processors.systematics_config import PlainName, SystematicsConfig
from rs3l_gnn.running.config import ChunkRunConfig

__all__ = [
    "N2",
    "SCORE",
    "AnalysisConfig",
    "AnyTagger",
    "BootstrapConfig",
    "ProcessorConfig",
    "RunConfig",
    "is_network",
]

N2 = "n2"
SCORE = "score_"
"""Begins the names of the histograms of scores, and stands for scores in expressions."""
_TAKEN = ("covariance", "header")
"""What stands beside the histograms in the files of an output."""


def is_network(model: str | ExportedNetwork | FoldNetworks) -> bool:
    """True for what names a network: one that is shipped, an address, or a file; any other text is an expression."""
    if not isinstance(model, str):
        return True
    if model.startswith(ADDRESSES):
        return True
    path = Path(model)
    if model in shipped_names() or stands_for_several(model) or path.suffix in (".safetensors", ".pt", ".onnx"):
        return True
    try:
        return path.is_file()
    except (OSError, ValueError):  # an expression may be longer than any name of a file
        return False


AnyTagger = str | Annotated[ExportedNetwork | FoldNetworks, Field(discriminator="kind")]


class BootstrapConfig(BaseConfig):
    """Replicas of every histogram, in which the hard events count by chance; a fit compares taggers with them."""

    replicas: int = Field(default=0, ge=0, description="how many; 0 for none; memory and the file grow with them")
    seed: int = Field(default=1, ge=0, description="a replica depends on the seed and its number alone")


class ProcessorConfig(BaseConfig):
    """Everything a processor needs to know on a worker."""

    taggers: dict[PlainName, AnyTagger] = Field(
        default={N2: N2},
        min_length=1,
        description="name -> shipped tagger, checkpoint file, expression of branches that hold scores, a section with "
        "kind: onnx, torchscript or folds, or 'n2' for 1 - N2/0.5, 0 where it is not defined",
    )
    device: str = Field(default="cpu", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu or cuda:n")
    precision: Precision = Field(
        default="float32",
        description="int16: whole numbers of 16 bits in EdgeConv layers, 1.5 times the rate and nearly the same scores",
    )
    discriminants: dict[PlainName, Discriminant] = Field(
        default_factory=dict,
        description="tagger of three or more classes -> those that make its score: {signal: [...], background: [...]}",
    )
    puppi: bool = Field(default=False, description="scale candidates by their PUPPI weights, where files have them")
    threads: int | None = Field(default=1, ge=1, description="threads for each worker; null leaves them alone")
    events: dict[PlainName, ConditionText] = Field(
        default_factory=dict, description="name -> expression that holds for the events that are kept, in this order"
    )
    certified: Path | None = Field(
        default=None,
        description="JSON file of certified luminosity blocks (run -> ranges); others are left out of data",
    )
    jet: JetSelection = JetSelection()
    split: Literal["train", "validation", "test"] | None = Field(
        default=None, description="keep the events of one side only and scale them up by its share"
    )
    fractions: SplitFractions = SplitFractions()
    allow_training_events: bool = Field(
        default=False,
        description="keep simulated events that a network was trained on; the output then says how many there are",
    )
    channels: Annotated[tuple[ChannelConfig, ...], BeforeValidator(named_channels)] = Field(
        default=(ChannelConfig(name="signal"),), min_length=1, description="a list, or name -> expression"
    )
    score: AxisConfig = AxisConfig(bins=200, start=0.0, stop=1.0)
    mass: AxisConfig = AxisConfig(bins=30, start=0.0, stop=300.0)
    pt: AxisConfig = AxisConfig(bins=30, start=400.0, stop=1900.0)
    histograms: dict[PlainName, HistogramConfig] = Field(
        default_factory=dict, description="further histograms: name -> expression or function, and axis"
    )
    systematics: SystematicsConfig = SystematicsConfig()
    skims: bool = Field(default=False, description="write the scored jets as Parquet files and ROOT friend trees")
    paired: bool = Field(
        default=True, description="keep the covariance of nominal and re-simulated scores, which a fit can use"
    )
    bootstrap: BootstrapConfig = BootstrapConfig()

    @field_validator("score", "mass", "pt", mode="before")
    @classmethod
    def _rest_of_the_axis(cls, given: Any, info: ValidationInfo) -> Any:
        """One number of a default axis may be given alone."""
        default = cls.model_fields[str(info.field_name)].default
        return {**default.model_dump(), **given} if isinstance(given, dict) else given

    @field_validator("taggers")
    @classmethod
    def _readable(cls, taggers: dict[str, AnyTagger]) -> dict[str, AnyTagger]:
        for name, model in taggers.items():
            try:
                if isinstance(model, str) and model != N2 and not is_network(model):
                    parse_expression(model)
            except ConfigError as error:
                raise ValueError(f"{name} is neither n2, nor a network, nor an expression: {error}") from error
        return taggers

    @model_validator(mode="after")
    def _consistent(self) -> ProcessorConfig:
        names = [channel.name for channel in self.channels]
        if len(set(names)) < len(names):
            raise ValueError(f"two channels have the same name, got {', '.join(names)}")
        for channel in self.channels:
            unknown = set(channel.cuts) - set(self.jet_variables)
            if unknown:
                raise ValueError(
                    f"channel {channel.name!r} cuts on {', '.join(sorted(unknown))}, "
                    f"allowed: {', '.join(self.jet_variables)}"
                )
        self._require_names()
        for name in self.discriminants:
            if name not in self.networks:
                raise ValueError(f"discriminants name no {'network' if name in self.taggers else 'tagger'}: {name}")
        if self.split is not None and not self.fractions.of(Split[self.split.upper()]) > 0:
            raise ValueError(f"the fraction of the split {self.split!r} is 0")
        return self

    def _require_names(self) -> None:
        taken = [name for name in self.histograms if name in (*self.jet_variables, *_TAKEN) or name.startswith(SCORE)]
        if taken:
            raise ValueError(
                f"histograms must not be named {', '.join(taken)}; {', '.join(self.jet_variables)} are filled anyway"
            )
        stored = {f"taggers.{name}": expression for name, expression in self.stored.items()}
        for where, expression in {**self.expressions, **stored}.items():
            scores = [name for name in expression.names if name.startswith(SCORE)]
            if scores and not where.startswith(("channels.", "histograms.")):
                raise ValueError(f"{where} uses {scores[0]}, but jets are scored later; use channels")
            if unknown := [name for name in scores if name not in self.jet_variables]:
                raise ValueError(f"{where} uses {unknown[0]}, allowed: {', '.join(self.jet_variables)}")

    @property
    def jet_variables(self) -> dict[str, Variable]:
        """What is filled for every jet: name -> its numeric axis."""
        # N2 does not crowd at the ends as trained scores do: bins that are fine there would be wide where it lies.
        even = self.score.model_copy(update={"spacing": "linear"})
        scores = {
            f"{SCORE}{name}": (even if model == N2 else self.score).variable("score", f"Score ({name})")
            for name, model in self.taggers.items()
        }
        return {
            **scores,
            "mass": self.mass.variable("mass", "Soft-drop mass [GeV]"),
            "pt": self.pt.variable("pt", "Jet pT [GeV]"),
        }

    @property
    def variables(self) -> dict[str, Variable]:
        """Histogram name -> its numeric axis."""
        own = {name: histogram.variable(name, name) for name, histogram in self.histograms.items()}
        return {**self.jet_variables, **own}

    @property
    def networks(self) -> dict[str, AnyTagger]:
        """Taggers that are networks: name -> shipped name, file, or file of another format."""
        return {name: model for name, model in self.taggers.items() if model != N2 and is_network(model)}

    @property
    def stored(self) -> dict[str, Expression]:
        """Taggers whose scores the files hold.

        Raises:
            ConfigError: one is no network and cannot be read as an expression.
        """
        texts = {name: model for name, model in self.taggers.items() if isinstance(model, str) and model != N2}
        return {name: parse_expression(model) for name, model in texts.items() if not is_network(model)}

    @property
    def expressions(self) -> dict[str, Expression]:
        """Every expression but those of taggers by its place in the configuration."""
        texts = {
            **{f"events.{name}": text for name, text in self.events.items()},
            **{f"jet.selection.{name}": text for name, text in self.jet.selection.items()},
            **{f"channels.{channel.name}": channel.selection for channel in self.channels},
            **{f"histograms.{name}": histogram.expression for name, histogram in self.histograms.items()},
        }
        return {where: parse_expression(text) for where, text in texts.items() if text is not None}


class RunConfig(ChunkRunConfig):
    """How the chunks are processed."""

    limit_files: int | None = Field(default=None, ge=1, description="files of each data set")
    limit_chunks: int | None = Field(default=None, ge=1, description="chunks of each data set")
    xrootd_timeout: int = Field(default=60, ge=1, description="seconds")


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, (str, Path)) else value


class AnalysisConfig(ProcessorConfig):
    """A whole analysis: files to histograms."""

    filesets: Annotated[tuple[Path, ...], BeforeValidator(_as_tuple)] = Field(
        min_length=1, description="coffea filesets in JSON or YAML; paths in them are relative to the fileset file"
    )
    datasets: Annotated[tuple[str, ...] | None, BeforeValidator(_as_tuple)] = Field(
        default=None, description="keep these data sets only; * is a wildcard"
    )
    exclude: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = Field(
        default=(), description="leave these data sets out; * is a wildcard"
    )
    sample_names: dict[str, str] = Field(default={}, description=SAMPLE_NAMES)
    processor_class: FunctionName | None = Field(
        default=None, description="module:class, a subclass of rs3l_gnn.processors.TaggingProcessor to run"
    )
    run: RunConfig = RunConfig()
    plots: bool = Field(default=False, description="draw every histogram into the folder plots")

    @cached_property
    def processor(self) -> ProcessorConfig:
        """The part that the workers need."""
        return ProcessorConfig.model_construct(**{name: getattr(self, name) for name in ProcessorConfig.model_fields})
