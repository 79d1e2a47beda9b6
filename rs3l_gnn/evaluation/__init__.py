"""ROC, rejection, distances between variations, with errors over events and trainings, figures and a report.

The names load on first use: importing this room alone imports neither torch nor matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rs3l_gnn.conventions.lazy import lazy_names

if TYPE_CHECKING:
    from rs3l_gnn.evaluation.config import ClassConfig, CurveConfig, EvaluateConfig, TableConfig
    from rs3l_gnn.evaluation.robustness import score_shift
    from rs3l_gnn.evaluation.roc import Roc, roc_curve
    from rs3l_gnn.evaluation.run import evaluate

__all__ = [
    "ClassConfig",
    "CurveConfig",
    "EvaluateConfig",
    "Roc",
    "TableConfig",
    "evaluate",
    "roc_curve",
    "score_shift",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ClassConfig": "config",
        "CurveConfig": "config",
        "EvaluateConfig": "config",
        "Roc": "roc",
        "TableConfig": "config",
        "evaluate": "run",
        "roc_curve": "roc",
        "score_shift": "robustness",
    },
)
