"""A tree of a known layout, of which uproot's objects are made only when somebody asks for more than is at hand.

Where the baskets of a branch lie, and what they hold, is all that its numbers are read by; for a look into a file the
names are enough. Uproot's objects take 30 microseconds for each branch and file, copied as they are.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.data.tree_layouts import Layout, known_layout, read_tree

__all__ = ["DescribedTree", "describe_tree"]


def describe_tree(directory: Any, name: str) -> Any:
    """A tree of an open file as :func:`~rs3l_gnn.data.tree_layouts.read_tree` gives it, or one that stands for it.

    Args:
        directory: of uproot.
        name: of the tree.

    Raises:
        Exception: whatever uproot raises.
    """
    known = known_layout(directory, name)
    if known is None or None in known[0].interpretations() or len(known[0].places) < known[0].n_branches:
        return read_tree(directory, name)
    return DescribedTree(directory, name, *known)


class DescribedTree:
    """Stands for a tree of uproot.

    Args:
        directory: of uproot.
        name: of the tree in it.
        layout, key, raw: of the tree.
    """

    def __init__(self, directory: Any, name: str, layout: Layout, key: Any, raw: NDArray[np.uint8]) -> None:
        self.layout, self.raw = layout, raw
        self.file, self.object_path = key.file, key.object_path
        self.num_entries = int(layout.number(raw, "fEntries"))
        self._directory, self._name = directory, name
        self._branches: dict[str, _DescribedBranch] = {}

    @cached_property
    def whole(self) -> Any:
        """The tree of uproot."""
        return read_tree(self._directory, self._name)

    def keys(self, **options: Any) -> list[str]:
        """Names of the branches; with the options of uproot, of some."""
        return list(self.whole.keys(**options)) if options else list(self.layout.places)

    def __contains__(self, name: str) -> bool:
        return name in self.layout.places or name in self.whole

    def __getitem__(self, name: str) -> Any:
        if name not in self.layout.places:
            return self.whole[name]
        if name not in self._branches:
            self._branches[name] = _DescribedBranch(self, name)
        return self._branches[name]

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):  # before there is a tree, or by a copy of an empty one
            raise AttributeError(attribute)
        return getattr(self.whole, attribute)


class _DescribedBranch:
    def __init__(self, tree: DescribedTree, name: str) -> None:
        self._tree, self.name = tree, name
        self._place = tree.layout.places[name]
        self.file, self.interpretation = tree.file, tree.layout.interpretations()[self._place]

    @cached_property
    def whole(self) -> Any:
        """The branch of uproot."""
        return self._tree.whole[self.name]

    def member(self, name: str) -> Any:
        """What the file says of the branch."""
        try:
            return self._tree.layout.number(self._tree.raw, name, self._place)
        except KeyError:
            return self.whole.member(name)

    @property
    def title(self) -> str:
        """What the file says of the branch."""
        return self._tree.layout.title(self._place)

    @property
    def num_entries(self) -> int:
        """Entries of the branch."""
        return int(self.member("fEntries"))

    @property
    def compressed_bytes(self) -> int:
        """Of all baskets with their keys."""
        return int(self.member("fZipBytes"))

    @property
    def uncompressed_bytes(self) -> int:
        """Of all baskets with their keys."""
        return int(self.member("fTotBytes"))

    @cached_property
    def entry_offsets(self) -> list[int]:
        """First entries of the baskets, and the end."""
        n_baskets = int(self.member("fWriteBasket"))
        offsets: list[int] = self.member("fBasketEntry")[: n_baskets + 1].tolist()
        usual = len(offsets) == n_baskets + 1 > 0 and self.member("fBasketSeek")[:n_baskets].all()
        if not usual or offsets[0] != 0 or offsets[-1] != self.member("fEntries"):
            offsets = self.whole.entry_offsets  # whatever it is, uproot knows it, or why not
        return offsets

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        return getattr(self.whole, attribute)
