"""What decides which finished chunks may be used again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.running import checkpoints
from rs3l_gnn.running.checkpoints import ChunkFolder, code_digest


def test_the_code_of_every_folder_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout has processors elsewhere than the rest of the package, and rooms have folders."""
    hashed: list[str] = []

    def digest(path: Path) -> str:
        hashed.append(str(path))
        return ""

    monkeypatch.setattr(checkpoints, "file_digest", digest)
    code_digest(["data", "processors", "running"])
    for room, name in (("processors", "tagging.py"), ("running", "config.py"), ("formats", "delphes.py")):
        assert any(path.endswith(f"{room}/{name}") for path in hashed)


def test_a_chunk_comes_back_for_its_key_and_metadata_alone(tmp_path: Path) -> None:
    store = ChunkFolder(tmp_path, "a" * 64, resume=True)
    store.save({"x": np.arange(3)}, {"file": "1", "start": 0})
    assert store.load({"start": 0, "file": "1"})["x"].tolist() == [0, 1, 2]
    assert store.load({"file": "2", "start": 0}) is None
    assert ChunkFolder(tmp_path, "b" * 64, resume=True).load({"file": "1", "start": 0}) is None
    assert ChunkFolder(tmp_path, "a" * 64, resume=False).load({"file": "1", "start": 0}) is None
    assert [path.suffix for path in store.folder.iterdir()] == [".chunk"]
