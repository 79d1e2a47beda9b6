"""Checkpoints of unfinished trainings, with their own sum at the end: no damage goes on unseen into a training."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from rs3l_gnn.conventions import TrainingError
from rs3l_gnn.conventions.inputs import reading

__all__ = ["read_state", "seal"]

_MARK = b"rs3l-sha256:"
_LENGTH = len(_MARK) + 32
"""Bytes behind the archive of torch, which reads on as before."""
_BLOCK = 2**20


def seal(path: Path) -> None:
    """Write the sum of a checkpoint behind it; one that is a folder of shards stays as it is."""
    if path.is_file():
        digest = _sum(path, path.stat().st_size)
        with path.open("ab") as stream:
            stream.write(_MARK + digest)


def read_state(path: Path) -> dict[str, Any]:
    """A checkpoint of Lightning, without running any code of it.

    Raises:
        TrainingError: it is not there, is no checkpoint, or is not what was written.
    """
    hint = f"remove {path.parent} to start afresh"
    with reading(path, "cannot be read as a checkpoint", error=TrainingError, hint=hint):
        if path.is_file() and not _is_whole(path):
            raise TrainingError(f"the checkpoint {path} is not as it was written", hint=hint)
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return checkpoint


def _is_whole(path: Path) -> bool:
    size = path.stat().st_size - _LENGTH
    if size < 0:
        return False
    with path.open("rb") as stream:
        stream.seek(size)
        end = stream.read()
    return end == _MARK + _sum(path, size)


def _sum(path: Path, size: int) -> bytes:
    """SHA-256 of the first ``size`` bytes."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(min(_BLOCK, size - stream.tell())):
            found.update(block)
    return found.digest()
