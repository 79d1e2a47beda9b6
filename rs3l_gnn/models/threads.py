"""Threads for the kernels: a pool of its own, in which every thread takes whole chunks of jets.

numba's default threading layer crashes when two threads enter a parallel kernel. Here the numbers do not depend on how
many threads there are. Where the work holds operations of torch, its pool is that of
:mod:`rs3l_gnn.models.torch_threads`.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from queue import SimpleQueue
from typing import Any, TypeVar

from rs3l_gnn.conventions import ConfigError

__all__ = ["Pool", "Worker", "encoder_threads", "run_chunks", "thread_count"]

Scratch = TypeVar("Scratch")

_wanted: ContextVar[int | None] = ContextVar("rs3l_encoder_threads", default=None)


class Worker(threading.Thread):
    """A thread that does one task at a time."""

    def __init__(self) -> None:
        super().__init__(name="rs3l-models", daemon=True)
        self._tasks: SimpleQueue[tuple[Callable[[], None], threading.Semaphore]] = SimpleQueue()

    def do(self, task: Callable[[], None], done: threading.Semaphore) -> None:
        """Do a task, then release ``done``."""
        self._tasks.put((task, done))

    def prepare(self) -> None:
        """What the thread does before its first task."""

    def run(self) -> None:
        """Do tasks for ever."""
        self.prepare()
        while True:
            task, done = self._tasks.get()
            try:
                task()
            finally:
                # Nothing of the task may stay alive while the thread waits for the next one.
                del task
                done.release()


class Pool:
    """Workers that stay; each call borrows its own, so that calls do not wait for each other."""

    def __init__(self) -> None:
        self.forget()
        _pools.add(self)

    def forget(self) -> None:
        """Start anew, as in a forked child, where the threads of the parent do not exist."""
        self._lock = threading.Lock()
        self._idle: list[Worker] = []

    def run(self, task: Callable[[], None], threads: int) -> None:
        """Run ``task`` in that many threads at once and wait for all of them; the calling one does its share."""
        share = self.alone()
        threads -= share
        with self._lock:
            workers = [self._idle.pop() for _ in range(min(threads, len(self._idle)))]
            if len(workers) < threads:
                workers += self.new_workers(threads - len(workers))
        done = threading.Semaphore(0)
        for worker in workers:
            worker.do(task, done)
        if share:
            task()
        for _ in workers:
            done.acquire()
        with self._lock:
            self._idle += workers

    def new_workers(self, number: int) -> list[Worker]:
        """Start so many."""
        workers = [Worker() for _ in range(number)]
        for worker in workers:
            worker.start()
        return workers

    def alone(self) -> bool:
        """Whether the calling thread may do work itself."""
        return True


_pools: weakref.WeakSet[Pool] = weakref.WeakSet()
_POOL = Pool()


def _forget() -> None:
    for pool in _pools:
        pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@contextmanager
def encoder_threads(threads: int | None) -> Iterator[None]:
    """Give the encoders called in this block their own number of threads, whatever torch's is; None changes nothing.

    torch's OpenMP threads spin for a while after each of its operations. Where small ones of torch alternate with the
    encoder (a training), they take the cores from the encoder's threads: torch is better off with one thread there.

    Raises:
        ConfigError: below 1.
    """
    token = _wanted.set(_wanted.get() if threads is None else _at_least_one(threads))
    try:
        yield
    finally:
        _wanted.reset(token)


def thread_count(threads: int | None) -> int:
    """Number of threads to use: as asked, else that of :func:`encoder_threads`, else one inside a Dask worker, else
    torch's number where it is loaded, else one for each core of this process (or ``OMP_NUM_THREADS``).

    Raises:
        ConfigError: below 1.
    """
    if threads is not None:
        return _at_least_one(threads)
    wanted = _wanted.get()
    if wanted is not None:
        return wanted
    return 1 if _inside_dask_worker() else _number_of_process()


def _number_of_process() -> int:
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) >= 1:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _at_least_one(threads: int) -> int:
    if threads < 1:
        raise ConfigError("threads must be at least 1", got=threads)
    return threads


def _inside_dask_worker() -> bool:
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True


def run_chunks(
    work: Callable[[int, Scratch], None],
    n_chunks: int,
    *,
    threads: int,
    scratch: Callable[[], Scratch],
    pool: Pool | None = None,
) -> None:
    """Do ``work(chunk, memory)`` for every chunk.

    Args:
        work: writes the results of one chunk to where they belong.
        n_chunks: the chunks are 0 to n_chunks - 1.
        threads: how many at once.
        scratch: makes the memory of one thread.
        pool: of the threads; that of the kernels if None.

    Raises:
        Exception: what ``work`` raised for the first chunk that failed.
    """
    pool = _POOL if pool is None else pool
    todo = iter(range(n_chunks))
    failed: list[tuple[int, Exception]] = []

    def loop() -> None:
        memory = scratch()
        for chunk in todo:
            try:
                work(chunk, memory)
            except Exception as error:  # noqa: BLE001  # goes on to the caller, whatever it is
                failed.append((chunk, error))
            if failed:
                return

    threads = min(threads, n_chunks)
    if threads > 0:
        pool.run(loop, threads)
    if failed:
        # Chunks are handed out in order, so all before the first failure were done or failed too.
        raise min(failed, key=lambda pair: pair[0])[1]
