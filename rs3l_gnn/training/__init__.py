"""Losses, contrastive pre-training and fine-tuning.

The names load on first use: importing this room alone does not import torch or Lightning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rs3l_gnn.conventions.lazy import lazy_names

if TYPE_CHECKING:
    from rs3l_gnn.training.config import (
        FinetuneConfig,
        OptimizerConfig,
        PretrainConfig,
        ProjectionConfig,
        TargetConfig,
        TrainerConfig,
    )
    from rs3l_gnn.training.finetuning import finetune
    from rs3l_gnn.training.loss import Loss
    from rs3l_gnn.training.loss_registry import LOSSES
    from rs3l_gnn.training.losses import (
        NTXent,
        SupervisedContrastive,
        VICReg,
        nt_xent,
        supervised_contrastive,
        vicreg,
    )
    from rs3l_gnn.training.outputs import SavedTraining
    from rs3l_gnn.training.pretraining import pretrain

__all__ = [
    "LOSSES",
    "FinetuneConfig",
    "Loss",
    "NTXent",
    "OptimizerConfig",
    "PretrainConfig",
    "ProjectionConfig",
    "SavedTraining",
    "SupervisedContrastive",
    "TargetConfig",
    "TrainerConfig",
    "VICReg",
    "finetune",
    "nt_xent",
    "pretrain",
    "supervised_contrastive",
    "vicreg",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "LOSSES": "loss_registry",
        "FinetuneConfig": "config",
        "Loss": "loss",
        "NTXent": "losses",
        "OptimizerConfig": "config",
        "PretrainConfig": "config",
        "ProjectionConfig": "config",
        "SavedTraining": "outputs",
        "SupervisedContrastive": "losses",
        "TargetConfig": "config",
        "TrainerConfig": "config",
        "VICReg": "losses",
        "finetune": "finetuning",
        "nt_xent": "losses",
        "pretrain": "pretraining",
        "supervised_contrastive": "losses",
        "vicreg": "losses",
    },
)
