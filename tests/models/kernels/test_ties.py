"""Equal distances, decided by coordinates."""

from __future__ import annotations

import numpy as np

from rs3l_gnn.models.kernels.ties import settle_ties

from .conftest import from_python

_settle_ties = from_python(settle_ties)


def _selected(distance: list[float], farthest: float, k: int, x: list[list[float]]) -> list[int]:
    n = len(distance)
    bits = np.full((2, 3), -1, np.int64)
    positions = np.concatenate([np.full((4, 2), np.nan), np.array(x)])
    table = np.full((2, n, 3), np.nan)
    table[1, :, 1] = distance
    _settle_ties(positions, 4, table, 1, n, 1, farthest, k, bits)
    return [j for j in range(n) if bits[j // 64, 1] >> (j % 64) & 1]


def test_the_smaller_coordinate_comes_first() -> None:
    distance = [1.0, 0.0, 1.0, 2.0, 1.0, 0.5]
    x = [[3.0, 0.0], [0.0, 0.0], [2.0, 5.0], [0.0, 0.0], [2.0, 4.0], [0.0, 0.0]]
    assert _selected(distance, 1.0, 3, x) == [1, 4, 5]
    assert _selected(distance, 1.0, 4, x) == [1, 2, 4, 5]


def test_the_same_place_counts_as_often_as_it_is_there() -> None:
    n = 70
    assert _selected([2.0] * n, 2.0, 66, [[1.0, 1.0]] * n) == list(range(66))
    x = [[float(j % 2), 0.0] for j in range(n)]
    assert _selected([2.0] * n, 2.0, 36, x) == sorted([*range(0, n, 2), 1])


def test_any_ties_are_those_of_a_sorted_list() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(2, 90))
        distance, x = rng.integers(3, size=n).astype(float), rng.integers(3, size=(n, 2)).astype(float)
        farthest = float(rng.choice(distance))
        k = int((distance < farthest).sum() + rng.integers(1, (distance == farthest).sum() + 1))
        found = _selected(distance.tolist(), farthest, k, x.tolist())
        by_place = sorted(range(n), key=lambda j: (distance[j], *x[j]))
        assert sorted((distance[j], *x[j]) for j in found) == [(distance[j], *x[j]) for j in by_place[:k]]
