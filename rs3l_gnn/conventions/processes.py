"""Work on several processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from rs3l_gnn.conventions.errors import Rs3lError

__all__ = ["GOES_ON", "run_on_processes", "threads_of_workers", "worker_pool"]

Item = TypeVar("Item")
Result = TypeVar("Result")

GOES_ON = "run the same command again, it goes on where it stopped"
"""What to do after a stop."""


def run_on_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    *,
    killed: type[Rs3lError] = Rs3lError,
) -> Iterator[tuple[Item, Result]]:
    """Call a function for every item and give item and result in the order in which they finish.

    Args:
        function: of a module, so that a process can import it.
        items: its arguments.
        workers: processes; they end with this one, however it ends.
        killed: class of the error when a process was killed.

    Raises:
        Rs3lError: of class ``killed``; else whatever the function raises, after the calls that run have finished.
    """
    with worker_pool(workers) as pool:
        futures = {pool.submit(function, item): item for item in items}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise killed("a worker process was killed", hint=GOES_ON) from error
        finally:
            pool.shutdown(cancel_futures=True)


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """A pool of processes that end with this one, however it ends, and that say nothing of a Ctrl-C or SIGTERM.

    Args:
        workers: how many; each starts with the first task that finds no idle one.
    """
    # Spawned, not forked: this process may hold threads, and a child would inherit the locks of torch's and numba's.
    context = multiprocessing.get_context("spawn")
    return _Pool(workers, mp_context=context, initializer=_begin_worker)


@contextmanager
def threads_of_workers(threads: int) -> Iterator[None]:
    """Processes that start inside the block have so many threads for products of matrices and the like."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Pool(ProcessPoolExecutor):
    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        # A process that this starts inherits the mask: a Ctrl-C while it imports would be a traceback.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker() -> None:
    # Left to the default, Lightning takes SIGTERM as a wish to end after the epoch, and each worker tells of SIGINT.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_at_once)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_at_once(number: int, _: FrameType | None) -> None:
    """A worker holds nothing that a kill could not take: its parent tells of the stop, and the next run goes on."""
    os._exit(128 + number)


def _end_with_parent() -> None:
    """A worker whose parent was killed would go on and meet the next run in the same folder."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
