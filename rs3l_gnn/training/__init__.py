"""Losses, contrastive pre-training and fine-tuning.

The names load on first use: importing this room alone does not import torch or Lightning.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rs3l_gnn.training.config import (
        FinetuneConfig,
        LossConfig,
        OptimizerConfig,
        PretrainConfig,
        TargetConfig,
        TrainerConfig,
    )
    from rs3l_gnn.training.finetuning import finetune
    from rs3l_gnn.training.losses import nt_xent, supervised_contrastive, vicreg
    from rs3l_gnn.training.outputs import SavedTraining
    from rs3l_gnn.training.pretraining import pretrain

__all__ = [
    "FinetuneConfig",
    "LossConfig",
    "OptimizerConfig",
    "PretrainConfig",
    "SavedTraining",
    "TargetConfig",
    "TrainerConfig",
    "finetune",
    "nt_xent",
    "pretrain",
    "supervised_contrastive",
    "vicreg",
]

_HOME = {
    "FinetuneConfig": "config",
    "LossConfig": "config",
    "OptimizerConfig": "config",
    "PretrainConfig": "config",
    "SavedTraining": "outputs",
    "TargetConfig": "config",
    "TrainerConfig": "config",
    "finetune": "finetuning",
    "nt_xent": "losses",
    "pretrain": "pretraining",
    "supervised_contrastive": "losses",
    "vicreg": "losses",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
