"""A tree as coffea sees it chunk after chunk: no basket is unpacked for each of its chunks."""

from __future__ import annotations

from typing import Any

import awkward as ak
import uproot

from rs3l_gnn.data.described_tree import DescribedTree
from rs3l_gnn.data.plain_columns import Column, is_plain, part_of, read_baskets, size_of
from rs3l_gnn.data.sound_lists import sound

__all__ = ["LentTree", "lent_tree"]

_MAX_BYTES = 64 * 2**20
"""Of all baskets that are kept."""


def lent_tree(tree: Any) -> Any:
    """A tree to lend; RNTuples, which coffea knows by their class, as they are."""
    return LentTree(tree) if isinstance(tree, uproot.TTree | DescribedTree) else tree


class LentTree:
    """A tree of uproot, everything of which coffea may ask; baskets are remembered.

    Where a basket holds the events of several chunks, the first of them reads and unpacks it whole and the others take
    their part: 200 events of a basket of 3,000 cost as much as all of them otherwise.

    Args:
        tree: an open tree.
    """

    def __init__(self, tree: Any) -> None:
        self._tree = tree
        self.uuid = str(tree.file.uuid)
        self._kept = _KeptColumns()
        self._branches: dict[str, _LentBranch] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tree, name)

    def __getitem__(self, name: str) -> _LentBranch:
        if name not in self._branches:
            self._branches[name] = _LentBranch(self._tree[name], self._kept)
        return self._branches[name]

    def __contains__(self, name: str) -> bool:
        return name in self._branches or name in self._tree

    def column(self, name: str, start: int, stop: int) -> Column | None:
        """Entries of a branch of plain numbers, or of lists of them; None for other branches, and for damaged ones."""
        if name not in self:
            return None
        branch = self[name]
        return branch.column(branch.interpretation, start, stop) if is_plain(branch.interpretation) else None


class _KeptColumns:
    """The last baskets of each branch, as arrays; the oldest go where all take too much memory."""

    def __init__(self) -> None:
        self._columns: dict[str, tuple[int, int, Column]] = {}

    def find(self, name: str, start: int, stop: int) -> Column | None:
        """Entries of a branch; None where they are not all kept."""
        first, last, column = self._columns.get(name, (0, 0, None))
        return (
            part_of(column, start - first, stop - first)
            if column is not None and first <= start and stop <= last
            else None
        )

    def keep(self, name: str, first: int, last: int, column: Column) -> None:
        """Remember the entries ``first`` to ``last`` of a branch in place of others."""
        self._columns.pop(name, None)
        self._columns[name] = first, last, column
        while len(self._columns) > 1 and sum(size_of(kept) for _, _, kept in self._columns.values()) > _MAX_BYTES:
            del self._columns[next(iter(self._columns))]


class _LentBranch:
    """A branch of uproot; plain numbers are taken from the baskets that are kept."""

    def __init__(self, branch: Any, kept: _KeptColumns) -> None:
        self._branch, self._kept = branch, kept
        self._offsets: list[int] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._branch, name)

    def array(
        self,
        interpretation: Any = None,
        entry_start: int | None = None,
        entry_stop: int | None = None,
        **options: Any,
    ) -> Any:
        """Entries of the branch, as uproot gives them."""
        given = interpretation is not None and entry_start is not None and entry_stop is not None
        if given and "library" not in options and is_plain(interpretation):
            column = self.column(interpretation, int(entry_start or 0), int(entry_stop or 0))
            if column is not None:
                offsets, numbers = column
                content = ak.contents.NumpyArray(numbers)
                if offsets is None:
                    return ak.Array(content)
                return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets), content))
        found = self._branch.array(interpretation, entry_start, entry_stop, **options)
        return sound(found, self._branch.file.file_path)

    def column(self, interpretation: Any, start: int, stop: int) -> Column | None:
        """Plain numbers; None where there are none, and where uproot has to refuse a basket."""
        if self._offsets is None:
            self._offsets = [int(place) for place in self._branch.entry_offsets]
        if not 0 <= start < stop <= self._offsets[-1]:
            return None
        name = self._branch.name
        found = self._kept.find(name, start, stop)
        if found is not None:
            return found
        first, last, whole = read_baskets(self._branch, interpretation, start, stop, self._offsets)
        if whole is None:
            return None
        # Larger chunks would gain little, and keep in memory what they never ask for again.
        if last - first >= 2 * (stop - start) and size_of(whole) <= _MAX_BYTES:
            self._kept.keep(name, first, last, whole)
        return part_of(whole, start - first, stop - first)
