"""Finished chunks of an analysis on disk, and what of a run was there before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from rs3l_gnn.conventions import config_digest
from rs3l_gnn.processors.config import ProcessorConfig
from rs3l_gnn.processors.running.chunking import chunk_metadata
from rs3l_gnn.running.checkpoints import ChunkFolder, code_digest, joint_key

__all__ = ["RESUMED", "ChunkCheckpoints", "run_key"]

RESUMED = "from checkpoints"
"""Key among the metrics of a chunk, and of a run, of what an earlier run did: ``chunks``, ``events`` and ``jets``."""
_ROOMS = ("conventions", "data", "models", "inference", "processors")


def run_key(config: ProcessorConfig, digests: Mapping[str, str]) -> str:
    """Hash of configuration, networks and code: only chunks made with the same three may be used again."""
    return joint_key({"config": config_digest(config), "models": dict(digests), "code": code_digest(_ROOMS)})


@dataclass(frozen=True)
class ChunkCheckpoints:
    """One file for each finished chunk; its name depends on the data set, the content id, the events and all metadata.

    Attributes:
        chunks: where the files are.
        modules: whose classes may be in results, beside those of histograms.
    """

    chunks: ChunkFolder
    modules: Collection[str] = ()

    def load(self, item: Any) -> Any:
        """The stored result of a chunk, with :data:`RESUMED` among its metrics; None if there is none that can be read.

        Args:
            item: coffea's work item.
        """
        found = self.chunks.load(chunk_metadata(item), modules=self.modules)
        if found is None:
            return None
        part = found["out"].get(item.dataset, {})
        resumed = {"chunks": 1, "events": part.get("events", 0), "jets": part.get("scored_jets", 0)}
        return {**found, "metrics": {**found["metrics"], RESUMED: resumed}}

    def save(self, item: Any, result: Any) -> None:
        """Store the result of a chunk, unless it is a failure.

        Raises:
            OutputError: it cannot be written.
        """
        if not any("failures" in part for part in result["out"].values()):
            self.chunks.save(result, chunk_metadata(item))
