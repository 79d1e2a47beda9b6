"""Losses, contrastive pre-training and fine-tuning.

The names load on first use: importing this room alone does not import torch or Lightning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rs3l_gnn.conventions.lazy import lazy_names

if TYPE_CHECKING:
    from rs3l_gnn.training.config import (
        FinetuneConfig,
        LossConfig,
        OptimizerConfig,
        PretrainConfig,
        ProjectionConfig,
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
    "ProjectionConfig",
    "SavedTraining",
    "TargetConfig",
    "TrainerConfig",
    "finetune",
    "nt_xent",
    "pretrain",
    "supervised_contrastive",
    "vicreg",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "FinetuneConfig": "config",
        "LossConfig": "config",
        "OptimizerConfig": "config",
        "PretrainConfig": "config",
        "ProjectionConfig": "config",
        "SavedTraining": "outputs",
        "TargetConfig": "config",
        "TrainerConfig": "config",
        "finetune": "finetuning",
        "nt_xent": "losses",
        "pretrain": "pretraining",
        "supervised_contrastive": "losses",
        "vicreg": "losses",
    },
)
