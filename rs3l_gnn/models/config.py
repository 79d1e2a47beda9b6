"""What every encoder and head lets its user set. No torch in here, so that configurations parse quickly."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from rs3l_gnn.conventions import FEATURE_NAMES, BaseConfig
from rs3l_gnn.conventions.feature_config import FeatureNames

if TYPE_CHECKING:
    from torch import nn

__all__ = ["EncoderConfig", "HeadConfig", "LayerSizes"]


_WIDEST = 4096


def _require_sizes(sizes: tuple[int, ...]) -> tuple[int, ...]:
    if any(not 1 <= size <= _WIDEST for size in sizes):
        raise ValueError(f"layer sizes must be 1 to {_WIDEST}, got {sizes}")
    return sizes


LayerSizes = Annotated[tuple[int, ...], Field(max_length=32), AfterValidator(_require_sizes)]
"""Channels of layers in a row."""


class EncoderConfig(BaseConfig):
    """Encoder of one jet: particles in, one vector out. Each backbone derives its own settings from this class."""

    backbone: str
    features: FeatureNames = Field(
        FEATURE_NAMES, description="inputs by name or by set (paper, nano), in the order of the first layer"
    )
    dim: int = Field(8, ge=1, le=4096, description="length of the embedding; the paper uses 8, 128 and 512")

    torch_threads: ClassVar[bool] = True
    """False for a backbone whose kernels have threads of their own, beside which those of torch only get in the way."""

    @abstractmethod
    def build(self) -> nn.Module:
        """The network, with random weights: (x [n_particles, n_features], ptr int64 [n_jets + 1]) to [n_jets, dim]."""

    def identity(self) -> dict[str, Any]:
        """What the digest of a checkpoint covers beside the weights."""
        return self.model_dump(mode="json")


class HeadConfig(BaseConfig):
    """Classifier on the normalised embedding: ``()`` is one linear layer, ``(128, 64, 32, 8)`` the paper's five."""

    hidden: LayerSizes = Field((), description="hidden layers, with ReLU between")
    n_classes: int = Field(1, ge=1, le=4096, description="1: one logit, signal or not; else one logit a class")
