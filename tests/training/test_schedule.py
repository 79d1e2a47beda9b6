"""Learning rates by hand."""

import pytest

from rs3l_gnn.training import OptimizerConfig
from rs3l_gnn.training.schedule import learning_rate


def test_constant_and_halved() -> None:
    assert learning_rate(OptimizerConfig(learning_rate=0.3, schedule="constant"), 77.0, 100) == 0.3
    halved = OptimizerConfig(learning_rate=0.4, schedule="halve", halve_every=50)
    assert [learning_rate(halved, epoch, 200) for epoch in (0, 49.9, 50, 149, 150)] == [0.4, 0.4, 0.2, 0.1, 0.05]


def test_cosine_falls_to_zero_after_its_warm_up() -> None:
    config = OptimizerConfig(learning_rate=1.0, schedule="cosine", warmup_epochs=10)
    assert learning_rate(config, 5, 110) == pytest.approx(0.5)
    assert learning_rate(config, 10, 110) == pytest.approx(1.0)
    assert learning_rate(config, 60, 110) == pytest.approx(0.5)
    assert learning_rate(config, 110, 110) == pytest.approx(0.0)
