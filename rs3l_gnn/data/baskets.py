"""A basket of plain numbers, unpacked without uproot's objects for it, which take longer than a small one.

It is read as ROOT writes it (TKey and TBasket, https://root.cern.ch/doc/master/classTBasket.html): a key, whose last
bytes say how many entries there are and where the numbers end; the numbers, compressed or not; behind them, for lists,
the place where each entry begins.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from uproot.compression import decompress
from uproot.source.cursor import Cursor

__all__ = ["Basket", "read_basket"]

_KEY = struct.Struct(">ihiIhh")
"""Bytes of the basket, version of the key, bytes when unpacked, date, bytes of the key, cycle."""
_TAIL = struct.Struct(">HiiiiB")
"""At the end of the key: version, size of the buffer, size of an entry, entries, bytes with the key, a flag."""


class Basket(NamedTuple):
    """What is in a basket.

    Attributes:
        entries: their number.
        data: bytes of all entries, as the file orders them.
        offsets: where each entry begins, and the end [entries + 1]; None where a basket does not say so.
    """

    entries: int
    data: NDArray[np.uint8]
    offsets: NDArray[np.int32] | None


def read_basket(source: Any, start: int, size: int) -> Basket | None:
    """A basket of a file; None where it is not what is expected, and uproot has to say why.

    Args:
        source: of uproot.
        start: first byte of the basket.
        size: its bytes in the file, key included.
    """
    if start <= 0 or size <= _KEY.size + _TAIL.size:
        return None
    chunk = source.chunk(start, start + size)
    raw = chunk.get(start, start + size, Cursor(start), {})
    n_bytes, _, unpacked, _, key_size, _ = _KEY.unpack_from(raw)
    if n_bytes != size or not _KEY.size + _TAIL.size <= key_size < size or unpacked <= 0:
        return None
    _, _, _, entries, last, _ = _TAIL.unpack_from(raw, key_size - _TAIL.size)
    content = raw[key_size:]
    if len(content) != unpacked:
        content = decompress(chunk, Cursor(start + key_size), {}, len(content), unpacked).raw_data
    border = last - key_size
    if not 0 <= border <= len(content) == unpacked:
        return None
    if border == unpacked:
        return Basket(entries, content, None)
    places = content[border:]
    if len(places) != 4 * (entries + 2):
        return None
    # The first number counts them, and the last one is not used.
    offsets = places.view(">i4")[1:] - np.int32(key_size)
    offsets[-1] = border
    return Basket(entries, content[:border], offsets)
