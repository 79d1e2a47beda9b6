"""Coffea processors that apply trained networks to event files, and the analysis built on them.

The folder stands at the top of the repository; its name for ``import`` is ``rs3l_gnn.processors``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rs3l_gnn.conventions.lazy import lazy_names

if TYPE_CHECKING:
    from rs3l_gnn.processors.analysis import analyze
    from rs3l_gnn.processors.config import AnalysisConfig, ProcessorConfig
    from rs3l_gnn.processors.schema import JetSchema
    from rs3l_gnn.processors.summary import summarise
    from rs3l_gnn.processors.tagging import TaggingProcessor

__all__ = ["AnalysisConfig", "JetSchema", "ProcessorConfig", "TaggingProcessor", "analyze", "summarise"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "AnalysisConfig": "config",
        "JetSchema": "schema",
        "ProcessorConfig": "config",
        "TaggingProcessor": "tagging",
        "analyze": "analysis",
        "summarise": "summary",
    },
)
