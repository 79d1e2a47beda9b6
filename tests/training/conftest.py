"""Views of toy events and configurations small enough for a test; a soft cut by scipy."""

import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from rs3l_gnn.data import PairConfig, pair, read_views, write_views
from rs3l_gnn.models import EdgeConvConfig, Encoder, HeadConfig, make_encoder
from rs3l_gnn.training import FinetuneConfig, OptimizerConfig, PretrainConfig, TrainerConfig

_NAMES = ("fsr:muRfac=2.0", "fsr:muRfac=0.5")
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
def weighted_views(toy_views: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toy views whose shower weights grow with the number of particles for the smaller scale."""
    views = read_views(toy_views)
    excess = (np.diff(views.offsets) - 30) / 100
    table = np.exp(np.stack([-excess, excess], axis=1)).astype(np.float32)
    table[~views.is_nominal()] = np.nan
    path = tmp_path_factory.mktemp("weighted") / "views.h5"
    write_views(path, dataclasses.replace(views, shower_weight_names=_NAMES, shower_weights=table))
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


@pytest.fixture(scope="session")
def spread_encoder(toy_views: Path) -> Callable[..., Encoder]:
    """Maker of encoders with random weights that send toy jets into all directions: ``spread_encoder(seed, config)``.

    What such a small training makes of an encoder hangs on how a processor rounds: some end with one direction for all
    jets, on which a head learns nothing.
    """
    views = read_views(toy_views)

    def make(seed: int, config: EdgeConvConfig = _SMALL) -> Encoder:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            encoder = make_encoder(config)
        mean = encoder.embed(views.features, views.offsets).mean(axis=0)
        encoder.get_parameter("output.2.bias").data -= torch.from_numpy(mean)
        return encoder

    return make


@pytest.fixture(scope="session")
def soft_cut_by_scipy() -> Callable[..., NDArray[np.float64]]:
    """How far jets pass a soft cut: ``(scores, signal, weight, efficiency, width)``, all in double precision."""

    def passes(
        scores: NDArray[np.float64],
        signal: NDArray[np.bool_],
        weight: NDArray[np.float64],
        efficiency: float,
        width: float,
    ) -> NDArray[np.float64]:
        own, s = weight[signal], scores[signal]
        mean = np.average(s, weights=own)
        temperature = width * math.sqrt(np.average((s - mean) ** 2, weights=own))
        cut = brentq(lambda c: np.average(expit((s - c) / temperature), weights=own) - efficiency, -50, 50, xtol=1e-14)
        return np.asarray(expit((scores - cut) / temperature))

    return passes
