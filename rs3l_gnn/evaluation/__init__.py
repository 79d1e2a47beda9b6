"""ROC, rejection, distances between variations, and their pictures.

The names load on first use: importing this room alone imports neither torch nor matplotlib.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rs3l_gnn.evaluation.config import ClassConfig, EvaluateConfig
    from rs3l_gnn.evaluation.robustness import score_shift
    from rs3l_gnn.evaluation.roc import Roc, roc_curve
    from rs3l_gnn.evaluation.run import evaluate

__all__ = ["ClassConfig", "EvaluateConfig", "Roc", "evaluate", "roc_curve", "score_shift"]

_HOME = {
    "ClassConfig": "config",
    "EvaluateConfig": "config",
    "Roc": "roc",
    "evaluate": "run",
    "roc_curve": "roc",
    "score_shift": "robustness",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
