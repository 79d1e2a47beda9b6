"""Read the next part of files while this one is worked on."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

__all__ = ["read_ahead"]

T = TypeVar("T")


def read_ahead(parts: Generator[T]) -> Generator[T]:
    """The same parts in the same order, of which one more than asked for is made, in a thread.

    Decompression and the large steps of NumPy run beside Python. An error comes where its part would have come.

    Args:
        parts: whose making takes time; nothing else may use it. It is closed with this one.
    """
    end = object()
    with closing(parts), ThreadPoolExecutor(1, thread_name_prefix="rs3l-read") as thread:
        coming = thread.submit(next, parts, end)
        while (part := coming.result()) is not end:
            coming = thread.submit(next, parts, end)
            yield part  # type: ignore[misc]  # the end, which is no part, has been told apart
