"""The functions that an expression may call, on flat arrays of events and of their objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.jagged import parents_of
from rs3l_gnn.conventions.kinematics import delta_phi, delta_r

__all__ = ["FUNCTIONS", "Column", "Function"]


@dataclass(frozen=True)
class Column:
    """Values of a name, or of a part of an expression.

    Attributes:
        values: float64 or bool, one for each event [n_events], or for all objects one after another [n_objects]; a
            scalar for a constant.
        owner: the collection that the objects belong to; None for events and constants.
        counts: objects of each event [n_events]; None for events and constants.
    """

    values: NDArray[Any] | np.float64
    owner: str | None = None
    counts: NDArray[np.int64] | None = None

    def numbers(self) -> Column:
        """The same with 1 for True and 0 for False."""
        if self.values.dtype == np.float64:
            return self
        return Column(np.asarray(self.values, dtype=np.float64), self.owner, self.counts)

    def spread(self, counts: NDArray[np.int64] | None) -> NDArray[Any]:
        """Values of events repeated for each of their objects; others as they are."""
        values = np.asarray(self.values)
        return values if counts is None or self.counts is not None or values.ndim == 0 else np.repeat(values, counts)


@dataclass(frozen=True)
class Function:
    """What a call by name does.

    Attributes:
        usage: how it is written.
        fewest, most: arguments; None for any number.
        elementwise: of arrays of one length; never called of what only reduces.
        reduces: of one argument with a value for each object, to a value for each event.
        conditions: places of the arguments that are conditions; the others are numbers.
        gives_condition: True if its result is one.
    """

    usage: str
    fewest: int = 1
    most: int | None = 1
    elementwise: Callable[..., Any] = np.asarray
    reduces: Callable[[Column], Column] | None = None
    conditions: tuple[int, ...] = ()
    gives_condition: bool = False


def _sum(column: Column) -> Column:
    counts = _counts(column)
    return Column(np.bincount(parents_of(counts), weights=column.spread(None), minlength=len(counts)))


def _count(column: Column) -> Column:
    return _sum(column.numbers())


def _any(column: Column) -> Column:
    return Column(np.asarray(_count(column).values > 0))


def _all(column: Column) -> Column:
    return Column(np.asarray(_count(column).values == _counts(column)))


def _extreme(function: np.ufunc) -> Callable[[Column], Column]:
    def reduced(column: Column) -> Column:
        counts = _counts(column)
        out = np.full(len(counts), np.nan)
        function.at(out, parents_of(counts), column.spread(None))  # fmin and fmax pass NaN over
        return Column(out)

    return reduced


def _counts(column: Column) -> NDArray[np.int64]:
    if column.counts is None:
        raise TypeError("a column of events has no objects")
    return column.counts


def _many(function: np.ufunc) -> Callable[..., Any]:
    def called(*arrays: NDArray[Any]) -> Any:
        out = arrays[0]
        for other in arrays[1:]:
            out = function(out, other)
        return out

    return called


def _bit(flags: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a number holds the bit, counted from 0; False for what is no whole number of 52 bits."""
    usable = (np.abs(flags) < 2.0**52) & (flags == np.trunc(flags)) & (place >= 0) & (place < 52)
    whole, shift = (np.where(usable, values, 0).astype(np.int64) for values in (flags, place))
    return np.asarray(usable & ((whole >> shift) & 1 == 1))


_PLAIN = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
}

FUNCTIONS: dict[str, Function] = {
    **{name: Function(f"{name}(x)", elementwise=function) for name, function in _PLAIN.items()},
    "min": Function("min(objects) or min(x, y, ...)", 1, None, _many(np.fmin), _extreme(np.fmin)),
    "max": Function("max(objects) or max(x, y, ...)", 1, None, _many(np.fmax), _extreme(np.fmax)),
    "sum": Function("sum(objects)", reduces=_sum),
    "count": Function("count(condition on objects)", reduces=_count, conditions=(0,)),
    "any": Function("any(condition on objects)", reduces=_any, conditions=(0,), gives_condition=True),
    "all": Function("all(condition on objects)", reduces=_all, conditions=(0,), gives_condition=True),
    "where": Function("where(condition, x, y)", 3, 3, np.where, conditions=(0,)),
    "bit": Function("bit(x, n)", 2, 2, _bit, gives_condition=True),
    "delta_phi": Function("delta_phi(phi1, phi2)", 2, 2, delta_phi),
    "delta_r": Function("delta_r(eta1, phi1, eta2, phi2)", 4, 4, delta_r),
}
"""By name. The logarithm is the natural one; angles are in rad."""
