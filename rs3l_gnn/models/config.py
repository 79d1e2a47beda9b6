"""Sizes of encoders and heads. No torch in here, so that configurations parse quickly."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from rs3l_gnn.conventions import FEATURE_NAMES, BaseConfig

__all__ = ["EncoderConfig", "HeadConfig"]


class EncoderConfig(BaseConfig):
    """Encoder of one jet: particles in, one vector out. The defaults are those of arXiv:2403.07066."""

    backbone: Literal["edgeconv", "transformer"] = Field("edgeconv", description="how particles see each other")
    features: tuple[str, ...] = Field(FEATURE_NAMES, description="inputs by name, in the order of the first layer")
    width: int = Field(128, ge=1, le=4096, description="channels of every particle layer")
    layers: int = Field(3, ge=0, le=32, description="EdgeConv or attention layers")
    k: int = Field(24, ge=1, le=1000, description="neighbours of a particle, itself included (edgeconv)")
    heads: int = Field(8, ge=1, le=64, description="attention heads (transformer)")
    hidden: tuple[int, ...] = Field((64, 32, 32), description="layers between the sum over particles and the output")
    dim: int = Field(8, ge=1, le=4096, description="length of the embedding; the paper uses 8, 128 and 512")

    @field_validator("features")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in FEATURE_NAMES]
        if unknown:
            raise ValueError(f"unknown features {', '.join(unknown)}; allowed: {', '.join(FEATURE_NAMES)}")
        if not names or len(set(names)) != len(names):
            raise ValueError("features must be named once each, and at least one")
        return names

    @field_validator("hidden")
    @classmethod
    def _positive(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        return _require_positive(sizes)

    @model_validator(mode="after")
    def _heads_divide_width(self) -> EncoderConfig:
        if self.backbone == "transformer" and self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


class HeadConfig(BaseConfig):
    """Classifier on the normalised embedding: ``()`` is one linear layer, ``(128, 64, 32, 8)`` the paper's five."""

    hidden: tuple[int, ...] = Field((), description="hidden layers, with ReLU between")
    n_classes: int = Field(1, ge=1, description="1: one logit, signal against background; else one logit a class")

    @field_validator("hidden")
    @classmethod
    def _positive(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        return _require_positive(sizes)


def _require_positive(sizes: tuple[int, ...]) -> tuple[int, ...]:
    if any(size < 1 for size in sizes):
        raise ValueError(f"layer sizes must be at least 1, got {sizes}")
    return sizes
