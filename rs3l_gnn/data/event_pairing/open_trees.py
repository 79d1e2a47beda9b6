"""Files that stay open from one pass over them to the next.

With each opening uproot reads the description of every branch, which for the two thousand of a NanoAOD takes a second,
and of all passes together longer than some ten thousand events.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import uproot

__all__ = ["OpenTrees", "close_last"]

_MOST_BRANCHES = 30_000
"""Their descriptions take some 5 kB each."""
_MOST_FILES = 200
"""Well below the 1,024 that systems let a process have open."""


class _Last(threading.local):
    """Of each thread of a worker: the file that it read last."""

    opened: tuple[str, Any] | None = None


_last = _Last()


def close_last() -> None:
    """Close the file that this thread of a worker keeps open, if there is one."""
    last, _last.opened = _last.opened, None
    if last is not None:
        last[1].close()


class OpenTrees:
    """The first files that are asked for stay open, as many as memory allows; each later one is opened anew.

    They do not travel: on a worker the last file stays open, so that its chunks read the description of its branches
    once.

    Args:
        most_branches: of all files that stay open; 0 keeps none.
        most_files: that stay open.
    """

    def __init__(self, most_branches: int = 0, most_files: int = _MOST_FILES) -> None:
        self._branches, self._files = most_branches, most_files
        self._kept: dict[str, Any] = {}

    @classmethod
    @contextmanager
    def lasting(cls) -> Iterator[Self]:
        """Files stay open for the length of a block."""
        trees = cls(_MOST_BRANCHES)
        try:
            yield trees
        finally:
            trees.close()

    @contextmanager
    def open(self, path: str) -> Iterator[Any]:
        """An open file, closed again behind the block unless it is to stay open.

        Raises:
            Exception: whatever uproot raises.
        """
        # Objects are remembered by the file itself; arrays are used once.
        opened = self._kept.get(path) or uproot.open({path: None}, object_cache={}, array_cache=None)
        try:
            yield opened
        finally:
            if path not in self._kept:
                opened.close()

    def keep(self, path: str, opened: Any, n_branches: int) -> None:
        """Let a file stay open, if there is room for its branches; to be called inside the block of :meth:`open`."""
        if path not in self._kept and n_branches <= self._branches and len(self._kept) < self._files:
            self._branches -= n_branches
            self._kept[path] = opened

    def close(self) -> None:
        """Close all files."""
        while self._kept:
            self._kept.popitem()[1].close()

    def __reduce__(self) -> tuple[Callable[[], OpenTrees], tuple[()]]:
        return _LastTree, ()


class _LastTree(OpenTrees):
    """Keeps the file that was read last."""

    @contextmanager
    def open(self, path: str) -> Iterator[Any]:
        """An open file; another one is closed first, and this one after an error."""
        if _last.opened is None or _last.opened[0] != path:
            close_last()
            _last.opened = path, uproot.open({path: None}, array_cache=None)
        try:
            yield _last.opened[1]
        except BaseException:
            close_last()
            raise
