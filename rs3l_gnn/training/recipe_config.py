"""Settings of recipes that go beyond one loss. No torch in here, so that configurations parse quickly."""

from __future__ import annotations

from pydantic import Field

from rs3l_gnn.conventions import BaseConfig
from rs3l_gnn.training.shower_contrasts import Efficiency, Source

__all__ = ["DistillationConfig", "FreePartConfig", "RestartConfig", "TiltConfig"]


class DistillationConfig(BaseConfig):
    """Teachers whose mean logits a tagger learns, beside or instead of the labels."""

    teachers: tuple[str, ...] = Field(min_length=1, description="taggers of the same classes: shipped names or files")
    share: float = Field(0.5, gt=0, le=1, description="of the teachers in the loss; 1 leaves the labels out")
    temperature: float = Field(1.0, gt=0, description="that divides the logits of both sides")


class RestartConfig(BaseConfig):
    """When a training counts as failed, and how often it starts again; the same rule for every recipe."""

    after_steps: int = Field(400, ge=1, description="steps after which it is asked, at the latest after the last one")
    learnt: float = Field(
        0.02,
        gt=0,
        lt=1,
        description="failed is a training whose validation loss is not smaller by this share than that of a network "
        "to which all jets look alike",
    )
    attempts: int = Field(3, ge=1, description="trainings in all, each with the next seed; then it is an error")


class FreePartConfig(BaseConfig):
    """How much a head sees of the free part of an embedding that was pre-trained in two parts."""

    begins: int = Field(ge=1, description="first number of the embedding that is free; split.invariant of the encoder")
    factor: float = Field(ge=0, le=1, description="0: the invariant part alone, 1: both as they are")


class TiltConfig(BaseConfig):
    """Which responses of the signal efficiency a finished tagger is turned against."""

    by: Source = Field("views", description="re-showered views, or the shower weights of the nominal views")
    scales: tuple[str, ...] = Field(("fsr x2",), min_length=1, description="which scales, by kind and factor")
    efficiencies: tuple[Efficiency, ...] = Field((0.5, 0.8), min_length=1, description="of the signal, at the cuts")
    classes: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="of three or more, those that are signals; of two it is the signal",
    )
    background: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="of three or more, those that each signal is told from, as in the discriminants of an analysis; "
        "those that are no signals if null",
    )
