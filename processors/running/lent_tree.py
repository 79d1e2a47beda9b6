"""A tree as coffea sees it chunk after chunk: described once, and no basket unpacked for each of its chunks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Any

import uproot

__all__ = ["LentTree", "lent_tree"]

_MAX_BYTES = 64 * 2**20
"""Of all baskets that are kept."""


def lent_tree(tree: Any) -> Any:
    """A tree to lend; RNTuples, which coffea knows by their class, as they are."""
    return LentTree(tree) if isinstance(tree, uproot.TTree) else tree


class LentTree:
    """A tree of uproot, everything of which coffea may ask; names and baskets are remembered.

    Where a basket holds the events of several chunks, the first of them reads and unpacks it whole and the others take
    their part: 200 events of a basket of 3,000 cost as much as all of them otherwise.

    Args:
        tree: an open tree.
    """

    def __init__(self, tree: Any) -> None:
        self._tree = tree
        self._kept = _KeptArrays()
        self._branches: dict[str, _LentBranch] = {}
        self._names: dict[str, str] | None = None
        self._items: list[tuple[str, _LentBranch]] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tree, name)

    def __getitem__(self, name: str) -> _LentBranch:
        if name not in self._branches:
            self._branches[name] = _LentBranch(self._tree[name], self._kept)
        return self._branches[name]

    def __contains__(self, name: str) -> bool:
        return name in self._branches or name in self._tree

    def typenames(self) -> dict[str, str]:
        """C++ types of all branches."""
        if self._names is None:
            self._names = self._tree.typenames()
        return dict(self._names)

    def iteritems(self, **options: Any) -> Iterable[tuple[str, _LentBranch]]:
        """All branches with their names; with the options of uproot, some."""
        if options:
            return self._named(self._tree.iteritems(**options))
        if self._items is None:
            self._items = self._named(self._tree.iteritems())
        return iter(self._items)

    def _named(self, items: Iterable[tuple[str, Any]]) -> list[tuple[str, _LentBranch]]:
        return [(name, self._branches.setdefault(name, _LentBranch(branch, self._kept))) for name, branch in items]


class _KeptArrays:
    """The last baskets of each branch, as arrays; the oldest go where all take too much memory."""

    def __init__(self) -> None:
        self._arrays: dict[str, tuple[int, int, Any]] = {}

    def find(self, name: str, start: int, stop: int) -> Any:
        """Entries of a branch; None where they are not all kept."""
        first, last, array = self._arrays.get(name, (0, 0, None))
        return array[start - first : stop - first] if array is not None and first <= start and stop <= last else None

    def keep(self, name: str, first: int, last: int, array: Any) -> None:
        """Remember the entries ``first`` to ``last`` of a branch in place of others."""
        self._arrays.pop(name, None)
        self._arrays[name] = first, last, array
        while len(self._arrays) > 1 and sum(kept.nbytes for _, _, kept in self._arrays.values()) > _MAX_BYTES:
            del self._arrays[next(iter(self._arrays))]


class _LentBranch:
    """A branch of uproot; :meth:`array` takes from the baskets that are kept."""

    def __init__(self, branch: Any, kept: _KeptArrays) -> None:
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
        if interpretation is None or entry_start is None or entry_stop is None or "library" in options:
            return self._branch.array(interpretation, entry_start, entry_stop, **options)
        key = f"{self._branch.cache_key}:{interpretation.cache_key}"
        found = self._kept.find(key, entry_start, entry_stop)
        if found is not None:
            return found
        first, last = self._baskets(entry_start, entry_stop)
        # Larger chunks would gain little, and keep in memory what they never ask for again.
        if last - first < 2 * (entry_stop - entry_start) or self._size(last - first) > _MAX_BYTES:
            return self._branch.array(interpretation, entry_start, entry_stop, **options)
        whole = self._branch.array(interpretation, first, last, **{**options, "array_cache": None})
        self._kept.keep(key, first, last, whole)
        return whole[entry_start - first : entry_stop - first]

    def _baskets(self, start: int, stop: int) -> tuple[int, int]:
        """First and last entry of the baskets that hold some entries; the entries of a branch made of others."""
        if self._offsets is None:
            self._offsets = [] if len(self._branch.branches) else [int(place) for place in self._branch.entry_offsets]
        if not self._offsets or stop <= start:
            return start, stop
        return self._offsets[bisect_right(self._offsets, start) - 1], self._offsets[bisect_left(self._offsets, stop)]

    def _size(self, entries: int) -> float:
        return float(self._branch.uncompressed_bytes) * entries / max(int(self._branch.num_entries), 1)
