"""Jets and networks for the tests of the models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rs3l_gnn import models
from rs3l_gnn.models import BACKBONES, Encoder
from rs3l_gnn.models.geometric import torch_geometric_module

for module in ("data", "loader", "nn", "utils"):
    torch_geometric_module(module)  # only for the imports, and their warnings, to be over

Jets = tuple[NDArray[np.float32], NDArray[np.int64]]

MULTIPLICITIES = (0, 1, 2, 23, 24, 25, 40, 0, 17, 64, 65, 100, 3, 0)


@pytest.fixture(scope="session")
def make_jets() -> Callable[..., Jets]:
    """Maker of random jets with given multiplicities."""

    def make(counts: tuple[int, ...] = MULTIPLICITIES, seed: int = 0, columns: int = 15) -> Jets:
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        features = np.random.default_rng(seed).normal(size=(int(offsets[-1]), columns))
        return features.astype(np.float32), offsets

    return make


@pytest.fixture
def make_encoder() -> Callable[..., Encoder]:
    """Maker of encoders with random weights of a fixed seed."""

    def make(seed: int = 0, **settings: object) -> Encoder:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return models.make_encoder(BACKBONES.parse(settings, where="a test")).eval()

    return make
