"""Trainings that go on from weights."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from rs3l_gnn.conventions import CheckpointError
from rs3l_gnn.models import EdgeConvConfig
from rs3l_gnn.training import OptimizerConfig, PretrainConfig, pretrain

Configs = Callable[..., PretrainConfig]


@pytest.fixture(scope="module")
def first(pretrain_config: Configs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("first") / "out"
    pretrain(pretrain_config(epochs=1), out)
    return out / "encoder.safetensors"


def test_a_training_begins_with_the_weights_that_it_goes_on_from(
    first: Path, pretrain_config: Configs, tmp_path: Path
) -> None:
    """Adam moves no weight by more than about its rate in each of the few steps."""
    rate = 1e-7
    config = pretrain_config(start_from=str(first), seed=5, epochs=1, optimizer=OptimizerConfig(learning_rate=rate))
    pretrain(config, tmp_path / "out")
    before, after = load_file(first), load_file(tmp_path / "out" / "encoder.safetensors")
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert np.abs(after[name] - value).max() <= 20 * rate, name
    assert any((after[name] != value).any() for name, value in before.items()), "nothing was trained"


def test_what_the_weights_had_seen_stays_known(first: Path, pretrain_config: Configs, tmp_path: Path) -> None:
    pretrain(pretrain_config(start_from=str(first), epochs=1), tmp_path / "out")
    record = json.loads((tmp_path / "out" / "provenance.json").read_text())
    before = json.loads((first.parent / "provenance.json").read_text())
    assert record["seen_events"] == 2 * before["seen_events"]
    assert len(record["encoder_digest"]) > 8
    assert "encoder_digest" not in before


def test_weights_of_another_architecture_are_refused(first: Path, pretrain_config: Configs, tmp_path: Path) -> None:
    other: dict[str, Any] = {"encoder": EdgeConvConfig(width=16, layers=1, k=8, hidden=(16,), dim=6)}
    with pytest.raises(CheckpointError, match=r"encoder\.dim .* contradicts the encoder .*got 6; allowed: 8"):
        pretrain(pretrain_config(start_from=str(first), **other), tmp_path / "out")
    assert not (tmp_path / "out").exists()
