"""Finished chunks on disk, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from coffea.processor import CheckpointerABC

from rs3l_gnn.conventions import config_digest, file_digest
from rs3l_gnn.processors.config import ProcessorConfig
from rs3l_gnn.processors.running.stored_results import pack, unpack

__all__ = ["ChunkCheckpoints", "code_digest", "run_key"]

_log = logging.getLogger(__name__)
_ROOMS = ("conventions", "data", "models", "inference", "processors")


def code_digest() -> str:
    """Hash of the source files that decide what a chunk gives."""
    found: dict[str, Path] = {}
    for room in _ROOMS:
        # By import: a checkout has processors elsewhere than the rest of the package.
        folder = Path(str(import_module(f"rs3l_gnn.{room}").__file__)).parent
        found |= {f"{room}/{path.relative_to(folder)}": path for path in folder.rglob("*.py")}
    text = "".join(f"{name} {file_digest(path)}\n" for name, path in sorted(found.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def run_key(config: ProcessorConfig, digests: Mapping[str, str]) -> str:
    """Hash of configuration, networks and code: only chunks made with the same three may be used again."""
    parts = {"config": config_digest(config), "models": dict(digests), "code": code_digest()}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class ChunkCheckpoints(CheckpointerABC):  # type: ignore[misc]  # coffea ships no type information
    """One file for each finished chunk.

    A file of another origin in this folder runs no code: it is read as numbers, tables and histograms, or not at all.

    Args:
        folder: where the files are.
        key: from :func:`run_key`.
        resume: False writes checkpoints but ignores those that are there.
    """

    def __init__(self, folder: Path, key: str, *, resume: bool) -> None:
        self.folder, self.resume = Path(folder).resolve() / key[:16], resume

    def path(self, metadata: Mapping[str, Any]) -> Path:
        """File of a chunk: its name depends on the data set, the file's content id, the events and all metadata."""
        # The schema adds its version to the metadata between load and save.
        stable = {key: value for key, value in metadata.items() if key != "version"}
        text = json.dumps(stable, sort_keys=True, default=str)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.chunk"

    def load(self, metadata: Any, processor_instance: Any) -> Any:
        """The stored result of a chunk, None if there is none that can be read."""
        path = self.path(metadata)
        if not self.resume or not path.is_file():
            return None
        try:
            return unpack(path.read_bytes(), module=type(processor_instance).__module__)
        except Exception as error:  # noqa: BLE001  # damaged bytes raise anything
            _log.warning("the checkpoint %s cannot be read (%s); the chunk is processed again", path, error)
            return None

    def save(self, output: Any, metadata: Any, processor_instance: Any) -> None:
        """Store the result of a chunk, unless it is a failure."""
        del processor_instance
        if any("failures" in part for part in output["out"].values()):
            return
        path = self.path(metadata)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".partial-{os.getpid()}")
        partial.write_bytes(pack(output))
        partial.replace(path)
