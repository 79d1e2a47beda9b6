"""The launchers there are. Not beside their base class, which other packages import while theirs are looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rs3l_gnn.conventions.config_registry import ConfigRegistry
from rs3l_gnn.running.launcher import Launcher

__all__ = ["LAUNCHERS", "AnyLauncher"]

LAUNCHERS: ConfigRegistry[Launcher] = ConfigRegistry(
    "launcher",
    Launcher,  # type: ignore[type-abstract]  # a base to compare with, no class to make settings of
    package="rs3l_gnn.running.launchers",
    group="rs3l_gnn.launchers",
    default="local",
)
"""Settings of each launcher by name."""

if TYPE_CHECKING:
    AnyLauncher = Launcher
else:
    AnyLauncher = LAUNCHERS.union()
"""Type of a field of a configuration that takes any of the launchers."""
