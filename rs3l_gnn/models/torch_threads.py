"""Threads in which every operation of torch runs alone.

torch starts a team of threads in every thread that calls it. In these each operation has one thread, so that the
numbers do not depend on how many there are, and torch's own settings are left as they were.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch

from rs3l_gnn.models.threads import Pool, Worker

__all__ = ["TORCH_POOL", "TorchPool"]


class _TorchWorker(Worker):
    def prepare(self) -> None:
        # torch takes the number for threads yet to come when a thread first asks for its own; asking before setting
        # keeps that from overwriting the 1 later.
        torch.get_num_threads()
        torch.set_num_threads(1)


class TorchPool(Pool):
    """Workers with one thread for torch each."""

    def new_workers(self, number: int) -> list[Worker]:
        """Start so many."""
        # torch has one number for each thread and one for threads yet to come. A worker's first act sets both to 1.
        # Only a new thread knows the second one, which need not be the caller's own.
        later = _in_new_thread(torch.get_num_threads)
        started = threading.Semaphore(0)
        workers: list[Worker] = [_TorchWorker() for _ in range(number)]
        for worker in workers:
            worker.start()
            worker.do(_nothing, started)
        for _ in workers:
            started.acquire()
        _in_new_thread(lambda: _set_for_new_threads(later))
        return workers

    def alone(self) -> bool:
        """Whether the calling thread has one thread for torch already."""
        return torch.get_num_threads() == 1


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


TORCH_POOL = TorchPool()
"""Of this process."""
