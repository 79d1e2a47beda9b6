"""Numbers in lists as flat arrays: what awkward's functions give, without their dispatch where the layout is plain.

Awkward takes a few tenths of a millisecond a call, whatever the size of the arrays, which is most of the time of a
small chunk. Lists as files hold them, one column of numbers under one array of offsets, are only a slice of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

__all__ = ["counts_of", "entry_field", "flat", "flat_field", "plain_field", "renamed"]

_CONTENTS: Any = getattr(ak, "contents", None)  # awkward 1 has its layouts elsewhere, and no virtual arrays


def flat(values: ak.Array) -> NDArray[Any]:
    """Numbers of all lists [event][x], one list after another [n]."""
    plain = _plain(values, None)
    return np.asarray(ak.flatten(values, axis=1)) if plain is None else plain


def flat_field(records: ak.Array, name: str) -> NDArray[Any]:
    """A field of records [event][x], one list after another [n]."""
    plain = _plain(records, name)
    return np.asarray(ak.flatten(records[name], axis=1)) if plain is None else plain


def plain_field(records: ak.Array, name: str) -> NDArray[Any] | None:
    """As :func:`flat_field`; None where the layout is another than that of files: lists cut, sorted, or with None."""
    return _plain(records, name)


def entry_field(records: ak.Array, name: str) -> NDArray[Any]:
    """A field with one number for each record [n]."""
    layout = getattr(records, "layout", None)
    if _CONTENTS is not None and isinstance(layout, _CONTENTS.RecordArray) and name in layout.fields:
        column = layout.contents[layout.field_to_index(name)]
        if isinstance(column, _CONTENTS.NumpyArray):
            return _held(column.data)[: layout.length]
    return np.asarray(records[name])


def counts_of(lists: ak.Array) -> NDArray[np.int64]:
    """Lengths of lists of numbers or records [n]."""
    layout = getattr(lists, "layout", None)
    if _CONTENTS is not None and isinstance(layout, _CONTENTS.ListOffsetArray):
        return np.diff(_held(layout.offsets.data)).astype(np.int64, copy=False)
    return np.asarray(ak.num(lists, axis=1), dtype=np.int64)


def renamed(records: ak.Array, names: Mapping[str, str]) -> ak.Array:
    """Some fields of records [event][x] under other names; of virtual ones, only the lengths of the lists are read.

    Args:
        records: with the fields.
        names: new name -> name of the field.
    """
    layout = getattr(records, "layout", None)
    if _CONTENTS is not None and isinstance(layout, _CONTENTS.ListOffsetArray):
        record = layout.content
        if isinstance(record, _CONTENTS.RecordArray):
            columns = [record.contents[record.field_to_index(name)] for name in names.values()]
            chosen = _CONTENTS.RecordArray(columns, list(names), length=record.length)
            return ak.Array(_CONTENTS.ListOffsetArray(layout.offsets, chosen))
    return ak.zip({new: records[name] for new, name in names.items()})


def _plain(lists: ak.Array, name: str | None) -> NDArray[Any] | None:
    layout = getattr(lists, "layout", None)
    if _CONTENTS is None or not isinstance(layout, _CONTENTS.ListOffsetArray):
        return None
    column = layout.content
    if name is not None:
        if not isinstance(column, _CONTENTS.RecordArray) or name not in column.fields:
            return None
        column = column.contents[column.field_to_index(name)]
    if not isinstance(column, _CONTENTS.NumpyArray):
        return None
    offsets = _held(layout.offsets.data)
    return _held(column.data)[offsets[0] : offsets[-1]]


def _held(data: Any) -> NDArray[Any]:
    """The array behind a virtual one, which is read now."""
    return np.asarray(data.materialize() if hasattr(data, "materialize") else data)
