"""Settings of pairing on event files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from rs3l_gnn.conventions import BaseConfig, JetType
from rs3l_gnn.conventions.expressions import parse_expression
from rs3l_gnn.conventions.scales import NANOAOD_WEIGHTS, weight_name

__all__ = ["EventPairConfig", "JetMatchConfig", "JetSelectionConfig", "LabelConfig", "PartonCheckConfig"]


class PartonCheckConfig(BaseConfig):
    """How it is made sure that two events with the same key are one hard event."""

    source: Literal["auto", "LHEPart", "GenPart", "hardHash", "none"] = Field(
        default="auto", description="hard partons that are compared; auto: the first of these that all files have"
    )
    tolerance: float = Field(
        default=0.01, gt=0, description="largest difference relative to the sum of their pT; files round momenta"
    )
    max_mismatch: float = Field(
        default=0.001, ge=0, le=1, description="share of the events that may disagree; they are left out and counted"
    )


class JetMatchConfig(BaseConfig):
    """Which jets of two views go together."""

    match: Literal["anchor", "generator_jets", "delta_r", "leading"] = Field(
        default="anchor",
        description="by the hard parton or decaying particle, by the generator jet, by the distance of the jets, or by "
        "their order in pT",
    )
    radius: float = Field(default=0.4, gt=0, description="largest distance in (eta, phi) to the anchor or partner")
    max_jets: int | None = Field(default=None, ge=1, description="hardest nominal jets of an event; all if null")
    generator_jets: str | None = Field(
        default=None, description="collection of generator jets; GenJetAK8 for FatJet, GenJet for others if null"
    )


class JetSelectionConfig(BaseConfig):
    """Which jets of each view count."""

    pt_min: float | None = Field(default=None, ge=0, description="GeV, as stored")
    pt_max: float | None = Field(default=None, gt=0, description="GeV, as stored")
    abs_eta_max: float | None = Field(default=None, gt=0, description="largest |eta|")
    where: str | None = Field(
        default=None,
        description="condition on branches, such as jet.nConstituents > 5 and PV_npvsGood > 0",
    )

    @model_validator(mode="after")
    def _rising(self) -> JetSelectionConfig:
        if self.where is not None and parse_expression(self.where).is_condition is False:
            raise ValueError(f"where gives numbers, and a condition is needed, got {self.where!r}")
        if self.pt_min is not None and self.pt_max is not None and not self.pt_min < self.pt_max:
            raise ValueError(f"pt_min must be below pt_max, got {self.pt_min:g} and {self.pt_max:g}")
        return self


class LabelConfig(BaseConfig):
    """Where the labels of jets come from; names are those of ``conventions.JetType``, or the user's own."""

    source: Literal["auto", "history", "branch", "expressions", "dataset", "none"] = Field(
        default="auto",
        description="history of the generator, a branch, expressions, metadata jettype of the data sets, or none; "
        "auto: metadata, else the field jettype of the jets, else the history, whatever there is",
    )
    radius: float | None = Field(
        default=None, gt=0, description="within which a decay lies in a jet (history); that of the jets if null"
    )
    branch: str | None = Field(default=None, description="with a number for each jet or event (branch)")
    values: dict[int, str] = Field(default={}, description="value of the branch -> label; others are UNMATCHED")
    expressions: dict[str, str] = Field(
        default={}, description="label -> condition on branches, such as jet.nBHadrons >= 2; the first that holds"
    )

    @model_validator(mode="after")
    def _whole(self) -> LabelConfig:
        for name in (*self.values.values(), *self.expressions):
            if name not in JetType.__members__ and not name.replace("_", "").isalnum():
                raise ValueError(f"a label holds letters, digits and _ only, got {name!r}")
        if self.source == "branch" and not (self.branch and self.values):
            raise ValueError("source branch needs branch and values")
        if self.source == "expressions" and not self.expressions:
            raise ValueError("source expressions needs expressions")
        for key, source in (("branch", "branch"), ("values", "branch"), ("expressions", "expressions")):
            if getattr(self, key) and self.source != source:
                raise ValueError(f"{key} is of use with source {source} alone, got source {self.source}")
        for text in self.expressions.values():
            parse_expression(text)
        return self


class EventPairConfig(BaseConfig):
    """Event files of any format, whose views are said by the metadata of their data sets."""

    filesets: tuple[Path, ...] = Field(
        default=(), description="filesets in coffea's format (JSON, YAML), as rs3l analyze reads them"
    )
    datasets: tuple[str, ...] | None = Field(
        default=None, description="data sets to read, * is a wildcard; all if null"
    )
    layout: str | dict[str, Any] | None = Field(
        default=None, description="format or map of branches; what a data set's metadata say, or its files, if null"
    )
    puppi: bool = Field(default=False, description="scale candidates by their PUPPI weights")
    event_key: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="branches that tell the events of a data set apart; run, luminosityBlock and event if null",
    )
    partons: PartonCheckConfig = PartonCheckConfig()
    jets: JetMatchConfig = JetMatchConfig()
    selection: JetSelectionConfig = JetSelectionConfig()
    labels: LabelConfig = LabelConfig()
    caps: dict[str, int] = Field(
        default={},
        description="label -> most jets of it from each sample; chosen by event, whatever the order of files",
    )
    weight: str | None = Field(default=None, description="branch with the weight of the generator, if not the format's")
    scores: dict[str, str] = Field(
        default={}, description="tagger -> branch or expression with its score of each jet, kept for an evaluation"
    )
    shower_weights: Literal["auto", "none"] | dict[str, str | tuple[str, ...]] = Field(
        default="auto",
        description="branch with weights of nominal events relative to their own -> what it varies, such as fsr x2; a "
        "list for a branch with several (- for one to leave out), or nanoaod, the documented order of PSWeight; auto: "
        "PSWeight where a file says its order",
    )

    @property
    def weight_branches(self) -> dict[str, tuple[str | None, ...]]:
        """What the entries of each branch vary, None for those left out; empty for auto and none."""
        if isinstance(self.shower_weights, str):
            return {}
        return {branch: _weight_names(branch, entry) for branch, entry in self.shower_weights.items()}

    @model_validator(mode="after")
    def _consistent(self) -> EventPairConfig:
        for name, cap in self.caps.items():
            if cap < 1:
                raise ValueError(f"caps.{name} must be at least 1, got {cap}")
        for text in self.scores.values():
            parse_expression(text)
        names = [name for entry in self.weight_branches.values() for name in entry if name is not None]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"shower_weights: {min(twice)} comes twice")
        if not isinstance(self.shower_weights, str) and not names:
            raise ValueError("shower_weights names no weight; none leaves all out")
        return self


def _weight_names(branch: str, entry: str | tuple[str, ...]) -> tuple[str | None, ...]:
    if entry == "nanoaod":
        return NANOAOD_WEIGHTS
    texts = (entry,) if isinstance(entry, str) else entry
    for text in texts:
        if text != "-" and weight_name(text) is None:
            raise ValueError(
                f"shower_weights.{branch} names a scale and its factor, such as fsr x2 or isr:muRfac=0.5, or - for a "
                f"weight to leave out; got {text!r}"
            )
    return tuple(None if text == "-" else weight_name(text) for text in texts)
