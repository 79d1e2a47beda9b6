"""Finished chunks of an analysis on disk, as coffea asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coffea.processor import CheckpointerABC

from rs3l_gnn.conventions import config_digest
from rs3l_gnn.processors.config import ProcessorConfig
from rs3l_gnn.running.checkpoints import ChunkFolder, code_digest, joint_key

__all__ = ["ChunkCheckpoints", "run_key"]

_ROOMS = ("conventions", "data", "models", "inference", "processors")


def run_key(config: ProcessorConfig, digests: Mapping[str, str]) -> str:
    """Hash of configuration, networks and code: only chunks made with the same three may be used again."""
    return joint_key({"config": config_digest(config), "models": dict(digests), "code": code_digest(_ROOMS)})


class ChunkCheckpoints(CheckpointerABC):  # type: ignore[misc]  # coffea ships no type information
    """One file for each finished chunk; its name depends on the data set, the content id, the events and all metadata.

    Args:
        folder: where the files are.
        key: from :func:`run_key`.
        resume: False writes checkpoints but ignores those that are there.
    """

    def __init__(self, folder: Path, key: str, *, resume: bool) -> None:
        self.chunks = ChunkFolder(Path(folder).resolve(), key, resume)

    def load(self, metadata: Any, processor_instance: Any) -> Any:
        """The stored result of a chunk, None if there is none that can be read."""
        return self.chunks.load(_stable(metadata), modules=[type(processor_instance).__module__])

    def save(self, output: Any, metadata: Any, processor_instance: Any) -> None:
        """Store the result of a chunk, unless it is a failure."""
        del processor_instance
        if not any("failures" in part for part in output["out"].values()):
            self.chunks.save(output, _stable(metadata))


def _stable(metadata: Mapping[str, Any]) -> dict[str, Any]:
    # The schema adds its version to the metadata between load and save.
    return {key: value for key, value in metadata.items() if key != "version"}
