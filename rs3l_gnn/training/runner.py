"""Run a training with Lightning: start or go on, keep the best and the last epoch, leave no trace behind."""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from torch import Tensor

from rs3l_gnn.conventions import TrainingError, progress, write_json
from rs3l_gnn.conventions.inputs import reading
from rs3l_gnn.models import EncoderConfig, encoder_threads
from rs3l_gnn.models.threads import thread_count
from rs3l_gnn.training.config import TrainerConfig
from rs3l_gnn.training.epoch_data import EpochData
from rs3l_gnn.training.extensions import make_callbacks, make_loggers
from rs3l_gnn.training.history import EpochEnd, Row, has_stopped
from rs3l_gnn.training.module import StepModule
from rs3l_gnn.training.sealed import read_state

__all__ = ["TrainingOutcome", "prepare_state", "quiet_lightning", "run_training", "training_threads"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingOutcome:
    """What a training leaves.

    Attributes:
        rows: history, one row an epoch.
        timing: seconds and jets per second of each epoch.
        best: weights of the epoch with the smallest validation loss.
        last: weights of the last epoch.
        is_writer: True in the one process that writes the outputs.
    """

    rows: list[Row]
    timing: list[Row]
    best: dict[str, Tensor]
    last: dict[str, Tensor]
    is_writer: bool


def prepare_state(output: Path, identity: dict[str, Any], *, force: bool) -> Path:
    """Folder beside ``output`` where an unfinished training keeps its checkpoints.

    An unfinished training of the same settings and inputs goes on; one of other settings is refused, or thrown away
    with ``force``.

    Raises:
        TrainingError: an unfinished training of other settings is there.
    """
    folder = output.parent / f".{output.name}.training"
    record = folder / "identity.json"
    if record.exists() and json.loads(record.read_text(encoding="utf-8")) != identity:
        if (folder / "last.ckpt").exists() and not force:
            raise TrainingError(
                f"{folder} holds an unfinished training with other settings or inputs",
                hint="finish it with its own settings, choose another output, or pass --force to throw it away",
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not record.exists():
        write_json(record, identity)
    return folder


def run_training(
    module: StepModule,
    data: EpochData,
    *,
    config: TrainerConfig,
    folder: Path,
    what: str,
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger] = (),
) -> TrainingOutcome:
    """Train, from the last checkpoint in ``folder`` if there is one.

    Args:
        module: the step.
        data: its batches.
        config: epochs, devices and the like.
        folder: where the checkpoints are.
        what: name of the training, for the progress.
        callbacks, loggers: of Lightning, beside those of ``config``.

    Raises:
        ConfigError: loggers or callbacks of ``config`` that cannot be made.
        StuckTrainingError: nothing was learnt, after the rule ``config.restart``.
        TrainingError: a loss that is not finite, or a checkpoint that cannot be read.
        MissingDependencyError: TensorBoard is wanted and not installed.
    """
    last = folder / "last.ckpt"
    with (
        quiet_lightning(),
        progress(what, config.epochs * data.n_jets, "jets") as bar,
    ):
        end = EpochEnd(folder, data.n_jets, config.patience, bar, config.restart)
        trainer = pl.Trainer(
            accelerator=config.accelerator,
            devices=config.devices,
            strategy="ddp" if config.devices > 1 and config.strategy == "auto" else config.strategy,
            precision=config.precision,
            max_epochs=config.epochs,
            callbacks=[*make_callbacks(config.callbacks), *callbacks, end],
            logger=[*make_loggers(_loggers(config), folder), *loggers],
            log_every_n_steps=config.log_every,
            accumulate_grad_batches=config.accumulate,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            gradient_clip_val=module.gradient_clip,
            reload_dataloaders_every_n_epochs=1,
            use_distributed_sampler=False,
            default_root_dir=folder,
        )
        if last.exists():
            _log.info("%s: going on from %s", what, last)
            with reading(last, "is no checkpoint of this training", error=TrainingError):
                end.load_state_dict(read_state(last)["callbacks"][EpochEnd.__qualname__])
        # A training that was killed between its last epoch and the writing of its outputs has nothing left to do.
        if len(end.rows) < config.epochs and not has_stopped(end.rows, config.patience):
            try:
                trainer.fit(module, datamodule=data, ckpt_path=last if last.exists() else None, weights_only=True)
            finally:
                data.close()
            trainer.strategy.barrier()
    return TrainingOutcome(
        rows=end.rows,
        timing=end.timing,
        best=read_state(folder / "best.ckpt")["state_dict"],
        last=read_state(last)["state_dict"],
        is_writer=trainer.is_global_zero,
    )


@contextmanager
def training_threads(threads: int | None, encoder: EncoderConfig) -> Iterator[None]:
    """Share the threads for a while: all for the encoder, one for the rest of a step.

    The encoder's kernels have threads of their own. What remains is so small that torch's threads gain nothing there;
    they would wait for their next turn on the cores that the kernels need, which makes a step several times slower
    where other programs run.

    Args:
        threads: how many; None is torch's number.
        encoder: one without kernels of ours leaves the threads to torch.
    """
    before = torch.get_num_threads()
    wanted = thread_count(threads)
    try:
        torch.set_num_threads(wanted if encoder.torch_threads else 1)
        with encoder_threads(wanted):
            yield
    finally:
        torch.set_num_threads(before)


def _loggers(config: TrainerConfig) -> dict[str, dict[str, Any]]:
    named = {str(name): options for name, options in config.loggers.items()}
    return {"tensorboard": {}, **named} if config.tensorboard else named


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keep Lightning's advertisements and hints about choices that are made on purpose out of the user's log."""
    names = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        with warnings.catch_warnings():
            for message in _EXPECTED_WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


_EXPECTED_WARNINGS: Sequence[str] = (
    # The batches come from a thread of ours, not from worker processes of a DataLoader.
    ".*does not have many workers.*",
    # A GPU that is there and not asked for is the user's choice.
    ".*available but not used.*",
    # On a node of a cluster that runs Slurm, this one process is what was asked for.
    "The `srun` command is available.*",
    # Taggers with a fixed encoder are meant to have modules in evaluation mode.
    ".*module\\(s\\) in eval mode.*",
    # Epochs shorter than the steps between two losses are logged once an epoch.
    ".*smaller than the logging interval.*",
    # A message of torch to Lightning.
    ".*isinstance\\(treespec, LeafSpec\\).*",
)
