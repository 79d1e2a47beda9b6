"""The columns of a chunk, straight from the tree that its worker keeps open.

For each column that a processor asks for, coffea takes its name apart, wraps what uproot gives into an array of awkward
and that into another: several tenths of a millisecond, which for two hundred events is longer than to read them. What
it asks first, its cache of columns, is this one, which knows the plain ones; all others it leaves to coffea.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np
from coffea.nanoevents.mapping.base import Accessed
from numpy.typing import NDArray

from rs3l_gnn.processors.running.lent_tree import LentTree

__all__ = ["ChunkColumns", "note_columns"]


class _Wanted(NamedTuple):
    branch: str
    made: str


_MADE = {
    ("!load",): "numbers",
    ("!load", "!content"): "content",
    ("!load", "!offsets"): "offsets",
    ("!load", "!counts2offsets", "!skip", "!offsets"): "offsets of counts",
}
"""What coffea's steps make of a branch."""


class ChunkColumns(MutableMapping[str, Any]):
    """Coffea's cache of columns for one chunk.

    Args:
        tree: gives the tree that is lent to the chunk, None if there is none.
    """

    def __init__(self, tree: Callable[[], Any]) -> None:
        self._tree = tree
        self._columns: dict[str, Any] = {}
        self._made_here: list[Accessed] = []

    def __getitem__(self, key: str) -> Any:
        if key not in self._columns:
            self._columns[key] = self._made(key)
        return self._columns[key]

    def _made(self, key: str) -> NDArray[Any]:
        tree = self._tree()
        parts = key.split("/")
        if not isinstance(tree, LentTree) or len(parts) != 5:
            raise KeyError(key)
        uuid, path, entries, _, steps = parts
        wanted = _wanted(steps)
        if wanted is None or uuid != tree.uuid or unquote(path) != tree.object_path:
            raise KeyError(key)
        start, stop = map(int, entries.split("-"))
        column = tree.column(wanted.branch, start, stop)
        offsets, numbers = (None, None) if column is None else column
        found = _as_made(wanted.made, offsets, numbers)
        if found is None:
            raise KeyError(key)
        self._made_here.append(Accessed(wanted.branch, key))
        return found

    def take_list(self) -> list[Accessed]:
        """The columns that were given here since the last call, in coffea's words."""
        made, self._made_here = self._made_here, []
        return made

    def __setitem__(self, key: str, value: Any) -> None:
        self._columns[key] = value

    def __delitem__(self, key: str) -> None:
        del self._columns[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def note_columns(events: Any) -> None:
    """Enter into coffea's list of the columns that were read of a chunk those that :class:`ChunkColumns` gave."""
    factory = events.attrs.get("@events_factory")
    columns = getattr(factory, "buffer_cache", None)
    if isinstance(columns, ChunkColumns) and factory.access_log is not None:
        factory.access_log.extend(columns.take_list())


def _as_made(made: str, offsets: NDArray[np.int64] | None, numbers: NDArray[Any] | None) -> NDArray[Any] | None:
    if numbers is None or (offsets is None) != (made in ("numbers", "offsets of counts")):
        return None
    if made == "offsets of counts":
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(numbers, dtype=np.int64)])
    return offsets if made == "offsets" else numbers


@lru_cache(maxsize=20_000)
def _wanted(steps: str) -> _Wanted | None:
    """Branch, and what is made of it, of the last part of coffea's name of a column."""
    branch, *made = unquote(steps).split(",")
    found = _MADE.get(tuple(made))
    return None if found is None else _Wanted(branch, found)
