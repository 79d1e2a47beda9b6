"""Toy views, two taggers with random weights, and their evaluation, made once."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from rs3l_gnn.data import PairConfig, Views, ViewsSource, pair
from rs3l_gnn.evaluation import EvaluateConfig, evaluate
from rs3l_gnn.models import Encoder, EncoderConfig, Head, HeadConfig, Tagger, save_tagger


@pytest.fixture(scope="session")
def toy_views(toy_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 55 events of each class in four views; some 17 of each are on the test side."""
    path = tmp_path_factory.mktemp("views") / "views.h5"
    pair(PairConfig(directories=(toy_directory,)), path)
    return path


@pytest.fixture(scope="session")
def all_views(toy_views: Path) -> Views:
    """Everything in the file."""
    with ViewsSource([toy_views]) as source:
        return source.read(0, source.index.n_events)


@pytest.fixture(scope="session")
def taggers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One tagger as a file, one as the folder of a training."""
    folder = tmp_path_factory.mktemp("taggers")
    (folder / "two").mkdir()
    paths = {"one": folder / "one.safetensors", "two": folder / "two" / "tagger.safetensors"}
    for seed, path in enumerate(paths.values()):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            encoder = Encoder(EncoderConfig(width=16, layers=1, k=6, hidden=(8,), dim=4))
            save_tagger(path, Tagger(encoder, Head(HeadConfig(), 4)))
    return {"one": str(paths["one"]), "two": str(folder / "two")}


@pytest.fixture(scope="session")
def config(toy_views: Path, taggers: dict[str, str]) -> EvaluateConfig:
    """Both taggers, few replicas."""
    return EvaluateConfig(views=(toy_views,), taggers=taggers, bootstrap=40)


@pytest.fixture(scope="session")
def evaluated(config: EvaluateConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that an evaluation left."""
    out = tmp_path_factory.mktemp("evaluation") / "out"
    evaluate(config, out)
    return out


@pytest.fixture(scope="session")
def metrics(evaluated: Path) -> dict[str, Any]:
    """Its numbers."""
    document: dict[str, Any] = json.loads((evaluated / "metrics.json").read_text())
    return document
