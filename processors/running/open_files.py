"""The file that a worker reads chunk after chunk: opened once, its tree read once.

With each opening uproot reads the description of every branch, which for two thousand branches takes longer than the
events of a small chunk.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rs3l_gnn.conventions.inputs import file_states
from rs3l_gnn.data.branch_sizes import compressed_bytes
from rs3l_gnn.data.described_tree import describe_tree
from rs3l_gnn.data.opening import open_events
from rs3l_gnn.data.tree_layouts import shared_by_layout
from rs3l_gnn.processors.running.lent_tree import lent_tree

__all__ = ["KeptFile", "close_file", "keep_open"]


@dataclass(frozen=True)
class KeptFile:
    """An open file.

    Attributes:
        identity: tells whether it is still the one of its path.
        directory: of uproot.
        tree: of the events.
        shared: place for what is made of the names and types of branches.
    """

    identity: tuple[Any, ...]
    directory: Any
    tree: Any
    shared: dict[str, Any]

    def forget_arrays(self) -> None:
        """Let go of the arrays that uproot remembers, for which nobody asks again."""
        self.directory.file.array_cache.clear()

    def size(self, item: Any, branches: Iterable[str]) -> int:
        """Compressed bytes of branches that belong to the events of a chunk.

        A file's bytes are those of its chunks together, however it is cut into chunks, and whoever reads them.

        Args:
            item: coffea's work item.
            branches: their names.
        """
        entries = int(self.tree.num_entries)
        return sum(_part(compressed_bytes(self.tree[name]), item, entries) for name in branches)


class _Place(threading.local):
    """Of each thread: the file that it keeps."""

    kept: KeptFile | None = None


_place = _Place()


def keep_open(item: Any, *, timeout: int) -> KeptFile:
    """The open file of a chunk: the last one of this thread, or a new one in its place.

    Args:
        item: coffea's work item.
        timeout: seconds for a remote file.

    Raises:
        Exception: whatever uproot raises.
    """
    identity = _identity(item)
    if _place.kept is None or _place.kept.identity != identity:
        close_file()
        directory = open_events(item.filename, timeout=timeout)
        try:
            tree = describe_tree(directory, item.treename)
            _place.kept = KeptFile(identity, directory, lent_tree(tree), shared_by_layout(tree))
        except BaseException:
            directory.close()
            raise
    return _place.kept


def close_file() -> None:
    """Close the file that this thread keeps open, if there is one."""
    kept, _place.kept = _place.kept, None
    if kept is not None:
        kept.directory.close()


def _part(whole: int, item: Any, entries: int) -> int:
    """The part of a chunk in a number that belongs to all entries; the parts of all chunks add up to it."""
    return whole * item.entrystop // entries - whole * item.entrystart // entries if entries else 0


def _identity(item: Any) -> tuple[Any, ...]:
    """Changes when somebody writes the file anew; of a remote one the path has to do."""
    return (item.filename, item.treename, bytes(item.fileuuid), *file_states([item.filename]).values())
