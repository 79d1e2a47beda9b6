"""Configuration of an analysis: files, taggers, selection, channels, systematics and how to run."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from rs3l_gnn.conventions import BaseConfig, Split, SplitFractions
from rs3l_gnn.inference import Discriminant
from rs3l_gnn.inference.tagger import TRAINING_PT_MIN
from rs3l_gnn.processors.running.exact import Variable
from rs3l_gnn.processors.running.executor import Executor
from rs3l_gnn.processors.running.executor_registry import EXECUTORS, AnyExecutor
from rs3l_gnn.processors.running.executors.iterative import Iterative
from rs3l_gnn.processors.systematics_config import PlainName, SystematicsConfig

__all__ = [
    "N2",
    "AnalysisConfig",
    "AxisConfig",
    "BootstrapConfig",
    "ChannelConfig",
    "JetSelection",
    "ProcessorConfig",
    "RunConfig",
]

N2 = "n2"
_BESIDE = ("workers", "scheduler", "worker_timeout", "memory_limit")
"""Settings of executors that may stand beside their name."""


class JetSelection(BaseConfig):
    """Which jet of an event is analysed."""

    choice: Literal["leading", "anchor"] = Field(
        default="leading",
        description="leading: the hardest jet that passes the cuts; anchor: the jet matched to the hard event",
    )
    pt_min: float = Field(default=450.0, ge=0, description="GeV")
    eta_max: float = Field(default=2.5, gt=0)
    mass_min: float | None = Field(default=None, description="soft-drop mass, GeV")
    mass_max: float | None = Field(default=None, description="soft-drop mass, GeV")
    model_pt_min: float | None = Field(
        default=None,
        ge=0,
        description="jets below this pT (GeV) are outside the training range: they are counted, and flagged in skims; "
        "null takes what the checkpoints say, and 450 where they do not",
    )

    @model_validator(mode="after")
    def _ordered(self) -> JetSelection:
        if self.mass_min is not None and self.mass_max is not None and not self.mass_min < self.mass_max:
            raise ValueError(f"mass_min must lie below mass_max, got {self.mass_min} and {self.mass_max}")
        return self

    @property
    def training_pt_min(self) -> float:
        """GeV; the lower end of the training range, of which nothing is known without a network."""
        return TRAINING_PT_MIN if self.model_pt_min is None else self.model_pt_min


class AxisConfig(BaseConfig):
    """Binning of one variable."""

    bins: int = Field(ge=1)
    start: float
    stop: float
    spacing: Literal["linear", "logit"] = Field(
        default="linear", description="logit: fine near both ends, where the scores of a trained tagger pile up"
    )

    @model_validator(mode="after")
    def _ordered(self) -> AxisConfig:
        if not self.start < self.stop:
            raise ValueError(f"start must lie below stop, got {self.start} and {self.stop}")
        if self.spacing == "logit" and self.bins < 3:
            raise ValueError(f"logit spacing needs at least 3 bins, got {self.bins}")
        return self


class ChannelConfig(BaseConfig):
    """One region: events whose jet lies inside every window."""

    name: PlainName
    cuts: dict[str, tuple[float | None, float | None]] = Field(
        default_factory=dict,
        description="window [low, high) for score_<tagger>, mass or pt; null leaves a side open",
    )


class BootstrapConfig(BaseConfig):
    """Replicas of every histogram, in which the hard events count by chance; a fit compares taggers with them."""

    replicas: int = Field(default=0, ge=0, description="how many; 0 for none; memory and the file grow with them")
    seed: int = Field(default=1, ge=0, description="a replica depends on the seed and its number alone")


class ProcessorConfig(BaseConfig):
    """Everything a processor needs to know on a worker."""

    taggers: dict[PlainName, str] = Field(
        default={N2: N2},
        min_length=1,
        description="name -> shipped tagger, checkpoint file, or 'n2' for 1 - N2/0.5, 0 where it is not defined",
    )
    device: str = Field(default="cpu", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu or cuda:n")
    discriminants: dict[PlainName, Discriminant] = Field(
        default_factory=dict,
        description="tagger of three or more classes -> those that make its score: {signal: [...], background: [...]}",
    )
    puppi: bool = Field(default=False, description="scale candidates by their PUPPI weights, where files have them")
    threads: int | None = Field(default=1, ge=1, description="threads for each worker; null leaves them alone")
    jet: JetSelection = JetSelection()
    split: Literal["train", "validation", "test"] | None = Field(
        default=None, description="keep the events of one side only and scale them up by its share"
    )
    fractions: SplitFractions = SplitFractions()
    channels: tuple[ChannelConfig, ...] = Field(default=(ChannelConfig(name="signal"),), min_length=1)
    score: AxisConfig = AxisConfig(bins=200, start=0.0, stop=1.0)
    mass: AxisConfig = AxisConfig(bins=30, start=0.0, stop=300.0)
    pt: AxisConfig = AxisConfig(bins=30, start=400.0, stop=1900.0)
    systematics: SystematicsConfig = SystematicsConfig()
    skims: bool = Field(default=False, description="write the scored jets as Parquet files and ROOT friend trees")
    paired: bool = Field(
        default=True, description="keep the covariance of nominal and re-simulated scores, which a fit can use"
    )
    bootstrap: BootstrapConfig = BootstrapConfig()

    @model_validator(mode="after")
    def _consistent(self) -> ProcessorConfig:
        names = [channel.name for channel in self.channels]
        if len(set(names)) < len(names):
            raise ValueError(f"two channels have the same name, got {', '.join(names)}")
        for channel in self.channels:
            unknown = set(channel.cuts) - set(self.variables)
            if unknown:
                raise ValueError(
                    f"channel {channel.name!r} cuts on {', '.join(sorted(unknown))}, "
                    f"allowed: {', '.join(self.variables)}"
                )
        unknown = set(self.discriminants) - set(self.taggers)
        if unknown:
            raise ValueError(f"discriminants name no tagger: {', '.join(sorted(unknown))}")
        if self.split is not None and not self.fractions.of(Split[self.split.upper()]) > 0:
            raise ValueError(f"the fraction of the split {self.split!r} is 0")
        return self

    @property
    def variables(self) -> dict[str, Variable]:
        """Histogram name -> its numeric axis."""

        def variable(name: str, label: str, axis: AxisConfig) -> Variable:
            return Variable(name, label, axis.bins, axis.start, axis.stop, axis.spacing)

        # N2 does not crowd at the ends as trained scores do: bins that are fine there would be wide where it lies.
        even = self.score.model_copy(update={"spacing": "linear"})
        scores = {
            f"score_{name}": variable("score", f"Score ({name})", even if model == N2 else self.score)
            for name, model in self.taggers.items()
        }
        return {
            **scores,
            "mass": variable("mass", "Soft-drop mass [GeV]", self.mass),
            "pt": variable("pt", "Jet pT [GeV]", self.pt),
        }


class RunConfig(BaseConfig):
    """How the chunks are processed."""

    executor: AnyExecutor = Field(
        default=Iterative(), description="a name, or a section with a name and settings; workers may stand beside it"
    )
    chunksize: int | None = Field(
        default=None,
        ge=1,
        description="most events in one chunk, which is held in memory whole; null for as many as the number of "
        "candidates in the file allows",
    )
    retries: int = Field(default=1, ge=0)
    skip_bad_files: bool = False
    limit_files: int | None = Field(default=None, ge=1, description="files of each data set")
    limit_chunks: int | None = Field(default=None, ge=1, description="chunks of each data set")
    checkpoints: Path | None = Field(default=None, description="folder that keeps finished chunks for a later run")
    resume: bool = Field(default=False, description="use the chunks found in the checkpoint folder")
    xrootd_timeout: int = Field(default=60, ge=1, description="seconds")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, document: Any) -> Any:
        """``executor: dask`` and ``workers: 2`` side by side mean ``executor: {name: dask, workers: 2}``."""
        if not isinstance(document, dict):
            return document
        beside = {key: document[key] for key in _BESIDE if document.get(key) is not None}
        rest = {key: value for key, value in document.items() if key not in _BESIDE}
        executor = rest.get("executor", "iterative")
        if isinstance(executor, str):
            executor = {"name": executor}
        if isinstance(executor, Executor):
            executor = executor.model_dump()
        name = executor.get("name") if isinstance(executor, dict) else None
        if name not in EXECUTORS.parts:
            return {**rest, "executor": executor}  # refused with the names there are
        part = EXECUTORS[str(name)]
        known = part.shorthand | set(part.model_fields)
        if "scheduler" in beside and "scheduler" not in known:
            raise ValueError(f"a scheduler address goes with the executor dask, got {name}")
        return {**rest, "executor": {**executor, **{key: beside[key] for key in beside if key in known}}}

    @model_validator(mode="after")
    def _consistent(self) -> RunConfig:
        if self.resume and self.checkpoints is None:
            raise ValueError("resume needs a checkpoints folder")
        return self


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
    run: RunConfig = RunConfig()
    plots: bool = Field(default=False, description="draw every histogram into the folder plots")

    @cached_property
    def processor(self) -> ProcessorConfig:
        """The part that the workers need."""
        return ProcessorConfig.model_construct(**{name: getattr(self, name) for name in ProcessorConfig.model_fields})
