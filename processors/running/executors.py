"""Executors of coffea for one process, a pool of processes and a Dask cluster.

They add results up here, where the caller stands, and not on the workers: a worker then never holds more than the chunk
it works on, however many events there are.
"""

from __future__ import annotations

import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from coffea.processor import accumulate
from coffea.processor.executor import ExecutorBase

from rs3l_gnn.conventions import ConfigError, InputFileError, progress
from rs3l_gnn.processors.files import is_read_error

__all__ = ["DaskPool", "Guarded", "InProcess", "ProcessPool", "chunk_name"]

_log = logging.getLogger(__name__)
_MEMORY_HINT = "most likely its memory ran out: lower run.chunksize, or raise run.memory_limit"


def chunk_name(item: Any) -> str:
    """How messages name a chunk."""
    return f"{item.filename}, events {item.entrystart} to {item.entrystop}"


@dataclass(frozen=True)
class Guarded:
    """What a worker runs: a chunk that could not be read, after all retries, becomes a result that says so.

    An exception loses its causes on the way from one process to another, so that the caller could not tell a damaged
    file from a mistake in a program.
    """

    function: Callable[[Any], Any]

    def __call__(self, item: Any) -> Any:
        """Process one chunk."""
        try:
            with warnings.catch_warnings():
                # Coffea warns of every attempt; what fails in the end is in the report.
                warnings.filterwarnings("ignore", "Performed attempt", UserWarning)
                return self.function(item)
        except Exception as error:
            cause: BaseException | None = error
            while cause is not None and not is_read_error(cause):
                cause = cause.__cause__
            if cause is None:
                raise
            text = " ".join(str(cause).split()) or type(cause).__name__
            failure = (item.filename, chunk_name(item), InputFileError.__name__, f"cannot be read: {text}")
            return {"out": {item.dataset: {"failures": {failure}}}, "metrics": {}, "processed": {item}}


@dataclass
class _Streaming(ExecutorBase, ABC):  # type: ignore[misc]  # coffea ships no type information
    """Add results up as they come.

    Attributes:
        retries: how often coffea's Runner repeats a chunk that raises.
        sink: sees each result first; it takes out what must not pile up in memory.
    """

    retries: int = 1
    sink: Callable[[Mapping[str, Any]], None] | None = None

    def __call__(
        self, items: Sequence[Any], function: Callable[[Any], Any], accumulator: Any
    ) -> tuple[Any, int | BaseException]:
        """Add the results of ``function`` on all items to ``accumulator``."""
        results = self.results(items, Guarded(function))
        with progress("Analysis", len(items), "chunks") as bar, closing(results):
            for result in results:
                if self.sink is not None:
                    self.sink(result)
                accumulator = accumulate([result], accumulator)
                bar.advance()
        return accumulator, 0

    @abstractmethod
    def results(self, items: Sequence[Any], function: Callable[[Any], Any]) -> Generator[Any]:
        """Results of all items, in any order."""


@dataclass
class InProcess(_Streaming):
    """One chunk after another, in this process."""

    def results(self, items: Sequence[Any], function: Callable[[Any], Any]) -> Generator[Any]:
        """Results in the order of the items."""
        yield from map(function, items)


@dataclass
class ProcessPool(_Streaming):
    """Chunks in a pool of processes; if one of them dies, a new pool does what is left.

    Attributes:
        make_pool: gives a pool that is ready; its owner shuts it down.
    """

    make_pool: Callable[[], Executor] | None = None

    def results(self, items: Sequence[Any], function: Callable[[Any], Any]) -> Generator[Any]:
        """Results as they come."""
        if self.make_pool is None:
            raise ConfigError("a pool of processes needs make_pool")
        left = dict(enumerate(items))
        deaths = 0
        while left:
            pool = self.make_pool()
            futures: dict[Future[Any], int] = {pool.submit(function, item): n for n, item in left.items()}
            try:
                for future in as_completed(list(futures)):
                    result = future.result()
                    del left[futures.pop(future)]  # lets go of the future
                    yield result
            except BrokenProcessPool as error:
                deaths += 1
                if deaths > self.retries:
                    first = chunk_name(next(iter(left.values())))
                    raise ConfigError(
                        f"processes died {deaths} times, with {len(left)} chunks left, {first} first",
                        hint=_MEMORY_HINT,
                    ) from error
                _log.warning("a process died; a new pool does the %d chunks that are left", len(left))
            finally:
                for future in futures:
                    future.cancel()


@dataclass
class DaskPool(_Streaming):
    """Chunks on a Dask cluster, which gives the chunks of a worker that dies to others.

    Attributes:
        client: ``distributed.Client``.
    """

    client: Any = None

    def results(self, items: Sequence[Any], function: Callable[[Any], Any]) -> Generator[Any]:
        """Results as they come."""
        import distributed

        as_results_come: Any = distributed.as_completed  # it has no types
        futures = self.client.map(function, items, pure=False)
        chunk_of = {future.key: chunk_name(item) for future, item in zip(futures, items, strict=True)}
        waiting = set(futures)
        stream = as_results_come(futures)
        del futures  # a future that is known somewhere keeps its result on a worker
        try:
            for future in stream:
                try:
                    result = future.result()
                except distributed.KilledWorker as error:
                    raise ConfigError(
                        f"Dask workers died again and again on {chunk_of.get(future.key, future.key)}",
                        hint=_MEMORY_HINT,
                    ) from error
                waiting.discard(future)
                yield result
        finally:
            if waiting:
                self.client.cancel(list(waiting))
