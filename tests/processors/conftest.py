"""A small tagger with fixed weights, and short names for running an analysis."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from rs3l_gnn.models import Encoder, EncoderConfig, Head, HeadConfig, Tagger, save_tagger


@pytest.fixture(scope="session")
def make_tagger(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a tagger with seeded random weights and return its path."""

    def make(seed: int = 1, **encoder: Any) -> Path:
        path = tmp_path_factory.mktemp("tagger") / "tagger.safetensors"
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            config = EncoderConfig(width=16, hidden=(16,), dim=4, **encoder)
            tagger = Tagger(Encoder(config), Head(HeadConfig(hidden=()), dim=4))
        save_tagger(path, tagger, provenance={})
        return path

    return make


@pytest.fixture(scope="session")
def tagger_path(make_tagger: Callable[..., Path]) -> Path:
    """A tagger that takes all 15 features."""
    return make_tagger()


@pytest.fixture(scope="session")
def toy_filesets(toy_directory: Path) -> list[Path]:
    """Filesets of the toy samples qcd and hbb, four variations each."""
    return [toy_directory / name / "fileset.json" for name in ("qcd", "hbb")]


@pytest.fixture
def written() -> Callable[[Path], dict[str, Any]]:
    """Read ``histograms.json`` of an output, without its provenance."""

    def read(output: Path) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((output / "histograms.json").read_text())
        document.pop("provenance")
        return document

    return read
