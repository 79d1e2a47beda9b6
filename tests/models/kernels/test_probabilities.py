"""Directions and probabilities, row by row in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rs3l_gnn.models.kernels.probabilities import directions, probabilities


def test_by_hand() -> None:
    z = np.array([[3.0, 4.0], [0.0, 0.0], [3e30, -4e30]], dtype=np.float32)
    assert np.allclose(directions(z), np.array([[0.6, 0.8], [0, 0], [0.6, -0.8]]))
    assert directions(z).dtype == np.float32
    assert np.allclose(probabilities(np.array([[0.0], [np.log(3)], [-800.0], [800.0]]))[:, 0], [0.5, 0.75, 0, 1])
    three = np.array([[0.0, np.log(2), 0.0], [1000.0, 0.0, -1000.0]])
    assert np.allclose(probabilities(three), np.array([[0.25, 0.5, 0.25], [1, 0, 0]]))


@pytest.mark.parametrize("n", [1, 3, 8])
def test_every_row_is_that_of_a_loop_to_the_last_bit(n: int) -> None:
    rows = (np.random.default_rng(n).normal(size=(500, n)) * 30).astype(np.float32)
    found, unit = probabilities(rows), directions(rows)
    for row, p, u in zip(rows.astype(np.float64), found, unit, strict=True):
        square = 0.0
        for value in row:
            square += value * value
        assert u.tolist() == [np.float32(value / math.sqrt(square)) for value in row]
        if n == 1:
            assert p.tolist() == [np.float32(1 / (1 + math.exp(-row[0])))]
            continue
        # The difference is taken in the precision of the network.
        powers = [math.exp(np.float32(value) - np.float32(max(row))) for value in row]
        total = 0.0
        for power in powers:
            total += power
        assert p.tolist() == [np.float32(power / total) for power in powers]


def test_no_jets() -> None:
    assert probabilities(np.zeros((0, 3), np.float32)).shape == (0, 3)
    assert directions(np.zeros((0, 8), np.float32)).shape == (0, 8)
