"""Which of the processes of a training this is, before Lightning has started."""

from __future__ import annotations

import os

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.training.config import TrainerConfig

__all__ = ["rank_and_size"]


def rank_and_size(config: TrainerConfig, batch_events: int) -> tuple[int, int]:
    """Number of this process and of all; Lightning and torchrun both set ``LOCAL_RANK`` in the processes they start.

    Raises:
        ConfigError: ``batch_events`` is not a multiple of the processes, which would have unequal shares of a batch.
    """
    if batch_events % config.devices:
        raise ConfigError("batch_events is not a multiple of trainer.devices", got=f"{batch_events}, {config.devices}")
    return (0, 1) if config.devices == 1 else (int(os.environ.get("LOCAL_RANK", "0")), config.devices)
