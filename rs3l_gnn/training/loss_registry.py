"""The losses there are. Not beside their base class, which other packages import while their losses are looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rs3l_gnn.conventions.config_registry import ConfigRegistry
from rs3l_gnn.training.loss import Loss

__all__ = ["LOSSES", "AnyLoss"]

LOSSES: ConfigRegistry[Loss] = ConfigRegistry(
    "loss",
    Loss,  # type: ignore[type-abstract]  # a base to compare with, no class to make settings of
    package="rs3l_gnn.training.losses",
    group="rs3l_gnn.losses",
    default="nt_xent",
)
"""Settings of each loss by name."""

if TYPE_CHECKING:
    AnyLoss = Loss
else:
    AnyLoss = LOSSES.union()
"""Type of a field of a configuration that takes any of the losses."""
