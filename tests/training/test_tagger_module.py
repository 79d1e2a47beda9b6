"""Recipes of fine-tuning: the dial of robustness, views side by side, and what the history says of the penalties."""

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rs3l_gnn.conventions import ConfigError, JetType, Split, SplitFractions, parse_config
from rs3l_gnn.data import read_views
from rs3l_gnn.models import load_tagger
from rs3l_gnn.training import Consistency, FinetuneConfig, ResponsePenalty, finetune
from rs3l_gnn.training.finetuning import initial_tagger
from rs3l_gnn.training.jet_batches import JetBatch
from rs3l_gnn.training.penalties import disagreement
from rs3l_gnn.training.penalty import ScoredJets
from rs3l_gnn.training.tagger_module import FinetuneModule

Maker = Callable[..., FinetuneConfig]


def last_row(folder: Path) -> dict[str, float]:
    with (folder / "history.csv").open(newline="") as stream:
        return {name: float(text) for name, text in list(csv.DictReader(stream))[-1].items()}


def test_a_dial_of_zero_is_no_dial(finetune_config: Maker, weighted_views: Path, tmp_path: Path) -> None:
    """Whatever penalties are set: the same bits, and no shower weight is read."""
    settings: list[dict[str, Any]] = [
        {},
        {"penalties": (Consistency(), ResponsePenalty(weight=99.0)), "robustness": 0.0},
    ]
    results = [
        finetune(finetune_config(**more), tmp_path / str(number)).checkpoint for number, more in enumerate(settings)
    ]
    assert load_tagger(results[0]).digest == load_tagger(results[1]).digest
    assert (tmp_path / "0" / "history.csv").read_bytes() == (tmp_path / "1" / "history.csv").read_bytes()
    dialled = finetune(
        finetune_config(views=weighted_views, robustness=1.0, penalties=(ResponsePenalty(),)), tmp_path / "dialled"
    )
    assert load_tagger(dialled.checkpoint).digest != load_tagger(results[0]).digest


def test_the_history_holds_the_penalty_at_its_whole_weight(
    finetune_config: Maker, soft_cut_by_scipy: Callable[..., Any], weighted_views: Path, tmp_path: Path
) -> None:
    penalty = ResponsePenalty(weight=3.0, efficiencies=(0.6,), width=0.5, start=1.0, full=1.0)  # never trained with
    result = finetune(finetune_config(views=weighted_views, robustness=2.0, penalties=(penalty,)), tmp_path / "out")
    plain = finetune(finetune_config(views=weighted_views), tmp_path / "plain")
    assert load_tagger(result.checkpoint).digest == load_tagger(plain.checkpoint).digest
    row = last_row(tmp_path / "out")
    assert row["val_cross_entropy"] == last_row(tmp_path / "plain")["val_loss"]
    assert row["val_loss"] == pytest.approx(row["val_cross_entropy"] + 2 * 3 * row["val_response"])

    views = read_views(weighted_views)
    tagger = load_tagger(result.checkpoint)
    chosen = views.select_jets(views.is_nominal() & (views.split(SplitFractions()) == Split.VALIDATION))
    assert chosen.shower_weights is not None
    scores = tagger.score(chosen.features, chosen.offsets).astype(np.float64)
    logits, signal = np.log(scores / (1 - scores)), chosen.jettype == JetType.H_BB
    passes = soft_cut_by_scipy(logits, signal, np.ones(len(logits)), 0.6, 0.5)
    # Halves are by place in the batches, which are mixed: the mean over all halvings is near the square of the whole.
    whole = []
    for members in (signal, ~signal):
        up, down = (chosen.shower_weights[members, k].astype(np.float64) for k in (0, 1))
        p = passes[members]
        whole.append(math.log((up @ p / up.sum()) / (down @ p / down.sum())) / (2 * math.log(4)))
    assert row["val_response"] == pytest.approx(sum(one**2 for one in whole), abs=0.5 * sum(abs(one) for one in whole))


def test_a_penalty_is_felt_from_its_start_on(finetune_config: Maker, weighted_views: Path, tmp_path: Path) -> None:
    def losses(**ramp: float) -> list[float | None]:
        settings = finetune_config(
            views=weighted_views, robustness=1.0, epochs=4, penalties=(ResponsePenalty(weight=50.0, **ramp),)
        )
        return [row["loss"] for row in finetune(settings, tmp_path / str(ramp)).history]

    late, never = losses(start=0.5, full=0.5), losses(start=1.0, full=1.0)
    assert late[:2] == never[:2]
    assert late[2] != never[2]


def test_the_share_of_a_penalty_rises() -> None:
    penalty = Consistency(start=0.2, full=0.6)
    assert [round(penalty.share(time), 12) for time in (0.0, 0.19, 0.2, 0.3, 0.6, 0.9)] == [0, 0, 0, 0.25, 1, 1]
    assert Consistency(start=0.0, full=0.0).share(0.0) == 1


def test_views_of_an_event_stand_side_by_side(finetune_config: Maker) -> None:
    """The loss of a batch by hand: cross entropy of all views, and the distance of those of an event."""
    settings = finetune_config(
        views_per_event=2, robustness=0.5, penalties=(Consistency(weight=4.0, start=0, full=0),), variations=None
    )
    tagger = initial_tagger(settings, 1)
    bound = [penalty.bind(read_views(settings.views[0]), None) for penalty in settings.penalties]  # type: ignore[arg-type]  # this one does not look at the draw
    module = FinetuneModule(tagger, settings, 3, bound)
    rng = np.random.default_rng(5)
    x, offsets = torch.from_numpy(rng.normal(size=(40, 15)).astype(np.float32)), torch.arange(0, 41, 5)
    target, weight = torch.tensor([0, 0, 1, 1, 1, 1, 0, 0]), torch.rand(8)
    batch = JetBatch(x, offsets, target, weight, torch.ones(8), (torch.zeros(8, 0),))
    with torch.no_grad():
        logits = tagger(x, offsets)
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, target.float(), reduction="none")
        pairs = logits.view(4, 2)
        expected = (entropy * weight).mean() + 0.5 * 4.0 * (pairs[:, 0] - pairs[:, 1]).square().mean()
        assert module.batch_loss(batch).item() == pytest.approx(expected.item(), rel=1e-5)


def test_consistency_brings_views_together(finetune_config: Maker, tmp_path: Path) -> None:
    views = read_views(finetune_config().views[0])

    def distance(weight: float) -> float:
        settings = finetune_config(
            variations=None,
            views_per_event=3,
            robustness=1.0,
            epochs=12,
            penalties=(Consistency(weight=weight, start=0.0, full=0.0),),
        )
        tagger = load_tagger(finetune(settings, tmp_path / str(weight)).checkpoint)
        whole = views.select_events(np.diff(views.first) == 4)
        with torch.no_grad():
            logits = tagger(torch.from_numpy(whole.features), torch.from_numpy(whole.offsets))
        return disagreement(ScoredJets(logits, torch.zeros(whole.n_jets), torch.ones(whole.n_jets), 4)).item()

    assert distance(30.0) < 0.5 * distance(0.0)


def test_contradictions_are_refused() -> None:
    with pytest.raises(ConfigError, match="'consistency' compares views: set views_per_event to 2"):
        parse_config(FinetuneConfig, {"robustness": 1, "penalties": [{"name": "consistency"}]}, where="here")
    with pytest.raises(ConfigError, match=r"full \(0.8\) comes before start \(0.9\)"):
        parse_config(FinetuneConfig, {"penalties": [{"start": 0.9}]}, where="here")
    with pytest.raises(ConfigError, match="consistency, response"):
        parse_config(FinetuneConfig, {"penalties": [{"name": "responce"}]}, where="here")
    with pytest.raises(ConfigError, match="robustness"):
        parse_config(FinetuneConfig, {"robustness": -1}, where="here")
