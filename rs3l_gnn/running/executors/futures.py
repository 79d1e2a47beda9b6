"""A pool of processes; if one of them dies, a new pool does what is left."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures import Executor as Pool
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count, islice
from typing import Any, Literal

from pydantic import Field

from rs3l_gnn.conventions.processes import worker_pool
from rs3l_gnn.running.executor import CHUNKS_AHEAD, Executor, Function, Workers, chunk_name, dead_workers

__all__ = ["Futures", "pool_results"]

_log = logging.getLogger(__name__)


class Futures(Executor):
    """A pool of processes on this machine."""

    name: Literal["futures"] = "futures"
    workers: int = Field(default=1, ge=1, description="processes")

    @contextmanager
    def open(self, warm_up: Callable[[], float], *, retries: int) -> Iterator[Workers]:
        """A pool whose processes are warm."""
        with ExitStack() as stack:
            pool, seconds = self._first_pool(stack, warm_up, retries)

            def make_pool() -> Pool:
                nonlocal pool
                if _is_broken(pool):
                    pool, _ = self._warm_pool(stack, warm_up)
                return pool

            ahead = CHUNKS_AHEAD * self.workers
            yield Workers(partial(pool_results, make_pool, retries, ahead=ahead), self.workers, seconds)

    def _first_pool(self, stack: ExitStack, warm_up: Callable[[], float], retries: int) -> tuple[Pool, float]:
        for deaths in count(1):
            try:
                return self._warm_pool(stack, warm_up)
            except BrokenProcessPool as error:
                if deaths > retries:
                    raise dead_workers(f"processes died {deaths} times before the first chunk") from error
                _log.warning("a process died while it started; a new pool takes its place")
        raise AssertionError  # count never ends

    def _warm_pool(self, stack: ExitStack, warm_up: Callable[[], float]) -> tuple[Pool, float]:
        pool = stack.enter_context(_pool(self.workers))
        # One task a process: each new task starts a process while there is no idle one.
        return pool, max(future.result() for future in [pool.submit(warm_up) for _ in range(self.workers)])


def _is_broken(pool: Pool) -> bool:
    """Whether one of its processes died, after which a pool does nothing more."""
    try:
        pool.submit(int)
    except BrokenProcessPool:
        return True
    return False


@contextmanager
def _pool(workers: int) -> Iterator[Pool]:
    with worker_pool(workers) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def pool_results(
    make_pool: Callable[[], Pool], retries: int, items: Sequence[Any], function: Function, *, ahead: int = CHUNKS_AHEAD
) -> Generator[Any]:
    """Results as they come.

    Args:
        make_pool: gives a pool that is ready, another one after a death; its owner shuts it down.
        retries: how many pools may follow one with a process that died.
        items, function: what to do.
        ahead: most chunks that are given out and whose results nobody has taken.

    Raises:
        WorkerError: processes die again and again.
    """
    left = dict(enumerate(items))
    deaths = 0
    while left:
        futures: dict[Future[Any], int] = {}
        waiting = iter(list(left))
        try:
            pool = make_pool()
            while True:
                for n in islice(waiting, ahead - len(futures)):
                    futures[pool.submit(function, left[n])] = n
                if not futures:
                    break
                done, _ = wait(futures, return_when=FIRST_COMPLETED)
                first = min(done, key=futures.__getitem__)
                del done
                result = first.result()
                del left[futures.pop(first)], first  # lets go of the future
                yield result
        except BrokenProcessPool as error:
            deaths += 1
            if deaths > retries:
                name = chunk_name(next(iter(left.values())))
                raise dead_workers(
                    f"processes died {deaths} times, with {len(left)} chunks left, {name} first"
                ) from error
            _log.warning("a process died; a new pool does the %d chunks that are left", len(left))
        finally:
            for future in futures:
                future.cancel()
