"""Toy views with taggers of random weights, made once, and synthetic scores whose answers are known."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rs3l_gnn.conventions import FEATURE_NAMES, NOMINAL, JetType, get_variation, n2_score
from rs3l_gnn.data import PairConfig, Views, ViewsSource, pair
from rs3l_gnn.evaluation import EvaluateConfig, evaluate
from rs3l_gnn.evaluation.joining import JoinedEvents
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.scoring import ScoredViews, Scores
from rs3l_gnn.models import (
    EdgeConvConfig,
    Head,
    HeadConfig,
    Tagger,
    make_encoder,
    save_tagger,
)

Maker = Callable[..., Meter]
Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def toy_views(toy_directory: Path, made_once: Once) -> Path:
    """About 55 events of each class in four views; some 17 of each are on the test side."""
    config = PairConfig(directories=(toy_directory,))
    return made_once("evaluation-views", lambda folder: pair(config, folder / "views.h5")) / "views.h5"


@pytest.fixture(scope="session")
def all_views(toy_views: Path) -> Views:
    """Everything in the file."""
    with ViewsSource([toy_views]) as source:
        return source.read(0, source.index.n_events)


@pytest.fixture(scope="session")
def taggers(made_once: Once) -> dict[str, str]:
    """One tagger as a file, one as the folder of a training, with its settings, one for a second training."""
    folder = made_once("evaluation-taggers", _write_taggers)
    return {
        "one": str(folder / "one.safetensors"),
        "two": str(folder / "two"),
        "again": str(folder / "again.safetensors"),
    }


def _write_taggers(folder: Path) -> None:
    (folder / "two").mkdir()
    (folder / "two" / "config.yaml").write_text("seed: 1\n")
    for seed, name in enumerate(("one.safetensors", "two/tagger.safetensors", "again.safetensors")):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            encoder = make_encoder(EdgeConvConfig(width=16, layers=1, k=6, hidden=(8,), dim=4))
            tagger = Tagger(encoder, Head(HeadConfig(), 4))
            save_tagger(folder / name, tagger, provenance={"seeds": {"seed": seed}, "config_digest": "abc"})


@pytest.fixture(scope="session")
def config(toy_views: Path, taggers: dict[str, str]) -> EvaluateConfig:
    """A tagger trained once and one trained twice, a curve and a table of them; few replicas."""
    one, two, again = (taggers[name] for name in ("one", "two", "again"))
    return EvaluateConfig.model_validate(
        {
            "title": "Toys & <taggers>",
            "remarks": ["Nothing is learned here: 1 < 2."],
            "views": [toy_views],
            "taggers": {"one": one, "two": [two, again]},
            "distance_aim": 0.5,
            "curves": {
                "labels": {
                    "x_label": "Labelled jets",
                    "lines": {"a": {10: [two, again], 100: one, 1000: again}, "b": {10: one, 100: [two, again]}},
                    "references": {"N2": "n2"},
                    "reference": "b",
                    "aims": {10: 1.5},
                    "extrapolate_to": 1e4,
                    "variations": True,
                    "efficiency": 0.8,
                }
            },
            "tables": {"ablation": {"rows": {"x": one, "y": [two, again], "n2": "n2"}, "reference": "x"}},
            "bootstrap": 40,
        }
    )


@pytest.fixture(scope="session")
def evaluated(config: EvaluateConfig, made_once: Once) -> Path:
    """Folder that an evaluation left."""
    return made_once("evaluation", lambda folder: evaluate(config, folder / "out")) / "out"


@pytest.fixture(scope="session")
def metrics(evaluated: Path) -> dict[str, Any]:
    """Its numbers."""
    document: dict[str, Any] = json.loads((evaluated / "metrics.json").read_text())
    return document


def synthetic_views(n_signal: int, n_background: int, variations: tuple[str, ...]) -> Views:
    """Views without particles: signal events first, every event in every variation, N2 of 0.3 everywhere."""
    kinds = [NOMINAL, *(get_variation(name) for name in variations)]
    n = n_signal + n_background
    per_event = len(kinds)
    n_jets = n * per_event
    floats: dict[str, Any] = {name: np.zeros(n_jets, np.float32) for name in ("eta", "phi", "mass", "msoftdrop")}
    types = np.where(np.arange(n) < n_signal, JetType.H_BB, JetType.Q)
    return Views(
        features=np.zeros((0, len(FEATURE_NAMES)), np.float32),
        offsets=np.zeros(n_jets + 1, np.int64),
        first=np.arange(n + 1) * per_event,
        event=np.repeat(np.arange(n), per_event),
        sample=np.zeros(n_jets, np.int16),
        vartype=np.tile(np.array([kind.vartype for kind in kinds], np.int16), n),
        jettype=np.repeat(types, per_event).astype(np.int16),
        pt=np.full(n_jets, 500, np.float32),
        n2b1=np.full(n_jets, 0.3, np.float32),
        weight=np.ones(n_jets, np.float32),
        samples=("toys",),
        variations=tuple(kinds),
        **floats,
    )


@pytest.fixture(scope="session")
def make_meter() -> Maker:
    """Maker of meters: ``make_meter(document, {weights: score of every view}, n_signal=..., variations=...)``.

    ``weights`` and ``shower_weights`` hold one number for each view.
    """

    def make(
        document: Mapping[str, Any],
        scores: Mapping[str, NDArray[np.float64]],
        *,
        n_signal: int,
        n_background: int,
        variations: tuple[str, ...] = (),
        weights: NDArray[np.float64] | None = None,
        shower_weights: Mapping[str, NDArray[np.float64]] | None = None,
    ) -> Meter:
        views = synthetic_views(n_signal, n_background, variations)
        if weights is not None:
            views = dataclasses.replace(views, weight=weights.astype(np.float32))
        if shower_weights is not None:
            table = np.stack(list(shower_weights.values()), axis=1).astype(np.float32)
            views = dataclasses.replace(views, shower_weights=table, shower_weight_names=tuple(shower_weights))
        events = JoinedEvents(views, np.arange(views.n_jets), np.arange(views.n_events), 0, 0, 0)
        nominal = views.first[:-1]
        n2 = n2_score(views.n2b1)
        found = {name: Scores(score[nominal], score) for name, score in scores.items()}
        config = EvaluateConfig.model_validate(document)
        scored = ScoredViews(events, config.weights.of(views), {"n2": Scores(n2[nominal], n2), **found}, {})
        return Meter(config, scored)

    return make
