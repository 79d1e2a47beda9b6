"""Numbers of a file know the bytes that they were read from."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from uproot.source.chunk import Chunk

from rs3l_gnn.data.placed_numbers import PlacedNumber, placing_cursor


def test_each_whole_number_is_found_again_at_its_place() -> None:
    formats = [">iHf", ">q", ">Bb", ">d", ">hI?"]
    values = [(7, 65_000, 0.5), (-(2**40),), (200, -3), (1.25,), (-9, 2**31, True)]
    raw = b"".join(struct.pack(code, *those) for code, those in zip(formats, values, strict=True))
    chunk = Chunk.wrap(None, np.frombuffer(raw, np.uint8))
    cursor = placing_cursor(0)
    start = 0
    placed = 0
    for code, those in zip(formats, values, strict=True):
        other = cursor.copy()
        for reader in (cursor, other):
            found = reader.fields(chunk, struct.Struct(code), {})
            assert found == those
            for one in found:
                if isinstance(one, PlacedNumber):
                    placed += 1
                    assert start <= one.place < start + struct.calcsize(code)
                    assert one.code.unpack_from(raw, one.place) == (one,)
        start += struct.calcsize(code)
    assert placed == 2 * 5  # a format with more than numbers is read as it is


@pytest.mark.parametrize("origin", [0, 12])
def test_the_origin_is_kept(origin: int) -> None:
    cursor = placing_cursor(origin)
    assert (cursor.origin, cursor.copy().origin, cursor.index) == (origin, origin, 0)
