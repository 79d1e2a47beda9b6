"""Squares of means that batches know badly: by hand, without bias, and with less noise than the batch's own square."""

import numpy as np
import pytest
import torch

from rs3l_gnn.training.memory import MeanMemory, square_of_halves
from rs3l_gnn.training.penalty import Means


def means(values: list[float], weights: list[float]) -> Means:
    return Means(torch.tensor(values, dtype=torch.float64), torch.tensor(weights, dtype=torch.float64))


def test_by_hand() -> None:
    memory = MeanMemory(2)
    assert memory(means([3.0, -1.0], [1.0, 2.0])).item() == 0  # nothing is remembered yet
    assert memory(means([5.0, 1.0], [2.0, 0.0])).item() == pytest.approx(2 * 3 * (2 * 5 - 3))
    before = (0.95 * 3 + 2 * 5) / (0.95 + 2)
    found = memory(means([1.0, 4.0], [1.0, 1.0]))
    assert found.item() == pytest.approx(before * (2 - before) - 1 * (2 * 4 + 1), rel=1e-6)


def test_the_gradient_is_that_of_the_square_and_quiet_where_the_mean_is_zero() -> None:
    """Of a mean with an error of 1 in each batch: on average 2 m, where the batch's own square has noise of 2."""
    rng = np.random.default_rng(3)
    for true in (0.0, 0.5):
        memory, gradients, values = MeanMemory(1), [], []
        for _ in range(4000):
            v = torch.tensor([true + rng.normal()], dtype=torch.float64, requires_grad=True)
            found = memory(Means(v, torch.ones(1)))
            found.backward()
            assert v.grad is not None
            gradients.append(v.grad.item())
            values.append(found.item())
        noise = np.std(gradients[100:])
        assert np.mean(gradients[100:]) == pytest.approx(2 * true, abs=0.1)
        assert noise < 0.4  # 2 / sqrt(39) of twenty batches with falling weights
        assert np.mean(values[100:]) == pytest.approx(true**2, abs=0.12)  # the plain square: larger by 1


def test_memories_travel_in_checkpoints() -> None:
    memory = MeanMemory(1)
    memory(means([2.0], [1.0]))
    other = MeanMemory(1)
    other.load_state_dict(memory.state_dict())
    assert other(means([1.0], [1.0])).item() == memory(means([1.0], [1.0])).item() == 0.0
    assert other(means([1.0], [1.0])).item() == memory(means([1.0], [1.0])).item() != 0.0


def test_halves_are_multiplied() -> None:
    found = square_of_halves(means([2.0, 3.0], [1.0, 0.5]), means([-1.0, 4.0], [0.5, 0.0]))
    assert found.item() == 0.5 * 2 * -1
