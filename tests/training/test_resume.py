"""A training that is killed anywhere ends with the same bits as one that is not."""

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from rs3l_gnn.conventions import InputFileError, OutputError, TrainingError
from rs3l_gnn.data import read_views, write_views
from rs3l_gnn.training import FinetuneConfig, PretrainConfig, finetune, pretrain
from rs3l_gnn.training import pretraining as pretraining_module
from rs3l_gnn.training.pretraining import PairBatch, PretrainModule

pytestmark = pytest.mark.usefixtures("global_state_is_left_alone")

Configs = Callable[..., PretrainConfig]


class KilledError(Exception):
    """Stands for the end of the process."""


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A write beyond this size fails as on a full disk, with an error of the operating system."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def result(folder: Path) -> dict[str, bytes]:
    """What must not depend on interruptions: weights and history."""
    files = [*folder.glob("*.safetensors"), folder / "history.csv"]
    return {path.name: path.read_bytes() for path in files}


def kill_at_call(patch: pytest.MonkeyPatch, owner: Any, name: str, number: int) -> None:
    """Make the ``number``-th call of a method the last thing that happens."""
    honest = getattr(owner, name)
    calls = 0

    def dying(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            raise KilledError
        return honest(*arguments, **options)

    patch.setattr(owner, name, dying)


@pytest.fixture(scope="module")
def uninterrupted(pretrain_config: Configs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("whole") / "out"
    pretrain(pretrain_config(epochs=3), out)
    return result(out)


@pytest.mark.parametrize(
    "where",
    [
        (PretrainModule, "batch_loss", 1),  # before anything is kept
        (PretrainModule, "batch_loss", 7),  # in the middle of the second epoch
        (PretrainModule, "validation_metrics", 2),  # after the second epoch, before its checkpoint
        (pretraining_module, "write_training", 1),  # after the last epoch
    ],
    ids=lambda where: f"{where[1]}-{where[2]}",
)
def test_a_killed_training_goes_on(
    uninterrupted: dict[str, bytes],
    pretrain_config: Configs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: tuple[Any, str, int],
) -> None:
    with monkeypatch.context() as patch:
        kill_at_call(patch, *where)
        with pytest.raises(KilledError):
            pretrain(pretrain_config(epochs=3), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    pretrain(pretrain_config(epochs=3), tmp_path / "out")
    assert result(tmp_path / "out") == uninterrupted


def test_it_does_not_start_from_the_beginning(
    pretrain_config: Configs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        kill_at_call(patch, PretrainModule, "validation_metrics", 2)
        with pytest.raises(KilledError):
            pretrain(pretrain_config(epochs=3), tmp_path / "out")
    epochs = []
    honest = PretrainModule.batch_loss

    def noting(self: PretrainModule, batch: PairBatch) -> Tensor:
        epochs.append(self.current_epoch)
        return honest(self, batch)

    monkeypatch.setattr(PretrainModule, "batch_loss", noting)
    history = pretrain(pretrain_config(epochs=3), tmp_path / "out").history
    assert set(epochs) == {1, 2}
    assert [row["epoch"] for row in history] == [1, 2, 3]


def test_a_training_that_stopped_early_stays_stopped(
    pretrain_config: Configs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = pretrain_config(epochs=30, patience=1)
    pretrain(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_at_call(patch, pretraining_module, "write_training", 1)
        with pytest.raises(KilledError):
            pretrain(config, tmp_path / "out")
    history = pretrain(config, tmp_path / "out").history
    assert len(history) < 30
    assert result(tmp_path / "out") == result(tmp_path / "whole")


def test_other_settings_do_not_go_on_from_an_unfinished_training(
    uninterrupted: dict[str, bytes], pretrain_config: Configs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        kill_at_call(patch, PretrainModule, "batch_loss", 7)
        with pytest.raises(KilledError):
            pretrain(pretrain_config(epochs=3, seed=5), tmp_path / "out")
    with pytest.raises(TrainingError, match="unfinished training with other settings or inputs; .*--force"):
        pretrain(pretrain_config(epochs=3), tmp_path / "out")
    pretrain(pretrain_config(epochs=3), tmp_path / "out", force=True)
    assert result(tmp_path / "out") == uninterrupted


def test_a_damaged_checkpoint_is_named(
    pretrain_config: Configs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        kill_at_call(patch, PretrainModule, "batch_loss", 7)
        with pytest.raises(KilledError):
            pretrain(pretrain_config(), tmp_path / "out")
    checkpoint = tmp_path / ".out.training" / "last.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(TrainingError, match="last.ckpt"):
        pretrain(pretrain_config(), tmp_path / "out")


def test_a_full_disk_keeps_the_last_good_epoch(
    uninterrupted: dict[str, bytes], pretrain_config: Configs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / ".out.training"
    with monkeypatch.context() as patch:
        kill_at_call(patch, PretrainModule, "validation_metrics", 2)
        with pytest.raises(KilledError):
            pretrain(pretrain_config(epochs=3), tmp_path / "out")
    before = (state / "last.ckpt").read_bytes()
    with files_of_at_most(len(before) // 2), pytest.raises(OutputError, match=r"cannot write the checkpoint .*\.ckpt"):
        pretrain(pretrain_config(epochs=3), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert (state / "last.ckpt").read_bytes() == before
    pretrain(pretrain_config(epochs=3), tmp_path / "out")
    assert result(tmp_path / "out") == uninterrupted


def test_an_input_that_is_gone_or_changed_is_named(
    pretrain_config: Configs, toy_views: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = tmp_path / "views.h5"
    views.write_bytes(toy_views.read_bytes())
    with monkeypatch.context() as patch:
        kill_at_call(patch, PretrainModule, "batch_loss", 7)
        with pytest.raises(KilledError):
            pretrain(pretrain_config(views=views), tmp_path / "out")
    views.unlink()
    with pytest.raises(InputFileError, match="views.h5 does not exist"):
        pretrain(pretrain_config(views=views), tmp_path / "out")
    write_views(views, read_views(toy_views).select_events(np.arange(read_views(toy_views).n_events) > 0))
    with pytest.raises(TrainingError, match="unfinished training with other settings or inputs"):
        pretrain(pretrain_config(views=views), tmp_path / "out")


@pytest.mark.parametrize("mode", ["fixed", "floating"])
def test_a_killed_fine_tuning_goes_on(
    finetune_config: Callable[..., FinetuneConfig],
    pretrain_config: Configs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
) -> None:
    encoder = pretrain(pretrain_config(epochs=1), tmp_path / "encoder").checkpoint
    config = finetune_config(encoder=str(encoder), mode=mode, epochs=3)
    finetune(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_at_call(patch, rs3l_module("finetuning").FinetuneModule, "batch_loss", 6)
        with pytest.raises(KilledError):
            finetune(config, tmp_path / "out")
    finetune(config, tmp_path / "out")
    assert result(tmp_path / "out") == result(tmp_path / "whole")


def rs3l_module(name: str) -> Any:
    """A module of the room; ``rs3l_gnn.training.finetune`` is a function."""
    return sys.modules[f"rs3l_gnn.training.{name}"]
