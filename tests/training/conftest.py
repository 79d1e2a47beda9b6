"""Views of toy events and configurations small enough for a test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from rs3l_gnn.data import PairConfig, pair
from rs3l_gnn.models import EdgeConvConfig, HeadConfig
from rs3l_gnn.training import FinetuneConfig, OptimizerConfig, PretrainConfig, TrainerConfig

_SMALL = EdgeConvConfig(width=16, layers=1, k=8, hidden=(16,), dim=8)


@pytest.fixture
def global_state_is_left_alone() -> Iterator[None]:
    """A training changes neither torch's generator nor its number of threads, whether it ends or fails."""
    generator, threads = torch.random.get_rng_state(), torch.get_num_threads()
    yield
    assert torch.equal(torch.random.get_rng_state(), generator)
    assert torch.get_num_threads() == threads


@pytest.fixture(scope="session")
def toy_views(toy_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 110 events in four views; some 65 are on the training side."""
    path = tmp_path_factory.mktemp("views") / "views.h5"
    pair(PairConfig(directories=(toy_directory,)), path)
    return path


@pytest.fixture(scope="session")
def pretrain_config(toy_views: Path) -> Callable[..., PretrainConfig]:
    """Maker of configurations: ``pretrain_config(epochs=3, prefetch=0, seed=2)``; trainer keys go to the trainer."""

    def make(**changes: Any) -> PretrainConfig:
        defaults: dict[str, Any] = {
            "views": toy_views,
            "encoder": _SMALL,
            "batch_events": 16,
            "optimizer": OptimizerConfig(learning_rate=3e-3),
        }
        return PretrainConfig(**_with_trainer({**defaults, **changes}))

    return make


@pytest.fixture(scope="session")
def finetune_config(toy_views: Path) -> Callable[..., FinetuneConfig]:
    """Maker of configurations, as ``pretrain_config``."""

    def make(**changes: Any) -> FinetuneConfig:
        defaults: dict[str, Any] = {
            "views": toy_views,
            "architecture": _SMALL,
            "head": HeadConfig(),
            "batch_events": 16,
            "keep": "last",
            "optimizer": OptimizerConfig(learning_rate=3e-3, schedule="constant"),
        }
        return FinetuneConfig(**_with_trainer({**defaults, **changes}))

    return make


def _with_trainer(settings: dict[str, Any]) -> dict[str, Any]:
    trainer = {name: settings.pop(name) for name in list(settings) if name in TrainerConfig.model_fields}
    return {**settings, "trainer": TrainerConfig(**{"epochs": 2, "threads": 1, **trainer})}
