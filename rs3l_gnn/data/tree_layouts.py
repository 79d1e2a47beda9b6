"""The description of a tree's branches, which files of one layout share but for some numbers.

Uproot takes 0.2 ms for each branch of a file, which for small files is as long as their events. Files that one program
wrote differ in numbers alone: of entries, and where the baskets lie and how long they are. So the first tree of a
layout is read by uproot, which tells where in the file each number stood; the next one with the same bytes elsewhere is
a copy of it with its own numbers. Any other byte that differs, and uproot reads the tree.

Much of this uproot does not promise. Where it has other names than the ones known here, it reads every tree.
"""

from __future__ import annotations

import logging
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import uproot
from numpy.typing import NDArray

from rs3l_gnn.data.placed_numbers import PlacedNumber, placing_cursor

__all__ = ["Layout", "known_layout", "read_tree", "shared_by_layout"]

_log = logging.getLogger(__name__)
_MOST_BRANCHES, _MOST_LAYOUTS = 12_000, 50
"""Of the layouts that a process remembers; a branch takes some 5 kB."""
_FREE = frozenset(
    {
        *("fEntries", "fEntryNumber", "fFirstEntry", "fTotBytes", "fZipBytes", "fSavedBytes", "fFlushedBytes"),
        *("fAutoSave", "fAutoFlush", "fEstimate", "fClusterRangeEnd", "fClusterSize", "fMinimum", "fMaximum"),
        *("fBasketSize", "fEntryOffsetLen", "fWriteBasket", "fBasketBytes", "fBasketEntry", "fBasketSeek"),
    }
)
"""Members that may differ between two files of one layout."""
_LAYOUT = "layout"
"""Attribute of a tree, by uproot nameless, with its layout."""


def read_tree(directory: Any, name: str) -> Any:
    """A tree of an open file, as ``directory[name]`` gives it.

    Args:
        directory: of uproot.
        name: of the tree.

    Raises:
        Exception: whatever uproot raises.
    """
    with _own_classes():
        if not _known.usable:
            return directory[name]
        try:
            return _read(directory, name)
        except (AttributeError, ImportError, LookupError, TypeError) as error:
            tree = directory[name]  # or uproot's own error, which says nothing of names
            _known.usable = False
            _log.warning(
                "uproot %s has other names than the ones known here (%r): it reads all trees by itself, which takes "
                "0.2 ms a branch, for small files as long as their events",
                uproot.__version__,
                error,
            )
            return tree


def known_layout(directory: Any, name: str) -> tuple[Layout, Any, NDArray[np.uint8]] | None:
    """Layout, key and bytes of a tree of an open file; None where the layout is not known.

    Args:
        directory: of uproot.
        name: of the tree.
    """
    if not _known.usable:
        return None
    try:
        key = directory.key(name)
        if key.fClassName != "TTree":
            return None
        raw, _, cursor = _content(key)
        layout = _known.find(raw, cursor.origin)
    except (AttributeError, LookupError, TypeError):
        return None  # whoever reads the tree says what is wrong
    return None if layout is None else (layout, key, raw)


def shared_by_layout(tree: Any) -> dict[str, Any]:
    """A place for what is made of the names and types of branches, the same one for all trees of a layout.

    Args:
        tree: of :func:`read_tree`; one whose layout is not known has a place of its own.
    """
    layout = getattr(tree, _LAYOUT, None)
    return {} if layout is None or None in layout.interpretations() else layout.shared


def _read(directory: Any, name: str) -> Any:
    key = directory.key(name)
    cache = directory.file.object_cache
    if key.fClassName != "TTree" or (cache is not None and key.cache_key in cache):
        return directory[name]
    raw, chunk, cursor = _content(key)
    context = {"breadcrumbs": (), "TKey": key}
    if b"TBranchElement\0" in raw.tobytes():  # objects, whose branches lie below others
        return directory[name]
    layout = _known.find(raw, cursor.origin)
    if layout is None:
        placing = placing_cursor(cursor.origin)
        try:
            tree = key.file.class_named("TTree").read(chunk, placing, context, key.file, key.file, key)
        except uproot.DeserializationError:
            return directory[name]  # once more, by the file's own streamers
        layout = Layout.of(tree, raw, cursor.origin)
        if layout is not None:
            _known.add(layout)
    else:
        tree = layout.copy(raw, chunk, cursor, key)
    if layout is not None:
        setattr(tree, _LAYOUT, layout)
    if cache is not None:
        cache[key.cache_key] = tree
    return tree


def _content(key: Any) -> tuple[NDArray[np.uint8], Any, Any]:
    """The bytes of a tree, and uproot's ways to them."""
    chunk, cursor = key.get_uncompressed_chunk_cursor()
    size = int(key.data_uncompressed_bytes)
    return np.asarray(chunk.get(0, size, cursor, {"breadcrumbs": (), "TKey": key})), chunk, cursor


@contextmanager
def _own_classes() -> Iterator[None]:
    """Give uproot's classes back their places.

    What cannot be read by them uproot reads by classes that it makes of the streamers of the file, which from then on
    are those of all files of the process: a good one may end in an error after a damaged one.
    """
    classes: dict[str, Any] = getattr(uproot, "classes", {})
    known = [classes, *(m.known_versions for m in classes.values() if hasattr(m, "known_versions"))]
    before = [dict(classes) for classes in known]
    try:
        yield
    finally:
        for those, old in zip(known, before, strict=True):
            those.update(old)  # new ones stay, so that the next file need not make them


@dataclass(frozen=True)
class _Numbers:
    """The numbers of one object: (member, format, place) each, and (member, type, length, place) of arrays."""

    scalars: tuple[tuple[str, struct.Struct, int], ...]
    arrays: tuple[tuple[str, np.dtype[Any], int, int], ...]

    @classmethod
    def of(cls, model: Any, raw: NDArray[np.uint8]) -> _Numbers | None:
        """Those that are free; None where one has no place among the bytes."""
        scalars, arrays = [], []
        start = raw.ctypes.data
        for member, value in model._members.items():
            if member not in _FREE:
                continue
            if isinstance(value, np.ndarray) and value.size:
                place = value.ctypes.data - start
                if not (value.flags.c_contiguous and 0 <= place <= len(raw) - value.nbytes):
                    return None
                arrays.append((member, value.dtype, value.size, place))
            elif isinstance(value, PlacedNumber):
                scalars.append((member, value.code, value.place))
        return cls(tuple(scalars), tuple(arrays))

    def places(self) -> Iterator[slice]:
        """Of all bytes of the numbers."""
        for _, code, place in self.scalars:
            yield slice(place, place + code.size)
        for _, dtype, length, place in self.arrays:
            yield slice(place, place + length * dtype.itemsize)

    def read(self, raw: NDArray[np.uint8]) -> Iterator[tuple[str, Any]]:
        """Members with the numbers of another file."""
        for member, code, place in self.scalars:
            yield member, code.unpack_from(raw.data, place)[0]
        for member, dtype, length, place in self.arrays:
            yield member, np.frombuffer(raw, dtype, length, place)

    def one(self, raw: NDArray[np.uint8], member: str) -> Any:
        """One of them; KeyError for none of these."""
        found = self._places[member]
        return found[0].unpack_from(raw.data, found[1])[0] if len(found) == 2 else np.frombuffer(raw, *found)

    @cached_property
    def _places(self) -> dict[str, tuple[Any, ...]]:
        return {name: tuple(place) for name, *place in self.scalars} | {
            name: tuple(place) for name, *place in self.arrays
        }


class Layout:
    """A tree, and what other trees of its layout have of their own.

    Attributes:
        n_branches: their number.
        places: number of each branch by its name.
        shared: as of :func:`shared_by_layout`.
    """

    def __init__(self, tree: Any, raw: NDArray[np.uint8], origin: int, numbers: dict[int, _Numbers]) -> None:
        self.origin, self.size, self.n_branches = origin, len(raw), len(tree.branches)
        self._tree, self._numbers = tree, numbers
        self._fixed = np.ones(len(raw), dtype=bool)
        for one in numbers.values():
            for places in one.places():
                self._fixed[places] = False
        self._bytes = raw[self._fixed]
        self._of_tree, self._of_branches = numbers[id(tree)], [numbers[id(branch)] for branch in tree.branches]
        self.places = {str(branch.name): number for number, branch in enumerate(tree.branches)}
        self._interpretations: list[Any] | None = None
        self.shared: dict[str, Any] = {}

    @classmethod
    def of(cls, tree: Any, raw: NDArray[np.uint8], origin: int) -> Layout | None:
        """The layout of a tree of plain branches; None for others, whose parts refer to each other in more ways."""
        if not all(map(_is_plain, tree.branches)) or len(tree.branches) > _MOST_BRANCHES:
            return None
        models = [tree, *tree.branches, *(leaf for branch in tree.branches for leaf in branch.member("fLeaves"))]
        numbers = {id(model): found for model in models if (found := _Numbers.of(model, raw)) is not None}
        return cls(tree, raw, origin, numbers) if len(numbers) == len(models) else None

    def matches(self, raw: NDArray[np.uint8], origin: int) -> bool:
        """True for the bytes of a tree of this layout."""
        return self.size == len(raw) and self.origin == origin and np.array_equal(raw[self._fixed], self._bytes)

    def copy(self, raw: NDArray[np.uint8], chunk: Any, cursor: Any, key: Any) -> Any:
        """The tree with the numbers of another file."""
        file, context = key.file, {"breadcrumbs": (), "TKey": key}
        tree = self._with_numbers(self._tree, raw, file, key)
        leaves: dict[int, Any] = {}
        branches = []
        for old in self._tree.branches:
            branch = self._with_numbers(old, raw, file, tree)
            branches.append(branch)
            for leaf in old.member("fLeaves"):
                leaves[id(leaf)] = self._with_numbers(leaf, raw, file, branch)
            branch._members["fLeaves"] = _with_items(old.member("fLeaves"), leaves, branch)
        for leaf in leaves.values():  # they name the leaf that counts their values
            _set(leaf, "_bases", [_copy_of(base, leaf) for base in leaf._bases])
            for base in leaf._bases:
                count = base._members.get("fLeafCount")
                if count is not None:
                    base._members["fLeafCount"] = leaves[id(count)]
        tree._members["fLeaves"] = _with_items(self._tree.member("fLeaves"), leaves, tree)
        tree._members["fBranches"] = _copy_of(self._tree.member("fBranches"), tree)
        _set(tree._members["fBranches"], "_data", branches)
        for branch in branches:
            branch.postprocess(chunk, cursor, context, file)
        for branch, interpretation in zip(branches, self.interpretations(), strict=True):
            _set(branch, "_interpretation", interpretation)
        return tree.postprocess(chunk, cursor, context, file)

    def number(self, raw: NDArray[np.uint8], member: str, branch: int | None = None) -> Any:
        """A number, or an array of them, of a tree with these bytes, or of one of its branches.

        Raises:
            KeyError: all trees of the layout have this member in common.
        """
        return (self._of_tree if branch is None else self._of_branches[branch]).one(raw, member)

    def title(self, branch: int) -> str:
        """Of a branch."""
        return str(self._tree.branches[branch].title)

    def interpretations(self) -> list[Any]:
        """Of each branch, where it holds for every file."""
        if self._interpretations is None:
            self._interpretations = [_shareable(branch.interpretation) for branch in self._tree.branches]
        return self._interpretations

    def _with_numbers(self, model: Any, raw: NDArray[np.uint8], file: Any, parent: Any) -> Any:
        made = _copy_of(model, parent)
        _set(made, "_file", file)
        made._members.update(self._numbers[id(model)].read(raw))
        return made


def _is_plain(branch: Any) -> bool:
    """True for a branch without branches below it, all baskets of which lie outside of the description of the tree."""
    leaves = branch.member("fLeaves")
    return (
        branch.classname == "TBranch"
        and len(branch.member("fBranches")) == 0
        and branch._embedded_baskets == []
        and all(leaf is not None and all(len(base.bases) == 1 for base in leaf.bases) for leaf in leaves)
    )


def _shareable(interpretation: Any) -> Any:
    """An interpretation that holds for every file; None for those that depend on the classes that a file describes."""
    content = getattr(interpretation, "content", interpretation)
    return interpretation if isinstance(content, uproot.AsDtype) else None


def _copy_of(model: Any, parent: Any) -> Any:
    made = object.__new__(type(model))
    made.__dict__.update(model.__dict__)
    _set(made, "_members", dict(model._members))
    _set(made, "_parent", parent)
    return made


def _set(model: Any, name: str, value: Any) -> None:
    """Give a part of a tree something of its own instead of what the tree has that it is a copy of.

    Raises:
        AttributeError: uproot has another name for it, by which it would still find that of the other tree.
    """
    if name not in model.__dict__:
        msg = f"no {name!r} in {type(model).__name__}"
        raise AttributeError(msg)
    setattr(model, name, value)


def _with_items(array: Any, items: dict[int, Any], parent: Any) -> Any:
    made = _copy_of(array, parent)
    _set(made, "_data", [items[id(item)] for item in array])
    return made


class _Layouts:
    """The layouts that were met last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._layouts: list[Layout] = []
        self.usable = True  # with the uproot at hand

    def find(self, raw: NDArray[np.uint8], origin: int) -> Layout | None:
        found = next((one for one in self._layouts if one.matches(raw, origin)), None)
        if found is not None:
            self._first(found)
        return found

    def add(self, layout: Layout) -> None:
        self._first(layout)

    def _first(self, layout: Layout) -> None:
        with self._lock:
            layouts = [layout, *(one for one in self._layouts if one is not layout)]
            self._layouts = list(_within(layouts[:_MOST_LAYOUTS]))


def _within(layouts: Iterable[Layout]) -> Iterator[Layout]:
    room = _MOST_BRANCHES
    for layout in layouts:
        room -= layout.n_branches
        if room < 0:
            return
        yield layout


_known = _Layouts()
