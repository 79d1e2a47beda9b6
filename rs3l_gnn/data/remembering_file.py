"""A file for libraries that do not survive a failed write."""

from __future__ import annotations

import io
from typing import Any

__all__ = ["RememberingFile"]


class RememberingFile(io.FileIO):
    """A file that remembers a failed write instead of raising it.

    HDF5 cannot close a file whose last writes fail: it would end the process with a segmentation fault.
    """

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of ``data``, or nothing more once a write has failed."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while self.failure is None and len(rest):
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.failure = error
        return size

    def truncate(self, size: int | None = None) -> int:
        """Set the length, unless a write has failed."""
        if self.failure is None:
            try:
                return super().truncate(size)
            except OSError as error:
                self.failure = error
        return size or 0

    def require_written(self) -> None:
        """Stop where a write has failed.

        Raises:
            OSError: the first failure.
        """
        if self.failure is not None:
            raise self.failure
