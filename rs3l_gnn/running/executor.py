"""What an executor is. No coffea in here, so that configurations parse quickly."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

from rs3l_gnn.conventions import BaseConfig, WorkerError

__all__ = ["CHUNKS_AHEAD", "Executor", "Function", "Workers", "chunk_name", "dead_workers"]

CHUNKS_AHEAD = 3
"""Most chunks for each worker that are given out before their results are taken: enough that none waits for work, few
enough that results do not pile up where the caller is slower."""

Function = Callable[[Any], Any]
"""What is done with a chunk. It pickles, and so does what it gives."""


@dataclass(frozen=True)
class Workers:
    """Workers that are ready.

    Attributes:
        results: gives what a function makes of the items, in any order, and works little ahead of who takes them.
        number: of processes that work.
        warm_up_seconds: slowest worker's time to import the libraries and load the networks; None where there is no
            worker but this process.
    """

    results: Callable[[Sequence[Any], Function], Generator[Any]]
    number: int
    warm_up_seconds: float | None


class Executor(BaseConfig):
    """Where the chunks are processed. Each executor derives its settings from this class, and says how it starts."""

    name: str

    shorthand: ClassVar[frozenset[str]] = frozenset()
    """Keys beside its fields that an executor understands."""

    @abstractmethod
    def open(self, warm_up: Callable[[], float], *, retries: int) -> AbstractContextManager[Workers]:
        """Start workers, and stop them at the end of the block.

        Args:
            warm_up: called once on each worker; it gives the seconds that it took.
            retries: how often a chunk goes to others when its worker dies.

        Raises:
            ClusterError: there are no workers to be had.
            WorkerError: (by ``results``) workers die again and again.
        """


def chunk_name(item: Any) -> str:
    """How messages name a chunk."""
    return f"{item.filename}, events {item.entrystart} to {item.entrystop}"


def dead_workers(what: str) -> WorkerError:
    """The error for workers that die again and again."""
    return WorkerError(what, hint="most likely memory ran out: lower run.chunksize, or give workers more of it")
