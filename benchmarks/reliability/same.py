"""Whether two results hold the same numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import awkward as ak
import numpy as np

__all__ = ["is_same"]


def is_same(one: Any, other: Any) -> bool:
    """Equal to the last bit, arrays and containers looked into; NaN equals NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))
    if isinstance(one, ak.Array):
        return bool(ak.array_equal(one, other, equal_nan=True))
    if dataclasses.is_dataclass(one):
        return all(is_same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one))
    if isinstance(one, dict):
        return list(one) == list(other) and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, float):
        return one == other or (one != one and other != other)  # noqa: PLR0124  # NaN
    if hasattr(one, "__dict__") and "__eq__" not in vars(type(one)):
        return is_same(vars(one), vars(other))
    return bool(one == other)
