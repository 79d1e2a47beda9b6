"""Dynamic EdgeConv (arXiv:1801.07829), the backbone of arXiv:2403.07066."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from rs3l_gnn.models.config import EncoderConfig, LayerSizes

if TYPE_CHECKING:
    from torch import nn

__all__ = ["EdgeConvConfig"]


class EdgeConvConfig(EncoderConfig):
    """Particle network, EdgeConv layers, sum, output network. The defaults are those of arXiv:2403.07066."""

    backbone: Literal["edgeconv"] = Field("edgeconv", description="how particles see each other")
    width: int = Field(128, ge=1, le=4096, description="channels of every particle layer")
    layers: int = Field(3, ge=0, le=32, description="layers in which particles see each other")
    k: int = Field(24, ge=1, le=1000, description="neighbours of a particle, itself included")
    hidden: LayerSizes = Field((64, 32, 32), description="layers between the sum over particles and the output")

    torch_threads: ClassVar[bool] = False

    def build(self) -> nn.Module:
        """An :class:`rs3l_gnn.models.particle_encoder.EdgeConvEncoder`."""
        from rs3l_gnn.models.particle_encoder import EdgeConvEncoder

        return EdgeConvEncoder(self)

    def identity(self) -> dict[str, Any]:
        """As the first checkpoints had it, whose settings held the keys of both backbones."""
        return {"heads": 8, **self.model_dump(mode="json")}
