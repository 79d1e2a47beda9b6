"""Settings of the responses."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from rs3l_gnn.conventions import BaseConfig
from rs3l_gnn.evaluation.responses.observables import Observable

__all__ = ["Efficiency", "PlanConfig", "ProfileConfig", "ResponseConfig"]

Efficiency = Annotated[float, Field(gt=0, lt=1)]


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, (str, Path)) else value


OtherViews = Annotated[tuple[Path, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class ProfileConfig(BaseConfig):
    """Which jets make a response."""

    observables: tuple[Observable, ...] = Field(
        ("multiplicity", "soft_fraction", "prong_distance", "msoftdrop", "n2b1"),
        min_length=1,
        description="in whose bins responses are taken apart",
    )
    bins: int = Field(5, ge=2, le=100, description="bins of equal numbers of nominal jets of the class")
    edges: dict[Observable, tuple[float, ...]] = Field(
        {}, description="edges of an observable's bins instead; the outermost bins hold all that lies beyond"
    )
    efficiency: Efficiency = Field(0.8, description="signal efficiency of the working point")
    soft_z: float = Field(0.01, gt=0, lt=1, description="candidates with a smaller share of the jet's pT are soft")

    @model_validator(mode="after")
    def _rising(self) -> ProfileConfig:
        for name, edges in self.edges.items():
            if len(edges) < 3 or any(low >= high for low, high in itertools.pairwise(edges)):
                raise ValueError(f"edges of {name} must rise and make two bins or more, got {list(edges)}")
        return self


class ResponseConfig(BaseConfig):
    """What pass rates at fixed working points answer to another shower."""

    efficiencies: tuple[Efficiency, ...] | None = Field(
        None, min_length=1, description="signal efficiencies of the working points; those of the evaluation if null"
    )
    generators: tuple[str, ...] | None = Field(
        None,
        description="variations that stand for another generator; if null those that say so of themselves (another "
        "generator, or another shower of Pythia)",
    )
    unpaired: dict[str, OtherViews] = Field(
        {},
        description="name and views of other hard events, from another generator; nominal views are used",
    )
    profile: ProfileConfig | None = Field(None, description="which jets move; nothing of it if null")
    aim: float | None = Field(
        None,
        gt=0,
        description="aimed ratio of the sizes of two responses, for the report: of each tagger's to the other's",
    )


class PlanConfig(BaseConfig):
    """A study before it is made: expected errors of the responses, from a pilot."""

    pilot: Path = Field(description="metrics.json of an evaluation of a few thousand events with the same taggers")
    events: tuple[Annotated[int, Field(ge=2)], ...] = Field(
        (1_000, 3_000, 10_000, 30_000, 100_000, 300_000), min_length=1, description="numbers of test events of a class"
    )
    trainings: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (3, 5), min_length=1, description="numbers of trainings of each tagger"
    )
    share: float = Field(0.5, ge=0, lt=1, description="share of the reference's response that is to be told from it")
    significance: float = Field(3.0, gt=0, le=8, description="standard deviations that the difference shall have")
    response: float | None = Field(
        None, gt=0, description="assumed size of the reference's response; the pilot's if null"
    )
