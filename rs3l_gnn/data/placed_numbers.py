"""Numbers that remember where in a file uproot read them."""

from __future__ import annotations

import itertools
import struct
from functools import cache
from typing import Any

__all__ = ["PlacedNumber", "placing_cursor"]

_WHOLE = "bBhHiIqQ"
_WHOLE_FORMATS = {code: struct.Struct(f">{code}") for code in _WHOLE}


class PlacedNumber(int):
    """A whole number of a file, and where it stood: its place among the bytes, and its format."""

    place: int
    code: struct.Struct

    @classmethod
    def at(cls, value: int, place: int, code: struct.Struct) -> PlacedNumber:
        """A number with its place."""
        number = cls(value)
        number.place, number.code = place, code
        return number


def placing_cursor(origin: int) -> Any:
    """A cursor of uproot's at the first byte, which gives every whole number as a :class:`PlacedNumber`.

    Raises:
        ImportError: uproot has another place for its cursors.
    """
    return _placing_cursors()(0, origin=origin)


@cache
def _placing_cursors() -> Any:
    from uproot.source.cursor import Cursor  # here: what is not promised must not be needed for an import

    class PlacingCursor(Cursor):  # type: ignore[misc]  # uproot ships no type information
        def copy(self, link_refs: bool = True) -> Any:
            refs = self._refs if link_refs or self._refs is None else dict(self._refs)
            return PlacingCursor(self._index, origin=self._origin, refs=refs)

        def fields(self, chunk: Any, format: struct.Struct, context: Any, move: bool = True) -> tuple[Any, ...]:  # noqa: A002 - uproot's name
            start = self._index
            values = super().fields(chunk, format, context, move)
            codes = _codes(format)
            if codes is None:
                return tuple(values)
            return tuple(
                value if code is None else PlacedNumber.at(value, start + place, code)
                for value, (place, code) in zip(values, codes, strict=True)
            )

    return PlacingCursor


@cache
def _codes(format: struct.Struct) -> tuple[tuple[int, struct.Struct | None], ...] | None:  # noqa: A002 - uproot's name
    """Place and format of each number of a format, no format for those that are not whole; None for what is more."""
    codes = format.format.removeprefix(">")
    if set(codes) - set(_WHOLE + "fd"):
        return None
    sizes = [struct.calcsize(f">{code}") for code in codes]
    places = itertools.accumulate(sizes, initial=0)
    return tuple((place, _WHOLE_FORMATS.get(code)) for place, code in zip(places, codes, strict=False))
