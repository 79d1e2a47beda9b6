"""Coffea's executors for one process and for a pool, with this project's progress in place of a drawn bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from typing import Any

from coffea.processor import FuturesExecutor, accumulate
from coffea.processor.executor import ExecutorBase

from rs3l_gnn.conventions import progress

__all__ = ["InProcess", "ProcessPool"]


@dataclass
class InProcess(ExecutorBase):  # type: ignore[misc]  # coffea ships no type information
    """One chunk after another, in this process."""

    retries: int = 1

    def __call__(
        self, items: Sequence[Any], function: Callable[[Any], Any], accumulator: Any
    ) -> tuple[Any, int | BaseException]:
        """Add the results of ``function`` on all items to ``accumulator``."""
        with progress("Analysis", len(items), "chunks") as bar:
            for item in items:
                accumulator = accumulate([function(item)], accumulator)
                bar.advance()
        return accumulator, 0


@dataclass
class ProcessPool(FuturesExecutor):  # type: ignore[misc]  # coffea ships no type information
    """Chunks in a pool of processes that is ready; results are added up here as they come."""

    def __call__(
        self, items: Sequence[Any], function: Callable[[Any], Any], accumulator: Any
    ) -> tuple[Any, int | BaseException]:
        """Add the results of ``function`` on all items to ``accumulator``."""
        with progress("Analysis", len(items), "chunks") as bar:
            futures: set[Future[Any]] = {self.pool.submit(function, item) for item in items}
            try:
                for future in as_completed(futures):
                    accumulator = accumulate([future.result()], accumulator)
                    futures.discard(future)  # lets go of the result
                    bar.advance()
            finally:
                for future in futures:
                    future.cancel()
        return accumulator, 0
