"""Loggers and callbacks of the user's, accumulated gradients, other precisions: what Lightning has is passed on."""

import csv
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import CSVLogger

from rs3l_gnn.conventions import ConfigError, MissingDependencyError, load_config, parse_config
from rs3l_gnn.models import load_tagger
from rs3l_gnn.training import FinetuneConfig, PretrainConfig, TrainerConfig, finetune, pretrain
from rs3l_gnn.training.extensions import make_callbacks, make_loggers

Pretraining = Callable[..., PretrainConfig]
Finetuning = Callable[..., FinetuneConfig]


class Watching(Callback):
    """Keeps what Lightning hands to callbacks."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.epochs: list[dict[str, float]] = []

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.steps.append(float(trainer.callback_metrics["step_loss"]))

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.epochs.append({name: float(value) for name, value in trainer.callback_metrics.items()})


def test_callbacks_see_every_number_and_change_none(pretrain_config: Pretraining, tmp_path: Path) -> None:
    watching, logger = Watching(), CSVLogger(tmp_path / "mine")
    watched = pretrain(pretrain_config(epochs=3), tmp_path / "a", callbacks=[watching], loggers=[logger])
    alone = pretrain(pretrain_config(epochs=3), tmp_path / "b")
    assert (tmp_path / "a" / "history.csv").read_bytes() == (tmp_path / "b" / "history.csv").read_bytes()
    names = ("learning_rate", "loss", "val_loss", "alignment", "uniformity", "effective_rank")
    for seen, row in zip(watching.epochs, alone.history, strict=True):
        for name in names:
            assert seen[name] == pytest.approx(row[name], rel=1e-6)
    per_epoch = np.reshape(watching.steps, (3, -1)).mean(axis=1)
    assert per_epoch == pytest.approx([row["loss"] for row in watched.history], rel=1e-6)
    assert list((tmp_path / "mine").rglob("metrics.csv"))


def test_early_stopping_of_lightning_works(finetune_config: Finetuning, tmp_path: Path) -> None:
    stopping = EarlyStopping("val_auc", mode="max", min_delta=2.0, patience=2)  # an AUC never rises by 2
    assert len(finetune(finetune_config(epochs=9), tmp_path / "out", callbacks=[stopping]).history) == 3


def test_csv_logger_and_callback_from_yaml(toy_views: Path, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        f"views: {toy_views}\nbatch_events: 16\nencoder: {{width: 16, layers: 1, dim: 4}}\n"
        "trainer:\n  epochs: 2\n  threads: 1\n  log_every: 1\n  loggers: {csv: {flush_logs_every_n_steps: 1}}\n"
        "  callbacks: {'lightning.pytorch.callbacks:LearningRateMonitor': {logging_interval: epoch}}\n"
    )
    result = pretrain(load_config(PretrainConfig, tmp_path / "c.yaml"), tmp_path / "out")
    with (tmp_path / "out" / "csv" / "version_0" / "metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    losses = [float(row["step_loss"]) for row in rows if row["step_loss"]]
    n_steps = len(losses) // 2
    means = [np.mean(losses[:n_steps]), np.mean(losses[n_steps:])]
    assert means == pytest.approx([row["loss"] for row in result.history], rel=1e-5)
    logged = [float(row["alignment"]) for row in rows if row["alignment"]]
    assert logged == pytest.approx([row["alignment"] for row in result.history], rel=1e-5)
    assert [float(row["lr-AdamW"]) for row in rows if row["lr-AdamW"]] == pytest.approx([1e-3, 1e-3])


def test_accumulated_gradients_are_those_of_a_larger_batch(finetune_config: Finetuning, tmp_path: Path) -> None:
    """Two batches of 16 jets in a row are the batch of 32, which is drawn in the same order."""
    whole = finetune(finetune_config(batch_events=32, epochs=3), tmp_path / "whole")
    parts = finetune(finetune_config(batch_events=16, accumulate=2, epochs=3), tmp_path / "parts")
    plain = finetune(finetune_config(batch_events=16, epochs=3), tmp_path / "plain")
    wanted, found, other = (load_tagger(one.checkpoint).state_dict() for one in (whole, parts, plain))
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name].numpy(), value.numpy(), atol=2e-5)
    assert any(not np.allclose(other[name].numpy(), value.numpy(), atol=1e-3) for name, value in wanted.items())


@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed"])
def test_other_precisions_train(finetune_config: Finetuning, tmp_path: Path, precision: str) -> None:
    plain = finetune(finetune_config(), tmp_path / "plain")
    other = finetune(finetune_config(precision=precision), tmp_path / "other")
    tolerance = 1e-5 if precision == "64-true" else 2e-2
    assert [row["loss"] for row in other.history] == pytest.approx(
        [row["loss"] for row in plain.history], rel=tolerance
    )
    assert [row["loss"] for row in other.history] != [row["loss"] for row in plain.history]


def test_loggers_that_are_not_installed_are_named(tmp_path: Path) -> None:
    missing = [name for name in ("mlflow", "wandb") if importlib.util.find_spec(name) is None]
    for name in missing:
        with pytest.raises(MissingDependencyError, match=f"the logger '{name}' needs the package {name}"):
            make_loggers({name: {}}, tmp_path)


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"trainer\.loggers\.csv: .*unexpected keyword"):
        make_loggers({"csv": {"nonsense": 1}}, tmp_path)
    with pytest.raises(ConfigError, match="nowhere:Callback cannot be imported"):
        make_callbacks({"nowhere:Callback": {}})
    with pytest.raises(ConfigError, match="pathlib:Path is no class of callbacks"):
        make_callbacks({"pathlib:Path": {}})
    with pytest.raises(ConfigError, match=r"trainer\.callbacks\..*:Timer: .*unexpected keyword"):
        make_callbacks({"lightning.pytorch.callbacks:Timer": {"nonsense": 1}})
    with pytest.raises(ConfigError, match="callbacks"):
        parse_config(TrainerConfig, {"callbacks": {"os.system": {}}}, where="here")
