"""Rows of an HDF5 data set, compressed by threads while the next ones are made; HDF5 does one after the other.

A chunk is a piece of one column: values of one kind, that compress to less and in two thirds of the time of whole rows.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.data.fast_zlib import compress

__all__ = ["CompressedRows", "compressing_threads"]

_CHUNKS_AHEAD = 8
_MOST_THREADS = 4


def compressing_threads() -> Executor:
    """Threads for :class:`CompressedRows`, as many as this process may have cores, up to four."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return ThreadPoolExecutor(min(cores or 1, _MOST_THREADS), thread_name_prefix="rs3l-compress")


class CompressedRows:
    """Append rows to a data set whose filters are shuffle and gzip; call :meth:`finish` at the end.

    Any HDF5 reads the file as one of its own filters: chunks are whole, whatever the blocks of rows that come.

    Args:
        dataset: of h5py, empty, in chunks of one column, with both filters.
        threads: that compress.
    """

    def __init__(self, dataset: Any, threads: Executor) -> None:
        self._dataset, self._threads = dataset, threads
        self._rows: list[NDArray[Any]] = []
        self._n_rows = self._written = 0
        self._ahead: deque[Future[list[bytes]]] = deque()

    def append(self, rows: NDArray[Any]) -> None:
        """Take the next rows [n, width]."""
        size = self._dataset.chunks[0]
        self._n_rows += len(rows)
        missing = size - sum(map(len, self._rows))
        if len(rows) >= missing:
            self._submit(np.concatenate([*self._rows, rows[:missing]]))
            self._rows, rows = [], rows[missing:]
            whole = len(rows) // size * size
            for start in range(0, whole, size):
                self._submit(rows[start : start + size])
            rows = rows[whole:]
        # A copy, so that a part of a block does not keep all of it.
        self._rows.append(rows.copy())

    def finish(self) -> None:
        """Write what is left, in a chunk filled up with zeros as HDF5 does."""
        rest = np.concatenate(self._rows) if self._rows else np.zeros((0, self._dataset.shape[1]))
        if len(rest):
            last = np.zeros((self._dataset.chunks[0], self._dataset.shape[1]), self._dataset.dtype)
            last[: len(rest)] = rest
            self._submit(last)
        self._rows = []
        self._write(0)
        self._dataset.resize(self._n_rows, axis=0)

    def _submit(self, rows: NDArray[Any]) -> None:
        values = np.ascontiguousarray(rows, dtype=self._dataset.dtype)
        self._ahead.append(self._threads.submit(_compress, values))
        self._write(_CHUNKS_AHEAD)

    def _write(self, ahead: int) -> None:
        """Write the first rows until so many times the length of a chunk are ahead."""
        size = self._dataset.chunks[0]
        while len(self._ahead) > ahead:
            columns = self._ahead.popleft().result()
            if self._written == len(self._dataset):  # seldom, for the sake of time; the end is set by finish
                self._dataset.resize(self._written + _CHUNKS_AHEAD * size, axis=0)
            for column, data in enumerate(columns):
                self._dataset.id.write_direct_chunk((self._written, column), data)
            self._written += size


def _compress(values: NDArray[Any]) -> list[bytes]:
    """Of each column HDF5's filter shuffle (all first bytes, then all second ones, ...), and that of gzip."""
    parts = values.view(np.uint8).reshape(*values.shape, values.dtype.itemsize)
    shuffled = np.ascontiguousarray(parts.transpose(1, 2, 0))
    return [compress(column.data) for column in shuffled]
