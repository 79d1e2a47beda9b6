"""Taggers with seeded random weights, and the events of real and toy files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from rs3l_gnn.models import (
    EdgeConvConfig,
    Head,
    HeadConfig,
    Tagger,
    make_encoder,
    save_tagger,
)


@pytest.fixture(scope="session")
def make_tagger(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a tagger with seeded random weights and return its path."""

    def make(seed: int = 1, **encoder: Any) -> Path:
        path = tmp_path_factory.mktemp("tagger") / "tagger.safetensors"
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            tagger = Tagger(make_encoder(EdgeConvConfig(**encoder)), Head(HeadConfig(hidden=(16,)), dim=8))
        save_tagger(path, tagger, provenance={})
        return path

    return make


@pytest.fixture(scope="session")
def tagger_path(make_tagger: Callable[..., Path]) -> Path:
    """A tagger of the published size that takes all 15 features."""
    return make_tagger()
