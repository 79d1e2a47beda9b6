"""One event file: what it is, which branches are read of it, and its events in chunks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import awkward as ak

from rs3l_gnn.conventions import InputFileError, JetDomain, JetLabel, MissingBranchError
from rs3l_gnn.conventions.expansion import bound_baskets
from rs3l_gnn.conventions.inputs import reading, require_file
from rs3l_gnn.data.event_format import EventFormat, collection_of
from rs3l_gnn.data.event_pairing.open_trees import OpenTrees
from rs3l_gnn.data.event_tables import as_records
from rs3l_gnn.data.fast_zlib import read_fast
from rs3l_gnn.data.format_registry import format_of, get_format
from rs3l_gnn.data.shower_order import stored_order
from rs3l_gnn.data.tree_layouts import read_tree

__all__ = ["Chunk", "EventFile"]

bound_baskets()

_LARGEST_PIECE = 4
"""Times the wanted size: a basket that is larger is read once for each of its pieces."""


@dataclass(frozen=True)
class Chunk:
    """Some neighbouring events of a file.

    Attributes:
        start: entry of the first one in its file.
        events: records with one field for each collection.
    """

    start: int
    events: ak.Array


@dataclass(frozen=True)
class EventFile:
    """A readable file.

    Attributes:
        path: path or URL.
        tree: name of the tree.
        form: how it stores jets and candidates.
        names: names of the branches in the file, by their last part.
        entries: events.
        domain: what is known of its jets.
        labels: of the user's own that its jets may have.
        uuid: ROOT's content id.
        weight_order: what the entries of PSWeight vary, as far as the file says it.
        trees: files that stay open.
    """

    path: str
    tree: str
    form: EventFormat
    names: Mapping[str, str]
    entries: int
    domain: JetDomain
    labels: tuple[JetLabel, ...]
    uuid: str
    weight_order: tuple[str | None, ...] = ()
    trees: OpenTrees = field(default_factory=OpenTrees, compare=False, repr=False)

    @classmethod
    def look(
        cls, path: str, tree: str, layout: str | Mapping[str, Any] | None, trees: OpenTrees | None = None
    ) -> EventFile:
        """Open a file and find out what it is.

        Args:
            path: path or URL.
            tree: name of its tree.
            layout: format, its name, or a map of branches; found from the names of the branches if None.
            trees: files that stay open; none does if not given.

        Raises:
            InputFileError: it cannot be read, or has no such tree.
            MissingBranchError: no known format, or jets without candidates.
        """
        require_file(path)
        trees = OpenTrees() if trees is None else trees
        with reading(path, "cannot be read"), trees.open(path) as opened:
            classes = opened.classnames(cycle=False)
            if tree not in classes:
                found = ", ".join(sorted(classes)) or "an empty file"
                raise InputFileError(f"{path} has no tree {tree!r}", got=found)
            described = read_tree(opened, tree)
            names = {name.rpartition("/")[2]: name for name in described.keys()}  # noqa: SIM118 - uproot's tree is no mapping
            known = {*names, *map(collection_of, names)}
            form = format_of(known) if layout is None else get_format(layout)
            metadata = form.metadata(opened)
            jets = metadata.get("jets") or {}
            radius = jets.get("radius") if metadata else form.radius(known)
            entries = int(described.num_entries)
            labels = tuple(JetLabel.from_record(one, where=path) for one in metadata.get("labels") or ())
            order = stored_order(described, names, metadata.get("psweight_names"))
            trees.keep(path, opened, len(names))
            domain, uuid = form.domain(radius), str(opened.file.uuid)
            return cls(path, tree, form, names, entries, domain, labels, uuid, order, trees)

    def require(self, branches: Collection[str], *, what: str) -> None:
        """Refuse a file without some branches.

        Raises:
            MissingBranchError: names them, and what the file has of the same collections.
        """
        missing = [name for name in branches if name not in self.names]
        if missing:
            collections = set(map(collection_of, missing))
            close = sorted(name for name in self.names if collection_of(name) in collections)
            raise MissingBranchError(
                f"{self.path} lacks {', '.join(missing)}, needed for {what}",
                got=", ".join(close or sorted(set(map(collection_of, self.names)))),
            )

    def jet_branches(self, fields: Collection[str]) -> list[str]:
        """Branches of those of the jets' fields that the file has."""
        found = (self.form.jet_branch(field, self.names) for field in fields)
        return [name for name in found if name is not None]

    def chunks(
        self, branches: Collection[str], *, memory: int, start: int = 0, stop: int | None = None
    ) -> Generator[Chunk]:
        """Read events in order, each basket once.

        Args:
            branches: their last names.
            memory: bytes of a chunk, as stored.
            start, stop: entries.

        Raises:
            InputFileError: the file is damaged.
        """
        read_fast()
        wanted = set(branches)
        with reading(self.path, "cannot be read"), self.trees.open(self.path) as opened:
            if str(opened.file.uuid) != self.uuid:
                raise InputFileError(f"{self.path} is another file than it was at the first look")
            tree = read_tree(opened, self.tree)
            size = self._size(tree, wanted)
            step = max(memory * max(self.entries, 1) // max(size, 1), 1)
            done = start
            parts = tree.iterate(
                filter_branch=lambda branch: branch.name in wanted, step_size=step, entry_start=start, entry_stop=stop
            )
            for arrays in parts:
                yield Chunk(done, as_records(arrays, self.form))
                done += len(arrays)

    def pieces(self, branches: Collection[str], *, memory: int, entries: int | None = None) -> list[tuple[int, int]]:
        """Cut the events into pieces to be read on their own, at the ends of baskets where these are not too large.

        Args:
            branches: their last names.
            memory: bytes of a piece, as stored; a piece takes up to four times as much.
            entries: events of a piece, in place of ``memory``.

        Raises:
            InputFileError: the file is damaged.
        """
        wanted = set(branches)
        with reading(self.path, "cannot be read"), self.trees.open(self.path) as opened:
            tree = read_tree(opened, self.tree)
            least = entries or max(memory * max(self.entries, 1) // max(self._size(tree, wanted), 1), 1)
            ends = tree.common_entry_offsets(filter_branch=lambda branch: branch.name in wanted)
        most = least if entries else _LARGEST_PIECE * least
        cuts = [0]
        while cuts[-1] + least < self.entries:
            place = bisect_left(ends, cuts[-1] + least)
            end = ends[place] if place < len(ends) else self.entries
            cuts.append(min(end, cuts[-1] + most, self.entries))
        return list(pairwise([*cuts, self.entries] if cuts[-1] < self.entries else cuts))

    def _size(self, tree: Any, branches: Collection[str]) -> int:
        """Bytes of branches of an open tree, as stored and not compressed."""
        return sum(int(tree[self.names[name]].uncompressed_bytes) for name in branches)
