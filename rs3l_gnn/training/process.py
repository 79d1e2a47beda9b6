"""Which of the processes of a training this is, before Lightning has started."""

from __future__ import annotations

import os

from rs3l_gnn.training.config import TrainerConfig

__all__ = ["rank_and_size"]


def rank_and_size(config: TrainerConfig) -> tuple[int, int]:
    """Number of this process and of all; Lightning and torchrun both set ``LOCAL_RANK`` in the processes they start."""
    if config.devices == 1:
        return 0, 1
    return int(os.environ.get("LOCAL_RANK", "0")), config.devices
