"""The file that a worker reads chunk after chunk: opened once, its tree read once.

Coffea opens a file for each chunk and closes it again. With each opening uproot reads the description of every branch,
which for two thousand branches takes longer than the events of a small chunk. Here each worker keeps the last file open
and lends its tree to coffea, through the cache of objects that uproot asks first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rs3l_gnn.conventions.inputs import file_states
from rs3l_gnn.data.branch_sizes import compressed_bytes
from rs3l_gnn.data.opening import open_events
from rs3l_gnn.data.tree_layouts import read_tree
from rs3l_gnn.processors.running.chunk_columns import ChunkColumns
from rs3l_gnn.processors.running.lent_tree import lent_tree

__all__ = ["LentTrees", "close_file", "kept_open", "lent_columns"]


@dataclass(frozen=True)
class _Kept:
    """An open file, and what tells whether it is still the one of that path."""

    identity: tuple[Any, ...]
    directory: Any
    tree: Any


class _Place(threading.local):
    """Of each thread: the file that it keeps, the chunk to which its tree is still to be lent, what was lent."""

    kept: _Kept | None = None
    wanted: tuple[Any, int] | None = None
    lent: Any = None


_place = _Place()


class LentTrees(MutableMapping[str, Any]):
    """Uproot's cache of objects for the files that coffea opens: the kept file's tree, and nothing else.

    It has no content of its own, and travels to other processes empty-handed. A tree is lent once to each chunk: a
    second try of a chunk reads everything anew.
    """

    def __getitem__(self, key: str) -> Any:
        wanted, _place.wanted = _place.wanted, None
        _place.lent = None
        if wanted is None:
            raise KeyError(key)
        try:
            _place.lent = _keep(*wanted).tree
        except Exception as error:  # whatever it is, coffea meets it again and says of which chunk it is
            close_file()
            raise KeyError(key) from error
        return _place.lent

    def __setitem__(self, key: str, value: Any) -> None:
        """Objects of a file that is closed with its chunk are of no use to the next."""

    def __delitem__(self, key: str) -> None:
        """There is nothing to take out."""

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@contextmanager
def kept_open(item: Any, *, timeout: int) -> Iterator[Callable[[Iterable[str]], int]]:
    """Let :class:`LentTrees` lend the tree of a chunk's file inside the block; an error inside gives the file up.

    Args:
        item: coffea's work item.
        timeout: seconds for a remote file.

    Yields:
        A function for the compressed bytes of branches that belong to the events of the chunk. A file's bytes are
        those of its chunks together, however it is cut into chunks, and whoever reads them.
    """

    def size(branches: Iterable[str]) -> int:
        tree = _keep(item, timeout).tree
        return sum(_part(compressed_bytes(tree[name]), item, int(tree.num_entries)) for name in branches)

    _place.wanted = item, timeout
    try:
        yield size
    except BaseException:
        close_file()
        raise
    finally:
        _place.wanted = _place.lent = None
        if _place.kept is not None:
            _place.kept.directory.file.array_cache.clear()


def lent_columns() -> ChunkColumns:
    """Coffea's cache for the columns of the next chunk: those of the tree that is lent to it."""
    return ChunkColumns(lambda: _place.lent)


def close_file() -> None:
    """Close the file that this thread keeps open, if there is one."""
    kept, _place.kept = _place.kept, None
    if kept is not None:
        kept.directory.close()


def _keep(item: Any, timeout: int) -> _Kept:
    identity = _identity(item)
    if _place.kept is None or _place.kept.identity != identity:
        close_file()
        directory = open_events(item.filename, timeout=timeout)
        try:
            _place.kept = _Kept(identity, directory, lent_tree(read_tree(directory, item.treename)))
        except BaseException:
            directory.close()
            raise
    return _place.kept


def _part(whole: int, item: Any, entries: int) -> int:
    """The part of a chunk in a number that belongs to all entries; the parts of all chunks add up to it."""
    return whole * item.entrystop // entries - whole * item.entrystart // entries if entries else 0


def _identity(item: Any) -> tuple[Any, ...]:
    """Changes when somebody writes the file anew; of a remote one the path has to do."""
    return (item.filename, item.treename, bytes(item.fileuuid), *file_states([item.filename]).values())
