"""Trainings in processes of their own: killed without warning, and two that share a batch."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch

from rs3l_gnn.models import BACKBONES
from rs3l_gnn.models.threads import thread_count
from rs3l_gnn.training import FinetuneConfig, PretrainConfig, finetune, pretrain
from rs3l_gnn.training.runner import quiet_lightning, training_threads

_RUN = """
import json, sys
from pathlib import Path
from rs3l_gnn.models import BACKBONES, EdgeConvConfig, Encoder, EncoderConfig, make_encoder
from rs3l_gnn.models.threads import thread_count
from rs3l_gnn.training import FinetuneConfig, PretrainConfig, finetune, pretrain
if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    if "architecture" in settings:
        finetune(FinetuneConfig.model_validate(settings), Path(sys.argv[2]))
    else:
        pretrain(PretrainConfig.model_validate(settings), Path(sys.argv[2]))
"""


def document(views: Path, epochs: int, **trainer: Any) -> dict[str, Any]:
    return {
        "views": str(views),
        "batch_events": 20,
        "encoder": {"width": 16, "layers": 1, "k": 6, "hidden": [8], "dim": 4},
        "trainer": {"epochs": epochs, "threads": 1, **trainer},
        "optimizer": {"learning_rate": 0.005, "schedule": "cosine"},
    }


def start(folder: Path, settings: dict[str, Any], output: Path) -> subprocess.Popen[bytes]:
    script = folder / "run.py"
    script.write_text(_RUN)
    return subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, str(script), json.dumps(settings), str(output)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
    )


def history(folder: Path) -> str:
    return (folder / "history.csv").read_text()


@pytest.mark.slow
def test_kill_minus_9_again_and_again(toy_views: Path, tmp_path: Path) -> None:
    settings = document(toy_views, epochs=60)
    pretrain(PretrainConfig.model_validate(settings), tmp_path / "whole")
    checkpoint = tmp_path / ".cut.training" / "last.ckpt"
    rng = np.random.default_rng(1)
    for _ in range(4):
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        process = start(tmp_path, settings, tmp_path / "cut")
        while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before:
            assert process.poll() is None
        time.sleep(rng.uniform(0, 0.1))  # anywhere in an epoch, its validation or its checkpoint
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not (tmp_path / "cut").exists()
    again = start(tmp_path, settings, tmp_path / "cut")
    _, errors = again.communicate()
    assert again.returncode == 0, errors.decode()
    assert history(tmp_path / "cut") == history(tmp_path / "whole")
    weights = [(tmp_path / name / "encoder.safetensors").read_bytes() for name in ("whole", "cut")]
    assert weights[0] == weights[1]


def two_processes(folder: Path, settings: dict[str, Any]) -> list[float]:
    process = start(folder, {**settings, "trainer": {**settings["trainer"], "devices": 2}}, folder / "two")
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    with (folder / "two" / "history.csv").open(newline="") as stream:
        return [float(row["loss"]) for row in csv.DictReader(stream)]


@pytest.mark.slow
def test_two_processes_train_like_one(toy_views: Path, tmp_path: Path) -> None:
    settings = document(toy_views, epochs=3)
    one = pretrain(PretrainConfig.model_validate(settings), tmp_path / "one")
    # The joint batch is the same, but its sums are taken in another order.
    assert two_processes(tmp_path, settings) == pytest.approx([row["loss"] for row in one.history], abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["pretrain", "finetune"])
def test_two_processes_have_the_loss_of_the_joint_batch(toy_views: Path, tmp_path: Path, what: str) -> None:
    settings = document(toy_views, epochs=1)
    settings["optimizer"] = {"learning_rate": 1e-12, "schedule": "constant"}  # all batches see the first weights
    if what == "pretrain":
        one = pretrain(PretrainConfig.model_validate(settings), tmp_path / "one")
    else:
        settings["architecture"] = settings.pop("encoder")
        one = finetune(FinetuneConfig.model_validate(settings), tmp_path / "one")
    assert two_processes(tmp_path, settings) == pytest.approx([row["loss"] for row in one.history], abs=1e-6)


@pytest.mark.parametrize(("backbone", "for_torch"), [("edgeconv", 1), ("transformer", 3)])
def test_threads_are_shared_and_put_back(backbone: str, for_torch: int) -> None:
    before = torch.get_num_threads()
    encoder = BACKBONES[backbone].model_validate({})
    with pytest.raises(KeyError), training_threads(3, encoder):
        assert (torch.get_num_threads(), thread_count(None)) == (for_torch, 3)
        raise KeyError
    assert torch.get_num_threads() == before == thread_count(None)


def test_a_machine_with_slurm_is_no_reason_for_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "srun").write_text("#!/bin/sh\n")
    (tmp_path / "srun").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="srun"):
            pl.Trainer(logger=False, accelerator="cpu")
        with quiet_lightning():
            pl.Trainer(logger=False, accelerator="cpu")
