"""A local file as uproot reads it: by the thread that asks, and a small one whole with the first request."""

from __future__ import annotations

from typing import Any

from uproot.source.chunk import Chunk
from uproot.source.file import MultithreadedFileSource

__all__ = ["LocalSource"]

_SMALL = 2**20
"""Bytes of a file that is read whole: with one request for each basket, a small file is mostly requests."""


class LocalSource(MultithreadedFileSource):  # type: ignore[misc]  # uproot ships no type information
    """Uproot's source of a local file.

    Args:
        path: of the file.
        options: of uproot, with ``use_threads: False``.
    """

    def __init__(self, path: str, **options: Any) -> None:
        super().__init__(path, **options)
        self._content: Any = None

    def chunk(self, start: int, stop: int) -> Any:
        """Some of the bytes of the file."""
        if not 0 <= start <= stop <= self.num_bytes <= _SMALL or self.closed:
            return super().chunk(start, stop)
        if self._content is None:
            self._content = super().chunk(0, self.num_bytes).raw_data
        return Chunk.wrap(self, self._content[start:stop], start)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_content": None}
