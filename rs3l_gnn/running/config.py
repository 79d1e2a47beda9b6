"""How chunks are processed: the settings that all verbs with chunks share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from rs3l_gnn.conventions import BaseConfig
from rs3l_gnn.running.executor import Executor
from rs3l_gnn.running.executor_registry import EXECUTORS, AnyExecutor
from rs3l_gnn.running.executors.iterative import Iterative

__all__ = ["ChunkRunConfig"]

_BESIDE = ("workers", "scheduler", "worker_timeout", "memory_limit")
"""Settings of executors that may stand beside their name."""


class ChunkRunConfig(BaseConfig):
    """How chunks are processed."""

    executor: AnyExecutor = Field(
        default=Iterative(), description="a name, or a section with a name and settings; workers may stand beside it"
    )
    chunksize: int | None = Field(
        default=None,
        ge=1,
        description="most events in one chunk, which is held in memory whole; null for as many as the number of "
        "candidates in the file allows",
    )
    retries: int = Field(default=1, ge=0, description="how often a chunk that cannot be read is tried again")
    skip_bad_files: bool = Field(default=False, description="go on without files that cannot be read, and list them")
    checkpoints: Path | None = Field(default=None, description="folder that keeps finished chunks for a later run")
    resume: bool = Field(default=False, description="use the chunks found in the checkpoint folder")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, document: Any) -> Any:
        """``executor: dask`` and ``workers: 2`` side by side mean ``executor: {name: dask, workers: 2}``."""
        if not isinstance(document, dict):
            return document
        beside = {key: document[key] for key in _BESIDE if document.get(key) is not None}
        rest = {key: value for key, value in document.items() if key not in _BESIDE}
        executor = rest.get("executor", "iterative")
        if isinstance(executor, str):
            executor = {"name": executor}
        if isinstance(executor, Executor):
            executor = executor.model_dump()
        name = executor.get("name") if isinstance(executor, dict) else None
        if name not in EXECUTORS.parts:
            return {**rest, "executor": executor}  # refused with the names there are
        part = EXECUTORS[str(name)]
        known = part.shorthand | set(part.model_fields)
        if "scheduler" in beside and "scheduler" not in known:
            raise ValueError(f"a scheduler address goes with the executor dask, got {name}")
        return {**rest, "executor": {**executor, **{key: beside[key] for key in beside if key in known}}}

    @model_validator(mode="after")
    def _resumable(self) -> Self:
        if self.resume and self.checkpoints is None:
            raise ValueError("resume needs a checkpoints folder")
        return self
