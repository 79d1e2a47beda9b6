from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rs3l_gnn.conventions import TrainingError
from rs3l_gnn.training.sealed import read_state, seal


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "last.ckpt"
    torch.save({"weight": torch.arange(100.0), "rows": [{"loss": 1.5}]}, path)
    seal(path)
    return path


def test_a_sealed_checkpoint_is_read_by_torch_too(checkpoint: Path) -> None:
    for state in (read_state(checkpoint), torch.load(checkpoint, weights_only=True)):
        assert state["rows"] == [{"loss": 1.5}]
        assert state["weight"].tolist() == list(range(100))


def test_no_damage_is_unseen(checkpoint: Path) -> None:
    content = checkpoint.read_bytes()
    for place in range(0, len(content), 29):
        for damaged in (content[:place], content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]):
            checkpoint.write_bytes(damaged)
            with pytest.raises(TrainingError, match=r"last\.ckpt is not as it was written; remove .* to start afresh"):
                read_state(checkpoint)


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    with pytest.raises(TrainingError, match="does not exist"):
        read_state(path)
    path.write_bytes(b"a word")
    seal(path)
    with pytest.raises(TrainingError, match="cannot be read"):
        read_state(path)
    path.unlink()
    path.mkdir()
    seal(path)  # shards of several devices
    with pytest.raises(TrainingError, match="cannot be read"):
        read_state(path)
