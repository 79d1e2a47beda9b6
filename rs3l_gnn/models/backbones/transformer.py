"""Self-attention (arXiv:1706.03762) between the particles of a jet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from rs3l_gnn.models.config import EncoderConfig, LayerSizes

if TYPE_CHECKING:
    from torch import nn

__all__ = ["TransformerConfig"]


class TransformerConfig(EncoderConfig):
    """Particle network, attention layers, sum, output network."""

    backbone: Literal["transformer"] = Field("transformer", description="how particles see each other")
    width: int = Field(128, ge=1, le=4096, description="channels of every particle layer")
    layers: int = Field(3, ge=0, le=32, description="layers in which particles see each other")
    heads: int = Field(8, ge=1, le=64, description="attention heads")
    hidden: LayerSizes = Field((64, 32, 32), description="layers between the sum over particles and the output")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> TransformerConfig:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self

    def build(self) -> nn.Module:
        """A :class:`rs3l_gnn.models.particle_encoder.TransformerEncoder`."""
        from rs3l_gnn.models.particle_encoder import TransformerEncoder

        return TransformerEncoder(self)

    def identity(self) -> dict[str, Any]:
        """As the first checkpoints had it, whose settings held the keys of both backbones."""
        return {"k": 24, **self.model_dump(mode="json")}
