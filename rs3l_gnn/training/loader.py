"""From numpy batches to torch batches, prepared ahead in a thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

__all__ = ["EpochLoader"]

Batch = TypeVar("Batch")


class EpochLoader(Generic[Batch]):
    """The batches of one epoch, as Lightning wants them.

    Args:
        make: gives batch number i.
        length: batches in the epoch.
        prefetch: batches prepared ahead; 0 prepares each when it is asked for.
    """

    def __init__(self, make: Callable[[int], Batch], length: int, prefetch: int) -> None:
        self._make, self._length, self._prefetch = make, length, prefetch
        self._workers: list[tuple[threading.Event, threading.Thread]] = []

    def close(self) -> None:
        """Stop preparing batches, and wait for the one in work: its files may be closed after this."""
        for stop, worker in self._workers:
            stop.set()
            worker.join()
        self._workers = []

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Batch]:
        if self._prefetch == 0:
            return (self._make(number) for number in range(self._length))
        return self._ahead()

    def _ahead(self) -> Iterator[Batch]:
        ready: queue.Queue[Any] = queue.Queue(maxsize=self._prefetch)
        stop = threading.Event()

        def put(item: Any) -> bool:
            while not stop.is_set():
                try:
                    ready.put(item, timeout=0.1)
                except queue.Full:
                    continue
                return True
            return False

        def work() -> None:
            try:
                for number in range(self._length):
                    if not put((self._make(number), None)):
                        return
            except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits for the batch
                put((None, error))

        worker = threading.Thread(target=work, name="rs3l-batches", daemon=True)
        worker.start()
        self._workers.append((stop, worker))
        try:
            for _ in range(self._length):
                batch, error = ready.get()
                if error is not None:
                    raise error
                yield batch
        finally:
            stop.set()
            worker.join()
