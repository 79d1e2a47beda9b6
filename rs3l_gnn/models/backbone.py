"""The backbones there are, and an encoder of any of them. No torch in here until one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rs3l_gnn.conventions.config_registry import ConfigRegistry
from rs3l_gnn.models.config import EncoderConfig

if TYPE_CHECKING:
    from rs3l_gnn.models.encoder import Encoder

__all__ = ["BACKBONES", "AnyEncoder", "make_encoder"]

BACKBONES: ConfigRegistry[EncoderConfig] = ConfigRegistry(
    "backbone",
    EncoderConfig,  # type: ignore[type-abstract]  # a base to compare with, no class to make settings of
    package="rs3l_gnn.models.backbones",
    group="rs3l_gnn.backbones",
    key="backbone",
    default="edgeconv",
)
"""Settings of each backbone by name."""

if TYPE_CHECKING:
    AnyEncoder = EncoderConfig
else:
    AnyEncoder = BACKBONES.union()
"""Type of a field of a configuration that takes any of the backbones."""


def make_encoder(config: EncoderConfig) -> Encoder:
    """An encoder with random weights in single precision.

    Args:
        config: which backbone, and its sizes.
    """
    from rs3l_gnn.models.encoder import Encoder, ModuleEncoder
    from rs3l_gnn.models.precision import single_precision

    with single_precision():
        network = config.build()
    return network if isinstance(network, Encoder) else ModuleEncoder(config, network)
