"""The executors there are. Not beside their base class, which other packages import while theirs are looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rs3l_gnn.conventions.config_registry import ConfigRegistry
from rs3l_gnn.running.executor import Executor

__all__ = ["EXECUTORS", "AnyExecutor"]

EXECUTORS: ConfigRegistry[Executor] = ConfigRegistry(
    "executor",
    Executor,  # type: ignore[type-abstract]  # a base to compare with, no class to make settings of
    package="rs3l_gnn.running.executors",
    group="rs3l_gnn.executors",
    default="iterative",
)
"""Settings of each executor by name."""

if TYPE_CHECKING:
    AnyExecutor = Executor
else:
    AnyExecutor = EXECUTORS.union()
"""Type of a field of a configuration that takes any of the executors."""
