"""Finished chunks on disk, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import file_digest
from rs3l_gnn.conventions.outputs import cannot_write
from rs3l_gnn.running.stored_results import pack, unpack

__all__ = ["ChunkFolder", "code_digest", "joint_key"]

_log = logging.getLogger(__name__)


def code_digest(rooms: Collection[str]) -> str:
    """Hash of the source files of some folders of the package, which decide what a chunk gives."""
    found: dict[str, Path] = {}
    for room in rooms:
        # By import: a checkout has processors elsewhere than the rest of the package.
        folder = Path(str(import_module(f"rs3l_gnn.{room}").__file__)).parent
        found |= {f"{room}/{path.relative_to(folder)}": path for path in folder.rglob("*.py")}
    text = "".join(f"{name} {file_digest(path)}\n" for name, path in sorted(found.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def joint_key(parts: Mapping[str, Any]) -> str:
    """Hash of configuration, code and what else decides: only chunks made with the same may be used again."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class ChunkFolder:
    """One file for each finished chunk.

    A file of another origin in this folder runs no code: it is read as numbers, tables and histograms, or not at all.

    Attributes:
        base: folder for the chunks of all runs.
        key: from :func:`joint_key`.
        resume: False writes checkpoints but ignores those that are there.
    """

    base: Path
    key: str
    resume: bool

    @property
    def folder(self) -> Path:
        """Where the files of this key are."""
        return self.base.resolve() / self.key[:16]

    def path(self, metadata: Mapping[str, Any]) -> Path:
        """File of a chunk, by all that is said of it."""
        text = json.dumps(metadata, sort_keys=True, default=str)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.chunk"

    def load(self, metadata: Mapping[str, Any], *, modules: Collection[str] = ()) -> Any:
        """The stored result of a chunk, None if there is none that can be read.

        Args:
            metadata: of the chunk.
            modules: whose classes may be in the result.
        """
        path = self.path(metadata)
        if not self.resume or not path.is_file():
            return None
        try:
            return unpack(path.read_bytes(), modules=modules)
        except Exception as error:  # noqa: BLE001  # damaged bytes raise anything
            _log.warning("the checkpoint %s cannot be read (%s); the chunk is processed again", path, error)
            return None

    def save(self, result: Any, metadata: Mapping[str, Any]) -> None:
        """Store the result of a chunk.

        Raises:
            OutputError: it cannot be written.
        """
        path = self.path(metadata)
        partial = path.with_suffix(f".partial-{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(pack(result))
            partial.replace(path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            raise cannot_write(path, error) from error
