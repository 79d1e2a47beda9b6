"""Chunks of event files on the workers of any executor, tried again where they cannot be read, and kept on disk."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.open_trees import close_last
from rs3l_gnn.running.checkpoints import ChunkFolder, code_digest, joint_key
from rs3l_gnn.running.config import ChunkRunConfig
from rs3l_gnn.running.executor import Workers

__all__ = ["ChunkRun", "Failure", "FileChunk", "FileWork"]

_ROOMS = ("conventions", "data")
_RESULTS = tuple(
    f"rs3l_gnn.data.event_pairing.{name}" for name in ("file_index", "jet_table", "jet_matching", "partons")
)
"""Modules whose classes are in results."""


class FileWork(ABC):
    """What is done with a file.

    Attributes:
        entrystart, entrystop: its events that are read.
    """

    entrystart: int
    entrystop: int

    @property
    @abstractmethod
    def filename(self) -> str:
        """For messages."""

    @abstractmethod
    def name(self) -> dict[str, Any] | None:
        """All that decides the result, beside the code of this package; None for a result that is not kept."""

    @abstractmethod
    def result(self) -> Any:
        """Arrays, and classes of a few modules of this room.

        Raises:
            InputFileError: the file cannot be read.
        """


@dataclass(frozen=True)
class FileChunk(FileWork):
    """Some events of a file, and what is done with them.

    Attributes:
        file: the file.
        entrystart, entrystop: its events.
    """

    file: EventFile
    entrystart: int
    entrystop: int

    @property
    def filename(self) -> str:
        """For messages."""
        return self.file.path

    def name(self) -> dict[str, Any]:
        """File, events, and what is done."""
        return {
            "file": [self.file.path, self.file.tree, self.file.uuid, repr(self.file.form)],
            "events": [self.entrystart, self.entrystop],
            "what": [type(self).__name__, self.identity()],
        }

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """All that decides the result, beside the file, its events and the code of this package."""


@dataclass(frozen=True)
class Failure:
    """A chunk that could not be read, after all tries."""

    error: str


@dataclass(frozen=True)
class _Work:
    """What a worker does with a chunk.

    Attributes:
        retries: further tries of a chunk that cannot be read.
        skip: whether a chunk that cannot be read is a result.
        kept: where finished chunks are; None to keep none.
    """

    retries: int
    skip: bool
    kept: ChunkFolder | None

    def __call__(self, item: _Numbered) -> tuple[int, Any, bool]:
        """Number of the chunk, its result, and whether it was there already."""
        chunk = item.chunk
        name = None if self.kept is None else chunk.name()
        if self.kept is not None and name is not None:
            found = self.kept.load(name, modules=_RESULTS)
            if found is not None:
                return item.number, found["result"], True
        result = self._tried(chunk)
        if self.kept is not None and name is not None and not isinstance(result, Failure):
            self.kept.save({"result": result}, name)
        return item.number, result, False

    def _tried(self, chunk: FileWork) -> Any:
        for _ in range(self.retries):
            try:
                return chunk.result()
            except InputFileError:
                close_last()
        try:
            return chunk.result()
        except InputFileError as error:
            close_last()
            if not self.skip:
                raise
            return Failure(str(error))


@dataclass(frozen=True)
class _Numbered:
    number: int
    chunk: FileWork

    @property
    def filename(self) -> str:
        return self.chunk.filename

    @property
    def entrystart(self) -> int:
        return self.chunk.entrystart

    @property
    def entrystop(self) -> int:
        return self.chunk.entrystop


class ChunkRun:
    """Workers that are ready, and the count of what they did.

    Args:
        config: of the run.
        workers: of its executor.
        kept: where finished chunks are; None to keep none.
    """

    def __init__(self, config: ChunkRunConfig, workers: Workers, kept: ChunkFolder | None) -> None:
        self._config, self._workers, self._kept = config, workers, kept
        self.chunks = self.resumed = 0

    @classmethod
    @contextmanager
    def open(cls, config: ChunkRunConfig) -> Iterator[ChunkRun]:
        """Start the workers of a configuration, and stop them at the end of the block."""
        kept = None
        if config.checkpoints is not None:
            key = joint_key({"code": code_digest(_ROOMS)})
            kept = ChunkFolder(config.checkpoints.resolve(), key, config.resume)
        with config.executor.open(_warm_up, retries=config.retries) as workers:
            yield cls(config, workers, kept)

    @property
    def in_pieces(self) -> bool:
        """Whether the results of a file must be whole chunks: they travel, are kept, or are left out."""
        return self._workers.warm_up_seconds is not None or self._kept is not None or self.skips

    @property
    def skips(self) -> bool:
        """Whether files that cannot be read are left out."""
        return self._config.skip_bad_files

    @property
    def chunksize(self) -> int | None:
        """Most events of a chunk of particles; None for as many as fit."""
        return self._config.chunksize

    @property
    def record(self) -> dict[str, Any]:
        """For the report."""
        return {
            "executor": self._config.executor.name,
            "workers": self._workers.number,
            "chunks": self.chunks,
            "chunks_from_checkpoints": self.resumed,
        }

    def results(self, chunks: Sequence[FileWork]) -> Iterator[tuple[int, Any]]:
        """Place and result of each chunk, in any order.

        Args:
            chunks: what to do.

        Returns:
            Numbers and results; a :class:`Failure` for what cannot be read, if files are left out.

        Raises:
            InputFileError: a chunk cannot be read, and files are not left out.
            WorkerError: workers die again and again.
        """
        work = _Work(self._config.retries, self.skips, self._kept)
        items = [_Numbered(number, chunk) for number, chunk in enumerate(chunks)]
        with closing(self._workers.results(items, work)) as results:
            for number, result, resumed in results:
                self.chunks += isinstance(chunks[number], FileChunk)
                self.resumed += resumed
                yield number, result


def _warm_up() -> float:
    """Import what a chunk needs.

    Returns:
        The seconds this took.
    """
    start = time.perf_counter()
    import rs3l_gnn.data.event_pairing.pairing

    del rs3l_gnn
    return time.perf_counter() - start
