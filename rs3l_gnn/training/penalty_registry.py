"""The penalties there are. Not beside their base class, which other packages import while penalties are looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rs3l_gnn.conventions.config_registry import ConfigRegistry
from rs3l_gnn.training.penalty import Penalty

__all__ = ["PENALTIES", "AnyPenalty"]

PENALTIES: ConfigRegistry[Penalty] = ConfigRegistry(
    "penalty",
    Penalty,  # type: ignore[type-abstract]  # a base to compare with, no class to make settings of
    package="rs3l_gnn.training.penalties",
    group="rs3l_gnn.penalties",
    default="response",
)
"""Settings of each penalty by name."""

if TYPE_CHECKING:
    AnyPenalty = Penalty
else:
    AnyPenalty = PENALTIES.union()
"""Type of a field of a configuration that takes any of the penalties."""
