"""Tilted taggers: what fine-tuning writes, alone and at the end of a training."""

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    CheckpointError,
    ConfigError,
    InvalidDataError,
    JetType,
    Split,
    SplitFractions,
    parse_config,
)
from rs3l_gnn.data import Views, read_views, write_views
from rs3l_gnn.models import Encoder, HeadConfig, load_tagger, save_encoder
from rs3l_gnn.training import FinetuneConfig, finetune
from rs3l_gnn.training.recipe_config import TiltConfig

Maker = Callable[..., FinetuneConfig]
Response = Callable[..., float]
TILT = TiltConfig(by="shower_weights", efficiencies=(0.5,))


@pytest.fixture
def response(soft_cut_by_scipy: Callable[..., NDArray[np.float64]]) -> Response:
    """Of the signal efficiency at 50 % of the jets that are trained on, by their shower weights: (views, checkpoint).

    The class stands at ``place`` of several, and is told from those of the background. The edge of the cut is that of a
    tilt: 30 jets would cross a hard one by chance.
    """

    def find(views: Views, checkpoint: Path, place: int | None = None, background: tuple[int, ...] = (0, 1)) -> float:
        chosen = views.select_jets(
            views.is_nominal() & (views.split(SplitFractions()) == Split.TRAIN) & (views.jettype == JetType.H_BB)
        )
        assert chosen.shower_weights is not None
        scores = load_tagger(checkpoint).score(chosen.features, chosen.offsets).astype(np.float64)
        other = 1 - scores if place is None else scores[:, list(background)].sum(axis=1)
        logits = np.log((scores if place is None else scores[:, place]) / other)
        passes = soft_cut_by_scipy(logits, np.full(len(logits), True), np.ones(len(logits)), 0.5, 0.05)
        up, down = (chosen.shower_weights[:, k].astype(np.float64) for k in (0, 1))
        return math.log((up @ passes / up.sum()) / (down @ passes / down.sum())) / (2 * math.log(4))

    return find


@pytest.fixture
def start(spread_encoder: Callable[..., Encoder], tmp_path: Path) -> dict[str, Any]:
    """An encoder to begin with whose directions a tilt can choose from, whatever becomes of it in a few epochs."""
    save_encoder(tmp_path / "encoder.safetensors", spread_encoder(1), provenance={})
    return {"encoder": str(tmp_path / "encoder.safetensors"), "architecture": None, "epochs": 5}


@pytest.mark.parametrize("head", [HeadConfig(), HeadConfig(hidden=(6,))])
def test_a_tilt_takes_the_response_away(  # noqa: PLR0917  # fixtures and a case
    head: HeadConfig,
    finetune_config: Maker,
    weighted_views: Path,
    response: Response,
    start: dict[str, Any],
    tmp_path: Path,
) -> None:
    settings: dict[str, Any] = {"views": weighted_views, "head": head, **start}
    plain = finetune(finetune_config(**settings), tmp_path / "plain").checkpoint
    tilted = finetune(finetune_config(**settings, robustness=1.0, tilt=TILT), tmp_path / "tilted").checkpoint
    half = finetune(finetune_config(**settings, robustness=0.5, tilt=TILT), tmp_path / "half").checkpoint
    views = read_views(weighted_views)
    before = response(views, plain)
    assert abs(response(views, tilted)) < 0.05 * abs(before)
    assert response(views, half) == pytest.approx(before / 2, rel=0.1)
    told = json.loads((tmp_path / "tilted" / "provenance.json").read_text())["tilt"]
    assert told["strengths"]["signal"].keys() == {"fsr x2"}
    assert (tmp_path / "tilted" / "history.csv").read_bytes() == (tmp_path / "plain" / "history.csv").read_bytes()


@pytest.mark.parametrize(
    ("signals", "background", "against"),
    [
        (("higgs",), None, (0, 1)),
        (("higgs",), ("light",), (0,)),
        (("charm", "higgs"), None, (0,)),  # the others are what is no signal
    ],
)
def test_signals_of_three_classes_are_tilted(  # noqa: PLR0917  # fixtures and a case
    signals: tuple[str, ...],
    background: tuple[str, ...] | None,
    against: tuple[int, ...],
    finetune_config: Maker,
    weighted_views: Path,
    response: Response,
    start: dict[str, Any],
    tmp_path: Path,
) -> None:
    views = read_views(weighted_views)
    quark = (views.jettype != JetType.H_BB) & (views.event % 2 == 0)
    relabelled = np.where(views.jettype == JetType.H_BB, JetType.H_BB, np.where(quark, JetType.Q, JetType.C))
    write_views(tmp_path / "views.h5", dataclasses.replace(views, jettype=relabelled.astype(np.int16)))
    settings: dict[str, Any] = {
        "views": tmp_path / "views.h5",
        **start,
        "targets": {"classes": {"light": ["Q"], "charm": ["C"], "higgs": ["H_BB"]}},
        "head": HeadConfig(n_classes=3),
    }
    plain = finetune(finetune_config(**settings), tmp_path / "plain").checkpoint
    tilt = TiltConfig(by="shower_weights", efficiencies=(0.5,), classes=signals, background=background)
    tilted = finetune(
        finetune_config(**settings, robustness=1.0, tilt=tilt, tagger=str(tmp_path / "plain")), tmp_path / "tilted"
    ).checkpoint
    views = read_views(tmp_path / "views.h5")
    assert abs(response(views, tilted, 2, against)) < 0.05 * abs(response(views, plain, 2, against))
    before, after = (load_tagger(path).head.state_dict()["mlp.0.weight"] for path in (plain, tilted))
    for number, name in enumerate(("light", "charm", "higgs")):
        assert torch.equal(before[number], after[number]) == (name not in signals)


def test_a_finished_tagger_is_tilted_without_a_training(
    finetune_config: Maker, weighted_views: Path, tmp_path: Path
) -> None:
    """The same bits as at the end of its training; and embeddings stay."""
    settings: dict[str, Any] = {"views": weighted_views}
    finetune(finetune_config(**settings), tmp_path / "plain")
    at_the_end = finetune(finetune_config(**settings, robustness=0.5, tilt=TILT), tmp_path / "end").checkpoint
    alone = finetune(
        finetune_config(**settings, robustness=0.5, tilt=TILT, tagger=str(tmp_path / "plain")), tmp_path / "alone"
    )
    assert alone.history == []
    assert load_tagger(alone.checkpoint).digest == load_tagger(at_the_end).digest
    assert (
        load_tagger(alone.checkpoint).encoder.digest
        == load_tagger(tmp_path / "plain/tagger.safetensors").encoder.digest
    )
    assert not (tmp_path / "alone" / "history.csv").exists()
    record = json.loads((tmp_path / "alone" / "provenance.json").read_text())
    assert record["tilt"]["robustness"] == 0.5
    assert len(record["seen_events"]) == 2


def test_mistakes_are_named(finetune_config: Maker, toy_views: Path, weighted_views: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="robustness is 0 to 1, got 1.5"):
        parse_config(FinetuneConfig, {"robustness": 1.5}, where="here")
    with pytest.raises(ConfigError, match="can only be tilted: set robustness"):
        parse_config(FinetuneConfig, {"tagger": "default-hbb"}, where="here")
    three = {"targets": {"classes": {"a": ["H_BB"], "b": ["Q"], "c": ["C"]}}, "head": {"n_classes": 3}}
    with pytest.raises(ConfigError, match="name the signals among a, b, c"):
        parse_config(FinetuneConfig, {"robustness": 1, **three}, where="here")
    with pytest.raises(ConfigError, match="'d' is none of a, b, c"):
        parse_config(FinetuneConfig, {"robustness": 1, "tilt": {"classes": ["d"]}, **three}, where="here")
    with pytest.raises(ConfigError, match="tilt.background: 'd' is none of a, b, c"):
        parse_config(
            FinetuneConfig, {"robustness": 1, "tilt": {"classes": ["a"], "background": ["d"]}, **three}, where="x"
        )
    with pytest.raises(ConfigError, match="no class is left that the signals could be told from"):
        parse_config(FinetuneConfig, {"robustness": 1, "tilt": {"classes": ["a", "b", "c"]}, **three}, where="here")
    with pytest.raises(InvalidDataError, match="no re-showered views that vary 'fsr x2'"):
        finetune(finetune_config(views=weighted_views, robustness=0.5), tmp_path / "a")
    with pytest.raises(InvalidDataError, match="no shower weights that vary 'fsr x2'"):
        finetune(finetune_config(views=toy_views, robustness=0.5, tilt=TILT), tmp_path / "b")
    with pytest.raises(
        CheckpointError, match="of other classes than targets; got QCD, H_BB, H_CC, V_QQ, TOP; allowed: signal"
    ):
        finetune(
            finetune_config(views=weighted_views, robustness=0.5, tilt=TILT, tagger="default-multi"), tmp_path / "c"
        )
    assert not any((tmp_path / name).exists() for name in "abc")
