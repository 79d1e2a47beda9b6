"""The folder that a training leaves."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import BaseConfig, atomic_directory, dump_config, file_digest, provenance, write_json
from rs3l_gnn.data import Views
from rs3l_gnn.training.config import FinetuneConfig, PretrainConfig, TrainerConfig
from rs3l_gnn.training.extensions import FOLDERS
from rs3l_gnn.training.history import Row, best_epoch, write_rows
from rs3l_gnn.training.module import StepModule
from rs3l_gnn.training.runner import TrainingOutcome

__all__ = ["SavedTraining", "chooses", "identity", "label_record", "samples_of", "write_training"]


@dataclass(frozen=True)
class SavedTraining:
    """What a finished training returns.

    Attributes:
        checkpoint: the weights, a ``.safetensors`` file.
        kept_epoch: the epoch that they are of, counted from 1; 0 without a training.
        history: one row an epoch: epoch, learning_rate, loss, val_loss, further metrics, seconds,
            validation_seconds, jets_per_second.
    """

    checkpoint: Path
    kept_epoch: int
    history: list[dict[str, float | None]]


def identity(config: BaseConfig, inputs: Sequence[Path], seed: int) -> dict[str, Any]:
    """Everything that decides the result of a training: settings, inputs by content, versions."""
    record = provenance(config=config, seeds={"seed": seed})
    record["inputs"] = {str(path): file_digest(path) for path in inputs}
    return record


def chooses(trainer: TrainerConfig) -> bool:
    """Whether the validation loss decides anything: which epoch is kept, or when to stop."""
    return trainer.keep == "best" or trainer.patience is not None


def label_record(train: int, validation: int, *, choosing: bool) -> dict[str, int]:
    """How many labelled events a training has seen, for the record of its checkpoint.

    Args:
        train: events that the loss was taken on.
        validation: events of the validation loss.
        choosing: whether that loss decided anything; where it only was written down, its labels do not count.
    """
    counted = validation if choosing else 0
    return {"train": train, "choice": counted, "total": train + counted}


def samples_of(index: Views, *events: NDArray[np.integer]) -> set[str]:
    """Names of the samples that some events are of.

    Args:
        index: the views.
        events: indices of events, several times [n].
    """
    samples = index.sample[index.first[:-1][np.concatenate(events)]]
    return {index.samples[number] for number in np.unique(samples)}


def write_training(
    output: Path,
    module: StepModule,
    outcome: TrainingOutcome,
    *,
    name: str,
    save: Callable[[Path], None],
    config: PretrainConfig | FinetuneConfig,
    record: dict[str, Any],
    state: Path,
    force: bool,
) -> SavedTraining:
    """Write weights, history, settings and provenance; then remove the checkpoints of the unfinished training.

    Args:
        output: the folder.
        module: what was trained; it ends with the weights of the last epoch.
        outcome: how.
        name: stem of the weights, ``encoder`` or ``tagger``; the best and the last epoch stand beside it.
        save: writes the network inside ``module`` to a path.
        config: resolved settings; ``trainer.keep`` says which of the two becomes the result.
        record: provenance.
        state: folder of the checkpoints.
        force: replace an existing output.

    Raises:
        OutputError: the output exists or cannot be written; the checkpoints then stay.
    """
    if outcome.is_writer:
        with atomic_directory(output, force=force) as partial:
            for which, weights in (("best", outcome.best), ("last", outcome.last)):
                module.load_state_dict(weights)
                save(partial / f"{name}_{which}.safetensors")
            shutil.copyfile(partial / f"{name}_{config.trainer.keep}.safetensors", partial / f"{name}.safetensors")
            write_rows(partial / "history.csv", outcome.rows)
            write_rows(partial / "timing.csv", outcome.timing)
            (partial / "config.yaml").write_text(dump_config(config), encoding="utf-8")
            write_json(partial / "provenance.json", record)
            for logs in FOLDERS:
                if (state / logs).is_dir():
                    shutil.copytree(state / logs, partial / logs)
        shutil.rmtree(state)
    merged: list[Row] = [{**row, **time} for row, time in zip(outcome.rows, outcome.timing, strict=True)]
    kept = best_epoch(outcome.rows) + 1 if config.trainer.keep == "best" else len(outcome.rows)
    return SavedTraining(output / f"{name}.safetensors", kept, merged)
