"""Settings of the evaluation."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from rs3l_gnn.conventions import BaseConfig, JetType, SplitFractions
from rs3l_gnn.training.config import QCD_TYPES, Paths

__all__ = ["ClassConfig", "EvaluateConfig"]


class ClassConfig(BaseConfig):
    """One class of jets."""

    name: str = Field(description="name in the report and the plots")
    jettypes: tuple[str, ...] = Field(description="names of conventions.JetType")

    @model_validator(mode="after")
    def _known(self) -> ClassConfig:
        unknown = [name for name in self.jettypes if name not in JetType.__members__]
        if unknown or not self.jettypes:
            raise ValueError(f"jettypes must name some of {', '.join(JetType.__members__)}, got {list(self.jettypes)}")
        return self


class EvaluateConfig(BaseConfig):
    """Settings of ``rs3l evaluate``."""

    views: Paths = Field((), description="outputs of rs3l pair")
    taggers: dict[str, str] = Field(
        {},
        description="name of each tagger and its weights: shipped ones by name, a file, or a folder of rs3l finetune",
    )
    encoders: dict[str, str] = Field({}, description="further encoders for the linear probe, by name")
    histories: dict[str, Path] = Field({}, description="history.csv of trainings to draw, by name")
    signal: ClassConfig = ClassConfig(name="higgs", jettypes=("H_BB",))
    background: ClassConfig = ClassConfig(name="qcd", jettypes=QCD_TYPES)
    others: tuple[ClassConfig, ...] = Field((), description="further classes, probed and varied like the signal")
    variations: tuple[str, ...] | None = Field(None, description="variations to compare; all that occur if null")
    efficiencies: tuple[float, ...] = Field((0.5, 0.6, 0.7, 0.8, 0.9), description="signal efficiencies")
    bootstrap: int = Field(200, ge=2, description="replicas of the events for the errors")
    splits: SplitFractions = SplitFractions()
    seed: int = Field(1, ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> EvaluateConfig:
        names = [self.background.name, self.signal.name, *(other.name for other in self.others)]
        if len(set(names)) != len(names):
            raise ValueError(f"two classes have the same name: {', '.join(names)}")
        if any(not 0 < efficiency < 1 for efficiency in self.efficiencies):
            raise ValueError(f"efficiencies must lie between 0 and 1, got {list(self.efficiencies)}")
        if "n2" in self.taggers:
            raise ValueError("the name 'n2' belongs to the classical baseline")
        return self

    @property
    def classes(self) -> tuple[ClassConfig, ...]:
        """Background, signal and the others."""
        return (self.background, self.signal, *self.others)
