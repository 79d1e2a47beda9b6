"""Settings of the evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveFloat, model_validator

from rs3l_gnn.conventions import BaseConfig, PlotStyle, SplitFractions
from rs3l_gnn.data import WeightConfig
from rs3l_gnn.evaluation.responses.config import Efficiency, PlanConfig, ResponseConfig
from rs3l_gnn.evaluation.stored_scores import StoredScores
from rs3l_gnn.models import Discriminant, ExportedNetwork
from rs3l_gnn.models.folds import FoldNetworks
from rs3l_gnn.training.config import QCD_TYPES, Paths

__all__ = ["BASELINE", "ClassConfig", "CurveConfig", "EvaluateConfig", "SculptingConfig", "TableConfig", "Trainings"]

BASELINE = "n2"
"""Name of the classical baseline, as a tagger and wherever a training is asked for."""


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, (str, Path)) else value


Other = Annotated[ExportedNetwork | StoredScores | FoldNetworks, Field(discriminator="kind")]
"""A tagger that is none of our trainings."""
Trainings = Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
"""Weights of one recipe, trained once or several times with other seeds."""


class ClassConfig(BaseConfig):
    """One class of jets."""

    name: str = Field(description="name in the report and the plots")
    jettypes: tuple[str, ...] = Field(
        min_length=1, description="names of conventions.JetType, or labels of the simulation's own that the views have"
    )


class CurveConfig(BaseConfig):
    """Performance against a number: of labels, of pre-training events, ..."""

    x_label: str = Field(description="what the horizontal axis shows, with its unit")
    log_x: bool = Field(True, description="logarithmic horizontal axis")
    lines: dict[str, dict[float, Trainings]] = Field(description="name of each line, value of x, trainings")
    references: dict[str, Trainings] = Field({}, description="trainings that do not depend on x, or n2")
    reference: str | None = Field(None, description="line or reference that the others are divided by")
    efficiency: Efficiency = Field(0.5, description="signal efficiency of the rejection")
    variations: bool = Field(False, description="score all variations, for the distances; slower")
    extrapolate_to: float | None = Field(None, gt=0, description="draw power laws of each line up to this x")
    aims: dict[float, PositiveFloat] = Field(
        {}, description="x and the ratio of 1/FPR to the reference that is aimed at"
    )
    signal: ClassConfig | None = Field(None, description="another signal than the evaluation's")
    background: ClassConfig | None = Field(None, description="another background than the evaluation's")
    caption: str = Field("", description="a sentence for the report")

    @model_validator(mode="before")
    @classmethod
    def _distinct(cls, document: Any) -> Any:
        lines = document.get("lines") if isinstance(document, Mapping) else None
        for name, points in lines.items() if isinstance(lines, Mapping) else ():
            numbers = [_number(x) for x in points] if isinstance(points, Mapping) else []
            if len(set(numbers)) != len(numbers):
                raise ValueError(f"line {name!r} has two points at the same x: {', '.join(map(str, points))}")
        return document

    @model_validator(mode="after")
    def _consistent(self) -> CurveConfig:
        if not self.lines or any(not points for points in self.lines.values()):
            raise ValueError("lines needs at least one line, and each line at least one point")
        both = set(self.lines) & set(self.references)
        if both:
            raise ValueError(f"{', '.join(sorted(both))} is a line and a reference; rename one")
        if self.reference is not None and self.reference not in (*self.lines, *self.references):
            allowed = ", ".join((*self.lines, *self.references))
            raise ValueError(f"reference must name a line or one of references ({allowed}), got {self.reference!r}")
        xs = {x for points in self.lines.values() for x in points}
        if (self.log_x or self.extrapolate_to is not None) and min(xs) <= 0:
            raise ValueError(
                f"a logarithmic axis or an extrapolation needs x > 0, got {min(xs):g}; use references for zero"
            )
        if self.aims and self.reference is None:
            raise ValueError("aims need a reference")
        if not set(self.aims) <= xs:
            raise ValueError(f"aims must lie at x values of the lines ({_listing(xs)}), got {_listing(self.aims)}")
        return self


class TableConfig(BaseConfig):
    """Rows of trainings compared with one of them."""

    rows: dict[str, Trainings] = Field(description="label and trainings of each row, or n2")
    reference: str = Field(description="label of the row that the others are compared with")
    efficiencies: tuple[Efficiency, ...] = Field(
        (0.5, 0.8), min_length=1, description="signal efficiencies of the rejection"
    )
    variations: bool = Field(False, description="score all variations, for the distances; slower")
    signal: ClassConfig | None = Field(None, description="another signal than the evaluation's")
    background: ClassConfig | None = Field(None, description="another background than the evaluation's")
    caption: str = Field("", description="a sentence for the report")

    @model_validator(mode="after")
    def _consistent(self) -> TableConfig:
        if self.reference not in self.rows:
            raise ValueError(f"reference must name a row ({', '.join(self.rows)}), got {self.reference!r}")
        return self


class SculptingConfig(BaseConfig):
    """Spectrum of the background jets that a cut may shape."""

    observable: Literal["msoftdrop", "mass"] = Field("msoftdrop", description="which mass of the jets")
    edges: tuple[float, ...] = Field(
        tuple(map(float, range(40, 260, 10))), min_length=3, description="of its bins in GeV; other jets are left out"
    )

    @model_validator(mode="after")
    def _rising(self) -> SculptingConfig:
        if not all(low < high for low, high in pairwise(self.edges)):
            raise ValueError(f"edges must rise, got {', '.join(f'{edge:g}' for edge in self.edges)}")
        return self


class EvaluateConfig(BaseConfig):
    """Settings of ``rs3l evaluate``."""

    title: str = Field("Evaluation", description="of the report")
    remarks: tuple[str, ...] = Field((), description="sentences for the first lines of the report")
    commands: tuple[str, ...] = Field((), description="commands that made the inputs, for the report")
    views: Paths = Field((), description="outputs of rs3l pair; views of one event may be spread over several files")
    taggers: dict[str, str | tuple[str, ...] | Other] = Field(
        {},
        description="name of each tagger and its weights: shipped ones by name, a file, or a folder of rs3l finetune; "
        "several are repeated trainings of one recipe; or a section with kind: folds (networks of k folds, each "
        "for the events that it left out), stored, onnx or torchscript",
    )
    discriminant: Discriminant | None = Field(
        None,
        description="classes that make one score of taggers with three or more: {signal: [...], background: [...]}",
    )
    discriminants: dict[str, Discriminant] = Field({}, description="the same for single taggers, by their name")
    reference: str | None = Field(None, description="tagger that the others are compared with; the first if null")
    distance_aim: float | None = Field(
        None, gt=0, description="aimed ratio of the Wasserstein distances to those of the reference, for the report"
    )
    curves: dict[str, CurveConfig] = Field({}, description="performance against labels, pre-training events, ...")
    tables: dict[str, TableConfig] = Field({}, description="ablations")
    encoders: dict[str, str] = Field({}, description="further encoders for the linear probe and the latent space")
    histories: dict[str, Path] = Field({}, description="history.csv of trainings to draw, by name")
    signal: ClassConfig = ClassConfig(name="higgs", jettypes=("H_BB",))
    background: ClassConfig = ClassConfig(name="qcd", jettypes=QCD_TYPES)
    others: tuple[ClassConfig, ...] = Field((), description="further classes, probed and varied like the signal")
    variations: tuple[str, ...] | None = Field(None, description="variations to compare; all that occur if null")
    efficiencies: tuple[Efficiency, ...] = Field(
        (0.5, 0.6, 0.7, 0.8, 0.9), min_length=1, description="signal efficiencies"
    )
    bootstrap: int = Field(200, ge=2, description="replicas of the events for the errors")
    responses: ResponseConfig | None = Field(
        ResponseConfig(), description="responses of pass rates to the shower; none if null"
    )
    sculpting: SculptingConfig | None = Field(
        SculptingConfig(), description="how far cuts shape the mass of the background; not at all if null"
    )
    plan: PlanConfig | None = Field(None, description="expected errors of the responses, for rs3l evaluate --plan")
    weights: WeightConfig = WeightConfig()
    splits: SplitFractions = SplitFractions()
    side: Literal["test", "validation"] = Field(
        "test", description="events that are used; validation for choices that the test events must not see"
    )
    allow_training_events: bool = Field(
        False, description="keep events that a tagger was trained on; the report then says how many there are"
    )
    seed: int = Field(1, ge=0, description="of the bootstrap")
    style: PlotStyle = PlotStyle()

    @model_validator(mode="after")
    def _consistent(self) -> EvaluateConfig:
        names = [self.background.name, self.signal.name, *(other.name for other in self.others)]
        if len(set(names)) != len(names):
            raise ValueError(f"two classes have the same name: {', '.join(names)}")
        if BASELINE in self.taggers:
            raise ValueError("the name 'n2' belongs to the classical baseline")
        empty = [name for name, weights in self.taggers.items() if not weights]
        if empty:
            raise ValueError(f"tagger {empty[0]!r} has no weights")
        if unknown := [name for name in self.discriminants if name not in self.taggers]:
            raise ValueError(f"discriminants name no tagger: {', '.join(unknown)}")
        if self.reference is not None and self.reference not in (BASELINE, *self.taggers):
            raise ValueError(f"reference must be n2 or one of {', '.join(self.taggers)}, got {self.reference!r}")
        return self

    @property
    def classes(self) -> tuple[ClassConfig, ...]:
        """Background, signal and the others."""
        return (self.background, self.signal, *self.others)

    @property
    def trainings(self) -> dict[str, tuple[str, ...]]:
        """Weights of every tagger, the baseline first; its name where it is none of our trainings."""
        again = {(name, weights): alias for alias, (name, weights) in self._again.items()}
        return {
            BASELINE: (BASELINE,),
            **{
                name: tuple(again.get((name, weights), weights) for weights in named)
                for name, named in self._named.items()
            },
        }

    def file_of(self, weights: str) -> str:
        """Weights as they were named, for names in :attr:`trainings`."""
        return self._again[weights][1] if weights in self._again else weights

    @property
    def _named(self) -> dict[str, tuple[str, ...]]:
        """Weights of every tagger as they are named; the name of the tagger where it is none of our trainings."""
        values = {name: value if isinstance(value, tuple) else (value,) for name, value in self.taggers.items()}
        return {name: tuple(one if isinstance(one, str) else name for one in value) for name, value in values.items()}

    @property
    def _again(self) -> dict[str, tuple[str, str]]:
        """Names for weights that a tagger before has with another discriminant: tagger and weights of each."""
        first: dict[str, Discriminant | None] = {}
        again = {}
        for name, named in self._named.items():
            own = self.discriminants.get(name, self.discriminant)
            for weights in named:
                if first.setdefault(weights, own) != own:
                    again[f"{weights} ({name})"] = name, weights
        return again

    @property
    def others_than_trainings(self) -> dict[str, ExportedNetwork | StoredScores | FoldNetworks]:
        """Taggers that are no single training of ours; in curves and tables their names stand for them."""
        return {name: value for name, value in self.taggers.items() if not isinstance(value, (str, tuple))}

    @property
    def reference_tagger(self) -> str:
        """The tagger that the others are compared with."""
        return self.reference or next(iter(self.taggers), BASELINE)

    def recipes(self) -> Iterator[tuple[tuple[str, ...], bool]]:
        """All groups of trainings, and whether their scores in the variations are needed."""
        for weights in self.trainings.values():
            yield weights, True
        for curve in self.curves.values():
            groups = [weights for points in curve.lines.values() for weights in points.values()]
            for weights in (*groups, *curve.references.values()):
                yield weights, curve.variations
        for table in self.tables.values():
            for weights in table.rows.values():
                yield weights, table.variations


def _number(x: Any) -> Any:
    try:
        return float(x)
    except (TypeError, ValueError):
        return x  # pydantic says what is wrong with it


def _listing(numbers: Any) -> str:
    return ", ".join(f"{number:g}" for number in sorted(numbers))
