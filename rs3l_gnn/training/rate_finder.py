"""Which learning rate to take: the loss while the rate rises step by step (arXiv:1506.01186)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import lightning.pytorch as pl
import numpy as np
from lightning.pytorch.tuner.tuning import Tuner
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.training.config import FinetuneConfig, PretrainConfig
from rs3l_gnn.training.epoch_data import EpochData
from rs3l_gnn.training.finetuning import prepared_finetuning
from rs3l_gnn.training.module import StepModule
from rs3l_gnn.training.pretraining import prepared_pretraining
from rs3l_gnn.training.runner import quiet_lightning

__all__ = ["RateScan", "find_learning_rate", "steepest"]

_STEPS = 10  # of the running mean


@dataclass(frozen=True)
class RateScan:
    """Loss against learning rate.

    Attributes:
        rates: rising [n].
        losses: loss of the batch at each [n].
        suggestion: rate where the loss falls fastest; None where it nowhere falls.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    suggestion: float | None


def find_learning_rate(
    config: PretrainConfig | FinetuneConfig, *, smallest: float = 1e-6, largest: float = 1.0, steps: int = 100
) -> RateScan:
    """Train for some steps while the learning rate rises by a factor each; nothing is kept.

    Parts with rates of their own (``encoder_rate``) keep their ratio. The scan ends early where the loss is four times
    the best one.

    Args:
        config: the training; its schedule is not used.
        smallest, largest: first and last rate.
        steps: of the scan, beyond one epoch if need be.

    Raises:
        ConfigError: rates that do not rise, fewer than 30 steps, or a finished tagger, which is not trained.
    """
    if not 0 < smallest < largest or steps < 3 * _STEPS:
        raise ConfigError(
            f"a scan needs 0 < smallest < largest and {3 * _STEPS} steps", got=f"{smallest}, {largest}, {steps}"
        )
    if isinstance(config, FinetuneConfig) and config.tagger is not None:
        raise ConfigError(
            "a finished tagger is tilted and not trained: it has no learning rate",
            got=f"tagger {config.tagger}",
            hint="leave tagger out to scan a training",
        )
    with _prepared(config) as (module, data), tempfile.TemporaryDirectory() as folder, quiet_lightning():
        module.scan = []
        trainer = pl.Trainer(
            accelerator=config.trainer.accelerator,
            devices=1,
            precision=config.trainer.precision,
            max_epochs=-1,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            num_sanity_val_steps=0,
            limit_val_batches=0,
            gradient_clip_val=module.gradient_clip,
            reload_dataloaders_every_n_epochs=1,
            use_distributed_sampler=False,
            default_root_dir=folder,
        )
        Tuner(trainer).lr_find(
            module, datamodule=data, min_lr=smallest, max_lr=largest, num_training=steps, update_attr=False
        )
        rates, losses = np.array(module.scan, dtype=np.float64).reshape(-1, 2).T
    return RateScan(rates, losses, steepest(rates, losses))


def steepest(rates: NDArray[np.float64], losses: NDArray[np.float64]) -> float | None:
    """Rate where the loss falls fastest in the logarithm of the rate; None where it nowhere falls.

    Args:
        rates: rising [n].
        losses: at each [n]; a running mean over some ten steps is taken, up to the first that is not finite.
    """
    n = int(np.argmin(np.append(np.isfinite(losses), False)))  # numpy takes the value by place
    if n < 2 * _STEPS:
        return None
    kernel = np.hanning(_STEPS + 2)[1:-1]
    smooth = np.convolve(losses[:n], kernel / kernel.sum(), mode="valid")
    middle = np.log(rates[_STEPS // 2 : n - (_STEPS - 1) // 2])
    slopes = np.gradient(smooth, middle)
    best = int(np.argmin(slopes))
    return float(np.exp(middle[best])) if slopes[best] < 0 else None


@contextmanager
def _prepared(config: PretrainConfig | FinetuneConfig) -> Iterator[tuple[StepModule, EpochData]]:
    if isinstance(config, PretrainConfig):
        with prepared_pretraining(config) as (pretraining, data):
            yield pretraining, data
    else:
        with prepared_finetuning(config) as (tuning, data):
            yield tuning, data
