from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.benchmarks.reliability.same import is_same


@dataclass(frozen=True)
class _Pair:
    name: str
    values: Any


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (_Pair("a", np.array([1.0, np.nan])), _Pair("a", np.array([1.0, np.nan])), True),
        (_Pair("a", np.array([1.0, 2.0])), _Pair("a", np.array([1.0, 3.0])), False),
        (np.array([1, 2], np.int32), np.array([1, 2], np.int64), False),
        (np.array(["a"]), np.array(["a"]), True),
        ({"a": [1, (2.0, None)]}, {"a": [1, (2.0, None)]}, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),  # the order of variations means something
        (float("nan"), float("nan"), True),
        (1, True, False),
        ([1], [1, 2], False),
        (ak.Array([[1], []]), ak.Array([[1], []]), True),
        (ak.Array([[1], []]), ak.Array([[], [1]]), False),
    ],
)
def test_is_same(one: object, other: object, same: bool) -> None:
    assert is_same(one, other) is same
