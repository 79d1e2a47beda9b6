"""Threads for the kernels: a pool of its own, in which every thread does its torch operations alone.

numba's default threading layer crashes when two threads enter a parallel kernel, and torch starts a team of threads in
every thread that calls it. Here each thread takes whole chunks of jets instead, so the numbers do not depend on how
many threads there are.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from queue import SimpleQueue
from typing import TypeVar

import torch

from rs3l_gnn.conventions import ConfigError

__all__ = ["encoder_threads", "run_chunks", "thread_count"]

Scratch = TypeVar("Scratch")

_wanted: ContextVar[int | None] = ContextVar("rs3l_encoder_threads", default=None)


class _Worker(threading.Thread):
    """A thread that does one task at a time, with torch operations in this thread alone."""

    def __init__(self) -> None:
        super().__init__(name="rs3l-models", daemon=True)
        self._tasks: SimpleQueue[tuple[Callable[[], None], threading.Semaphore]] = SimpleQueue()

    def do(self, task: Callable[[], None], done: threading.Semaphore) -> None:
        self._tasks.put((task, done))

    def run(self) -> None:
        # torch takes the number for threads yet to come when a thread first asks for its own; asking before setting
        # keeps that from overwriting the 1 later.
        torch.get_num_threads()
        torch.set_num_threads(1)
        while True:
            task, done = self._tasks.get()
            try:
                task()
            finally:
                # Nothing of the task may stay alive while the thread waits for the next one.
                del task
                done.release()


class _Pool:
    """Workers that stay; each call borrows its own, so that calls do not wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []

    def run(self, task: Callable[[], None], threads: int) -> None:
        """Run ``task`` in that many threads at once and wait for all of them."""
        workers = self._borrow(threads)
        done = threading.Semaphore(0)
        for worker in workers:
            worker.do(task, done)
        for _ in workers:
            done.acquire()
        with self._lock:
            self._idle += workers

    def _borrow(self, threads: int) -> list[_Worker]:
        with self._lock:
            workers = [self._idle.pop() for _ in range(min(threads, len(self._idle)))]
            if len(workers) < threads:
                # torch has one number for each thread and one for threads yet to come. A worker's first act sets
                # both to 1. Only a new thread knows the second one, which need not be the caller's own.
                later = _in_new_thread(torch.get_num_threads)
                started = threading.Semaphore(0)
                new = [_Worker() for _ in range(threads - len(workers))]
                for worker in new:
                    worker.start()
                    worker.do(_nothing, started)
                for _ in new:
                    started.acquire()
                _in_new_thread(lambda: _set_for_new_threads(later))
                workers += new
        return workers


def _nothing() -> None:
    return None


def _in_new_thread(ask: Callable[[], int]) -> int:
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(ask()))
    thread.start()
    thread.join()
    return answers[0]


def _set_for_new_threads(number: int) -> int:
    torch.get_num_threads()  # as in a worker, before the number is set
    torch.set_num_threads(number)
    return number


_pool = _Pool()


def _forget() -> None:
    global _pool  # noqa: PLW0603  # the threads of the parent do not exist in a forked child
    _pool = _Pool()


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
    torch's number.

    Raises:
        ConfigError: below 1.
    """
    if threads is not None:
        return _at_least_one(threads)
    wanted = _wanted.get()
    if wanted is not None:
        return wanted
    return 1 if _inside_dask_worker() else torch.get_num_threads()


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
    work: Callable[[int, Scratch], None], n_chunks: int, *, threads: int, scratch: Callable[[], Scratch]
) -> None:
    """Do ``work(chunk, memory)`` for every chunk.

    Args:
        work: writes the results of one chunk to where they belong.
        n_chunks: the chunks are 0 to n_chunks - 1.
        threads: how many at once.
        scratch: makes the memory of one thread.

    Raises:
        Exception: what ``work`` raised for the first chunk that failed.
    """
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
    if threads == 1 and torch.get_num_threads() == 1:
        loop()
    elif threads > 0:
        _pool.run(loop, threads)
    if failed:
        # Chunks are handed out in order, so all before the first failure were done or failed too.
        raise min(failed, key=lambda pair: pair[0])[1]
