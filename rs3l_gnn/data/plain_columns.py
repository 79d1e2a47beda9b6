"""Columns of plain numbers, straight from the baskets of a file."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
import uproot
from numpy.typing import NDArray

from rs3l_gnn.data.baskets import Basket, read_basket

__all__ = ["Column", "is_plain", "joined", "part_of", "read_baskets", "read_column", "size_of"]

Column = tuple[NDArray[np.int64] | None, NDArray[Any]]
"""Offsets of lists [entries + 1], None where each entry has one number; numbers in the machine's byte order."""
_NUMPY = uproot.interpretation.library.NumPy()


def is_plain(interpretation: Any) -> bool:
    """True for one number in each entry, and for lists of numbers."""
    if type(interpretation) is uproot.AsJagged and interpretation.header_bytes == 0:
        interpretation = interpretation.content
    return type(interpretation) is uproot.AsDtype and interpretation.from_dtype.shape == ()


def read_column(branch: Any, start: int, stop: int) -> Column | None:
    """Entries of a branch; None where they are no plain numbers or none, and where uproot has to refuse a basket.

    Args:
        branch: of uproot.
        start, stop: entries.
    """
    offsets = branch.entry_offsets
    if not (0 <= start < stop <= offsets[-1] and is_plain(branch.interpretation)):
        return None
    first, _, column = read_baskets(branch, branch.interpretation, start, stop, offsets)
    return None if column is None else part_of(column, start - first, stop - first)


def read_baskets(
    branch: Any, interpretation: Any, start: int, stop: int, offsets: Sequence[int]
) -> tuple[int, int, Column | None]:
    """First and last entry of the baskets that hold some entries, and their numbers; None where one is refused.

    Args:
        branch: of uproot.
        interpretation: a plain one.
        start, stop: entries, one at least.
        offsets: first entries of the baskets, and the end.
    """
    baskets = range(bisect_right(offsets, start) - 1, bisect_left(offsets, stop))
    columns = [_read_basket(branch, interpretation, number, offsets) for number in baskets]
    found = [column for column in columns if column is not None]
    whole = joined(found) if len(found) == len(columns) else None
    return offsets[baskets.start], offsets[baskets.stop], whole


def _read_basket(branch: Any, interpretation: Any, number: int, offsets: Sequence[int]) -> Column | None:
    """The numbers of one basket; None where uproot would refuse it.

    Args:
        branch: of uproot.
        interpretation: a plain one.
        number: of the basket.
        offsets: first entries of the baskets, and the end.

    Raises:
        ValueError: lists that do not lie in the basket.
    """
    place, size = branch.member("fBasketSeek"), branch.member("fBasketBytes")
    # Baskets inside of the description of the tree stand nowhere else.
    basket = read_basket(branch.file.source, int(place[number]), int(size[number])) if number < len(place) else None
    found = None if basket is None else _numbers(basket, interpretation, _where(branch, number))
    if basket is None or found is None:
        return _read_by_uproot(branch, interpretation, number, offsets)
    return found if basket.entries == offsets[number + 1] - offsets[number] else None


def _where(branch: Any, number: int) -> str:
    """Place of a basket; errors with these words are known as those of a damaged file."""
    return f"{branch.name}, basket {number}, in file {branch.file.file_path}"


def _numbers(basket: Basket, interpretation: Any, where: str) -> Column | None:
    """What a basket holds; None where its size does not fit, or does not say how long the lists are."""
    jagged = isinstance(interpretation, uproot.AsJagged)
    kind = interpretation.content if jagged else interpretation
    stored, wanted = kind.from_dtype, kind.to_dtype
    if len(basket.data) % stored.itemsize:
        return None
    numbers = basket.data.view(stored)
    if not jagged:
        return (None, numbers.astype(wanted)) if len(numbers) == basket.entries else None
    if basket.offsets is None:
        return None
    return _lists(basket.offsets.astype(np.int64) // stored.itemsize, numbers, wanted, where)


def _lists(places: NDArray[np.int64], numbers: NDArray[Any], kind: np.dtype[Any], where: str) -> Column:
    """Lists that begin at places in numbers.

    Raises:
        ValueError: they do not lie there; uproot takes most of them, and awkward then reads beyond its memory.
    """
    if not (places[0] >= 0 and (places[1:] >= places[:-1]).all() and places[-1] <= len(numbers)):
        raise ValueError(f"lists do not lie in their basket: {where}")
    return places - places[0], numbers[places[0] : places[-1]].astype(kind)


def _read_by_uproot(branch: Any, interpretation: Any, number: int, offsets: Sequence[int]) -> Column | None:
    """As :func:`_read_basket`, of every basket that uproot can read, and with its words where it cannot.

    Raises:
        ValueError: lists that do not lie in the basket.
        Exception: whatever uproot raises.
    """
    basket = branch.basket(number)
    keylen = basket.member("fKeylen")
    found = interpretation.basket_array(
        basket.data, basket.byte_offsets, basket, branch, branch.context, keylen, _NUMPY, {}
    )
    if not len(found) == basket.num_entries == offsets[number + 1] - offsets[number]:
        return None
    if isinstance(interpretation, uproot.AsDtype):
        return None, found.astype(interpretation.to_dtype)
    places = found.offsets.astype(np.int64)
    return _lists(places, found.content, interpretation.content.to_dtype, _where(branch, number))


def joined(columns: Sequence[Column]) -> Column:
    """Entries of one branch, one part after another."""
    if len(columns) == 1:
        return columns[0]
    numbers = np.concatenate([numbers for _, numbers in columns])
    counts = [np.diff(offsets) for offsets, _ in columns if offsets is not None]
    return (np.concatenate([[0], np.cumsum(np.concatenate(counts))]) if counts else None), numbers


def part_of(column: Column, start: int, stop: int) -> Column:
    """Some of the entries."""
    offsets, numbers = column
    if offsets is None:
        return None, numbers[start:stop]
    offsets = offsets[start : stop + 1]
    return offsets - offsets[0], numbers[offsets[0] : offsets[-1]]


def size_of(column: Column) -> int:
    """Bytes in memory."""
    return column[1].nbytes + (0 if column[0] is None else column[0].nbytes)
