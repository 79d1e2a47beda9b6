"""Learning rate as a function of time alone, so that a training that starts again needs no memory of it."""

from __future__ import annotations

import math

from rs3l_gnn.training.config import OptimizerConfig

__all__ = ["learning_rate"]


def learning_rate(config: OptimizerConfig, epoch: float, epochs: int) -> float:
    """Learning rate at a moment of the training.

    Args:
        config: the schedule.
        epoch: epochs done, with fractions [0, epochs).
        epochs: length of the training.
    """
    rate = config.learning_rate
    if config.schedule == "halve":
        rate *= 0.5 ** (int(epoch) // config.halve_every)
    elif config.schedule == "cosine":
        rest = max(epochs - config.warmup_epochs, 1e-9)
        rate *= 0.5 * (1 + math.cos(math.pi * min(max(epoch - config.warmup_epochs, 0.0) / rest, 1.0)))
    if epoch < config.warmup_epochs:
        rate *= epoch / config.warmup_epochs
    return rate
