"""Numbers as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["bracket", "compared", "number", "plus_minus", "position", "rejection", "sigmas", "significant"]

_NONE = "-"
_MOST_DECIMALS = 8


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, without an exponent where that is readable."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    size = math.floor(math.log10(abs(value)))
    if -5 <= size < 6:
        return f"{value:,.{max(digits - 1 - size, 0)}f}".replace(",", " ")
    return f"{value:.{digits - 1}e}"


def position(x: float | None) -> str:
    """A place on an axis: whole numbers whole."""
    if x is None:
        return _NONE
    return f"{x:,.0f}".replace(",", " ") if float(x).is_integer() else f"{x:g}"


def number(value: float | None, digits: int = 3) -> str:
    """A number, or a dash where there is none."""
    return _NONE if value is None else significant(value, digits)


def plus_minus(value: float | None, error: float | None) -> str:
    """A value with as many decimals as two digits of its error have."""
    if value is None:
        return _NONE
    if error is None or error <= 0 or not math.isfinite(error):
        return significant(value)
    decimals = max(1 - math.floor(math.log10(error)), 0)
    if decimals > _MOST_DECIMALS:
        return f"{value:.2g} ± {error:.1g}"
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def bracket(value: float | None, interval: list[float | None]) -> str:
    """A value with its 68 % interval."""
    if value is None:
        return _NONE
    low, high = ("∞" if end is None else significant(end) for end in interval)
    return f"{significant(value)} [{low}, {high}]"


def rejection(row: Mapping[str, Any]) -> str:
    """1/FPR with its interval, or a bound where no background jet passed."""
    if row["value"] is None:
        low = row["interval"][0]
        return "no background jet left" if low is None else f"> {significant(low)}"
    return bracket(row["value"], row["interval"])


def sigmas(significance: float | None) -> str:
    """A significance with its sign."""
    return _NONE if significance is None else f"{significance:+.1f} sigma"


def compared(ratio: float | None, interval: list[float | None] | None, significance: float | None) -> str:
    """A ratio with its interval and significance."""
    return _NONE if ratio is None or interval is None else f"{bracket(ratio, interval)} ({sigmas(significance)})"
