"""The compiled sorting of short lists against sorted() of Python."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rs3l_gnn.conventions import hardest_candidates
from rs3l_gnn.conventions.features.sorting import LONGEST, order_of_falling


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_order_is_that_of_a_plain_sort(dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(4)
    counts = rng.integers(0, 60, 50)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    values = rng.integers(-20, 20, offsets[-1]).astype(dtype)  # many ties
    values[rng.random(len(values)) < 0.1] = np.nan
    values[rng.random(len(values)) < 0.05] = -0.0
    expected = [
        place
        for first, stop in itertools.pairwise(offsets)
        for place in sorted(range(first, stop), key=lambda p: (np.isnan(values[p]), -values[p], p))
    ]
    assert order_of_falling(values, offsets).tolist() == expected


def test_long_lists_are_sorted_too() -> None:
    """Beyond the length that the loop is made for, in any order of memory."""
    rng = np.random.default_rng(5)
    for n in (LONGEST, LONGEST + 1):
        values = rng.integers(0, 50, 2 * n).astype(np.float32)[::2]
        index, offsets = hardest_candidates(values, np.array([0, n]), maximum=n)
        assert index.tolist() == sorted(range(n), key=lambda p: (-values[p], p))
        assert offsets.tolist() == [0, n]
