"""Coffea processors that apply trained networks to event files, and the analysis built on them.

The folder stands at the top of the repository; its name for ``import`` is ``rs3l_gnn.processors``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rs3l_gnn.processors.analysis import analyze
    from rs3l_gnn.processors.config import AnalysisConfig, ProcessorConfig
    from rs3l_gnn.processors.schema import JetSchema
    from rs3l_gnn.processors.summary import summarise
    from rs3l_gnn.processors.tagging import TaggingProcessor

__all__ = ["AnalysisConfig", "JetSchema", "ProcessorConfig", "TaggingProcessor", "analyze", "summarise"]

_MODULES = {
    "AnalysisConfig": "config",
    "JetSchema": "schema",
    "ProcessorConfig": "config",
    "TaggingProcessor": "tagging",
    "analyze": "analysis",
    "summarise": "summary",
}


def __getattr__(name: str) -> Any:
    # Coffea takes seconds to import, so it waits until it is needed.
    if name in _MODULES:
        from importlib import import_module

        return getattr(import_module(f"rs3l_gnn.processors.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
