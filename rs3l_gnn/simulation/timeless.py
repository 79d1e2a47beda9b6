"""ROOT files without the time of their making, so that the same events give the same bytes.

A ROOT file is a chain of records, each behind a key with a date, and a list of the gaps between them (the layout is
described with ROOT's class TFile). Dates stand in the keys, in the directory, and in the directory's list of keys; old
dates are left in the gaps.
"""

from __future__ import annotations

import struct

__all__ = ["without_dates"]

_FIXED = (5 << 26) | (1 << 22) | (1 << 17)  # the first second of 2000, in ROOT's encoding: years since 1995, month, day
_LARGE = 1_000_000  # versions beyond it have wider numbers in their head; such a file has more than 2 GB
_KEY = struct.Struct(">ihiIh")  # length of the record, version, length unpacked, date, length of the key
_LENGTH = struct.Struct(">i")
_DATE_IN_KEY = 10
_WIDE_KEY = 1000


def without_dates(content: bytes) -> bytes:
    """The same file with one fixed date in all places, and nothing in its gaps.

    Args:
        content: a ROOT file with one directory, such as uproot writes.

    Returns:
        The file, as long as before; unchanged if it is larger than 2 GB or laid out in another way.
    """
    data = bytearray(content)
    version, begin, end, seek_free = struct.unpack_from(">iiii", data, 4)
    if version >= _LARGE:
        return content
    (name_length,) = struct.unpack_from(">i", data, 28)
    gaps = _gaps(data, seek_free)
    place = begin
    while place < end:
        if place in gaps:
            after = min(gaps[place] + 1, end)
            data[place:after] = bytes(after - place)
            if after - place >= _LENGTH.size:
                _LENGTH.pack_into(data, place, place - after)  # ROOT's mark of a gap, a negative length
        else:
            after = place + _freeze(data, place)[0]
            if after <= place:
                return content
        place = after
    directory = begin + name_length
    struct.pack_into(">II", data, directory + 2, _FIXED, _FIXED)  # behind the version: made, changed
    (seek_keys,) = struct.unpack_from(">i", data, directory + 26)
    _, key_length = _freeze(data, seek_keys)
    (n_keys,) = struct.unpack_from(">i", data, seek_keys + key_length)
    place = seek_keys + key_length + 4
    for _ in range(n_keys):
        place += _freeze(data, place)[1]
    return bytes(data)


def _freeze(data: bytearray, place: int) -> tuple[int, int]:
    """Put the fixed date into a key; the lengths of its record and of itself."""
    record, _, _, _, length = _KEY.unpack_from(data, place)
    struct.pack_into(">I", data, place + _DATE_IN_KEY, _FIXED)
    return record, length


def _gaps(data: bytearray, seek_free: int) -> dict[int, int]:
    """First and last byte of every gap; the last one reaches beyond the end of the file."""
    record, _, _, _, length = _KEY.unpack_from(data, seek_free)
    place, gaps = seek_free + length, {}
    while place < seek_free + record:
        version, *_ = struct.unpack_from(">h", data, place)
        form = ">hqq" if version > _WIDE_KEY else ">hii"
        _, first, last = struct.unpack_from(form, data, place)
        gaps[first] = last
        place += struct.calcsize(form)
    return gaps
