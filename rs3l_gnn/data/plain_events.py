"""Events of plain columns, put together without the functions of awkward, which take longer than a small file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np

from rs3l_gnn.data.plain_columns import Column, read_column

__all__ = ["plain_events"]


def plain_events(
    tree: Any, separator: str, branches: Sequence[str], *, entry_start: int = 0, entry_stop: int | None = None
) -> ak.Array | None:
    """Branches of an open tree as records with one field for each collection; None where they are not all plain.

    Args:
        tree: of uproot.
        separator: between collection and field in the names of branches.
        branches: their names in the tree.
        entry_start, entry_stop: entries.
    """
    stop = int(tree.num_entries) if entry_stop is None else entry_stop
    collections: dict[str, dict[str, Column]] = {}
    for name in branches:
        column = read_column(tree[name], entry_start, stop)
        if column is None:
            return None
        collection, _, field = name.rpartition("/")[2].partition(separator or "\0")
        collections.setdefault(collection, {})[field] = column
    found = {name: _collection(columns) for name, columns in collections.items()}
    contents = [one for one in found.values() if one is not None]
    if len(contents) < len(found):
        return None
    return ak.Array(ak.contents.RecordArray(contents, list(found), length=stop - entry_start))


def _collection(columns: Mapping[str, Column]) -> Any:
    """The layout of one collection; None where its fields have different lengths."""
    all_offsets = [offsets for offsets, _ in columns.values() if offsets is not None]
    content = {field: ak.contents.NumpyArray(numbers) for field, (_, numbers) in columns.items()}
    made = content[""] if set(content) == {""} else ak.contents.RecordArray(list(content.values()), list(content))
    if not all_offsets:
        return made
    same = len(all_offsets) == len(columns) and all(np.array_equal(one, all_offsets[0]) for one in all_offsets[1:])
    return ak.contents.ListOffsetArray(ak.index.Index64(all_offsets[0]), made) if same else None
