"""Fine-tuning: fixed, floating and thawed encoders, random weights, two and more classes."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from rs3l_gnn.conventions import (
    IMPACT_FEATURES,
    KINEMATIC_FEATURES,
    CheckpointError,
    ConfigError,
    InvalidDataError,
    JetDomain,
    JetType,
    Split,
    SplitFractions,
    TrainingError,
    event_hash,
    parse_config,
)
from rs3l_gnn.data import ViewsSource, read_views, write_views
from rs3l_gnn.inference import JetTagger
from rs3l_gnn.models import (
    EdgeConvConfig,
    Encoder,
    inspect_checkpoint,
    load_encoder,
    load_tagger,
    save_encoder,
)
from rs3l_gnn.training import FinetuneConfig, PretrainConfig, TrainerConfig, finetune, pretrain
from rs3l_gnn.training.jet_targets import JetTargets
from rs3l_gnn.training.monitors import area_under_roc

SHORT = {"epochs": 4, "threads": 1}


def config(toy_views: Path, **changes: Any) -> FinetuneConfig:
    document = {
        "views": toy_views,
        "architecture": {"width": 16, "layers": 1, "k": 6, "hidden": (8,), "dim": 4},
        "optimizer": {"learning_rate": 0.02, "schedule": "cosine"},
        "trainer": SHORT,
        "batch_events": 40,
    }
    return FinetuneConfig.model_validate({**document, **changes})


@pytest.fixture(scope="module")
def encoder(spread_encoder: Callable[..., Encoder], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Some weights to start from."""
    path = tmp_path_factory.mktemp("encoder") / "encoder.safetensors"
    save_encoder(path, spread_encoder(5, EdgeConvConfig(width=16, layers=1, k=6, hidden=(8,), dim=4)))
    return str(path)


def weights(path: Path, part: str) -> list[torch.Tensor]:
    module = getattr(load_tagger(path), part)
    return [value.clone() for value in module.state_dict().values()]


@pytest.mark.slow
def test_from_random_weights_it_learns(toy_views: Path, tmp_path: Path) -> None:
    settings = config(
        toy_views,
        batch_events=16,
        optimizer={"learning_rate": 0.01, "schedule": "cosine"},
        trainer={"epochs": 60, "threads": 1},
    )
    result = finetune(settings, tmp_path / "out")
    losses = [row["loss"] for row in result.history]
    assert losses[0] is not None
    assert losses[-1] is not None
    assert losses[-1] < losses[0] - 0.1
    views = read_views(toy_views)
    unseen = views.select_jets((views.split(SplitFractions()) == Split.TEST) & views.is_nominal())
    score = load_tagger(result.checkpoint).score(unseen.features, unseen.offsets)
    assert ((score >= 0) & (score <= 1)).all()
    area = area_under_roc(score, (unseen.jettype == JetType.H_BB).astype(np.int64))
    assert area is not None
    assert area > 0.8


def test_a_fixed_encoder_does_not_move(toy_views: Path, encoder: str, tmp_path: Path) -> None:
    settings = config(toy_views, encoder=encoder, mode="fixed", batch_events=60, trainer={"epochs": 40, "threads": 1})
    result = finetune(settings, tmp_path / "out")
    assert load_tagger(result.checkpoint).encoder.digest == load_encoder(encoder).digest
    losses = [row["loss"] or np.nan for row in result.history]
    assert np.mean(losses[-10:]) < np.mean(losses[:10])  # the head alone learns, on nearly all events at once


def test_a_fixed_encoder_gives_the_loss_of_a_floating_one_before_its_thaw(
    toy_views: Path, encoder: str, tmp_path: Path
) -> None:
    """Embeddings computed once are those of each batch."""
    fixed = finetune(config(toy_views, encoder=encoder, mode="fixed"), tmp_path / "fixed")
    frozen = finetune(config(toy_views, encoder=encoder, thaw_after=10), tmp_path / "frozen")
    for left, right in zip(fixed.history, frozen.history, strict=True):
        assert left["loss"] == pytest.approx(right["loss"], rel=1e-4)


def test_a_thawed_encoder_moves_only_then(toy_views: Path, encoder: str, tmp_path: Path) -> None:
    fixed = finetune(config(toy_views, encoder=encoder, mode="fixed"), tmp_path / "fixed")
    thawed = finetune(config(toy_views, encoder=encoder, thaw_after=3), tmp_path / "thawed")
    assert thawed.history[2]["loss"] == pytest.approx(fixed.history[2]["loss"], rel=1e-4)
    before, after = weights(fixed.checkpoint, "encoder"), weights(thawed.checkpoint, "encoder")
    last = weights(thawed.checkpoint.with_name("tagger_last.safetensors"), "encoder")
    assert len(before) == len(after)
    assert any(not torch.equal(a, b) for a, b in zip(before, last, strict=True))


def test_the_encoder_has_its_own_rate(toy_views: Path, encoder: str, tmp_path: Path) -> None:
    slow = finetune(config(toy_views, encoder=encoder, encoder_rate=1e-9), tmp_path / "slow")
    fixed = finetune(config(toy_views, encoder=encoder, mode="fixed"), tmp_path / "fixed")
    for a, b in zip(weights(slow.checkpoint, "encoder"), weights(fixed.checkpoint, "encoder"), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


def test_the_same_seed_gives_the_same_bits(toy_views: Path, tmp_path: Path) -> None:
    digests = [
        load_tagger(finetune(config(toy_views, seed=seed), tmp_path / name).checkpoint).digest
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_three_classes(toy_views: Path, encoder: str, tmp_path: Path) -> None:
    classes = {"quark": ["Q"], "higgs": ["H_BB"], "w": ["W_QQ"]}
    three = {"targets": {"classes": classes}, "head": {"n_classes": 3}}
    with pytest.raises(TrainingError, match="class 2 has no jet"):
        finetune(config(toy_views, **three), tmp_path / "out")
    views = read_views(toy_views)
    # The kind of a jet is declared to be the largest of three numbers of its embedding, which any head can learn.
    z = load_encoder(encoder).embed(*views.take(views.first[:-1]))
    truth = z[:, :3].argmax(axis=1)
    kinds = np.array([JetType.Q, JetType.H_BB, JetType.W_QQ], dtype=np.int16)
    jettype = np.repeat(kinds[truth], np.diff(views.first))
    write_views(tmp_path / "three.h5", dataclasses.replace(views, jettype=jettype))
    learning = {"optimizer": {"learning_rate": 0.1}, "trainer": {"epochs": 40, "threads": 1}}
    settings = config(tmp_path / "three.h5", **three, **learning, encoder=encoder, mode="fixed")
    result = finetune(settings, tmp_path / "three")
    tagger = load_tagger(result.checkpoint)
    right = tagger.score(*views.take(views.first[:-1])).argmax(axis=1) == truth
    side = views.split(SplitFractions())[views.first[:-1]]
    assert right[side == Split.TRAIN].mean() > 0.8
    assert result.history[-1]["val_accuracy"] == pytest.approx(right[side == Split.VALIDATION].mean())
    assert tagger.classes == ("quark", "higgs", "w")


def test_networks_that_need_what_the_views_lack_are_refused(
    toy_views: Path, encoder: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    untracked = JetDomain(radius=0.8, formats=("nanoaod15",), missing_features=IMPACT_FEATURES)
    views = read_views(toy_views)
    write_views(tmp_path / "untracked.h5", views, domain=untracked)
    for start in ({"encoder": encoder}, {"encoder": encoder, "mode": "fixed"}, {}):
        with pytest.raises(InvalidDataError, match="takes tanh_d0, tanh_dz, which the views do not have: nanoaod15"):
            finetune(config(tmp_path / "untracked.h5", **start), tmp_path / "out")
    with pytest.raises(InvalidDataError, match=r"features: \[log_pt, log_pt_rel"):
        pretrain(PretrainConfig(views=(tmp_path / "untracked.h5",)), tmp_path / "out")
    assert not (tmp_path / "out").exists()

    small = {"width": 16, "layers": 1, "k": 6, "hidden": (8,), "dim": 4, "features": KINEMATIC_FEATURES}
    one = {"epochs": 1, "threads": 1}
    document = {"views": (tmp_path / "untracked.h5",), "encoder": small, "batch_events": 40, "trainer": one}
    before = pretrain(PretrainConfig.model_validate(document), tmp_path / "pretrained").checkpoint
    seen = JetDomain(0.8, float(views.pt.min()), float(views.pt.max()), untracked.formats, untracked.missing_features)
    assert load_encoder(before).domain == seen
    settings = config(toy_views, encoder=str(before), architecture=None, trainer=one)
    with caplog.at_level("WARNING"):
        after = finetune(settings, tmp_path / "tuned").checkpoint
    # The tagger speaks of the jets that it was tuned on, and the log of what has changed.
    assert load_tagger(after).encoder.domain.formats == ("pfnano",)
    assert load_tagger(after).encoder.domain.pt_min == min(450.0, float(views.pt.min()))
    assert "candidates as in pfnano, trained on nanoaod15" in caplog.text


def test_views_as_augmentation_and_fewer_labels(toy_views: Path, tmp_path: Path) -> None:
    settings = config(
        toy_views,
        variations={"nominal": 1.0, "seed": 1.0, "fsrRenHi": 1.0},
        max_events=50,
        flatten={"pt": (400, 500, 600, 2000)},
        head={"hidden": (8, 8)},
    )
    result = finetune(settings, tmp_path / "out")
    losses = [row["loss"] for row in result.history]
    assert losses[-1] is not None
    assert np.isfinite(losses[-1])
    assert json.loads((tmp_path / "out" / "provenance.json").read_text())["events"]["train"] == 50


def test_the_best_epoch_is_kept_when_asked(toy_views: Path, encoder: str, tmp_path: Path) -> None:
    """What can be learnt on one side of the split is wrong on the other, so that the last epoch is never the best."""
    views = read_views(toy_views)
    nominal = views.first[:-1]
    first = load_encoder(encoder).embed(*views.take(nominal))[:, 0]
    positive = first > np.median(first)
    signal = positive == (views.split(SplitFractions())[nominal] == Split.TRAIN)
    jettype = np.repeat(np.where(signal, JetType.H_BB, JetType.Q).astype(np.int16), np.diff(views.first))
    write_views(tmp_path / "views.h5", dataclasses.replace(views, jettype=jettype))
    settings = config(
        tmp_path / "views.h5",
        encoder=encoder,
        encoder_rate=1e-3,  # the head alone learns fast, the encoder moves
        batch_events=16,
        optimizer={"learning_rate": 0.1, "schedule": "constant"},
        trainer={"epochs": 6, "threads": 1, "keep": "best"},
    )
    result = finetune(settings, tmp_path / "out")
    losses = [row["val_loss"] for row in result.history]
    assert None not in losses
    best = losses.index(min(loss for loss in losses if loss is not None))
    assert best < 5, "the last epoch is the best: this test shows nothing"
    short = settings.model_copy(update={"trainer": TrainerConfig(epochs=best + 1, threads=1, keep="last")})
    again = finetune(short, tmp_path / "short")
    assert load_tagger(result.checkpoint).digest == load_tagger(again.checkpoint).digest
    last = result.checkpoint.with_name("tagger_last.safetensors")
    assert load_tagger(result.checkpoint).digest != load_tagger(last).digest


def test_other_sides_of_the_split_do_not_reach_the_weights(toy_views: Path, tmp_path: Path) -> None:
    views = read_views(toy_views)
    other = np.repeat(views.split(SplitFractions()) != Split.TRAIN, np.diff(views.offsets))
    features = np.where(other[:, None], -views.features, views.features)
    write_views(tmp_path / "changed.h5", dataclasses.replace(views, features=features))
    last = {"trainer": {**SHORT, "keep": "last"}}
    plain = finetune(config(toy_views, **last), tmp_path / "plain")
    changed = finetune(config(tmp_path / "changed.h5", **last), tmp_path / "changed")
    assert load_tagger(plain.checkpoint).digest == load_tagger(changed.checkpoint).digest
    assert [row["val_loss"] for row in plain.history] != [row["val_loss"] for row in changed.history]


def test_an_architecture_that_contradicts_the_encoder_is_refused(toy_views: Path, encoder: str, tmp_path: Path) -> None:
    other = {"width": 16, "layers": 1, "k": 6, "hidden": (8,), "dim": 5}
    with pytest.raises(CheckpointError, match=r"architecture.dim .* contradicts .*got 5; allowed: 4; leave"):
        finetune(config(toy_views, encoder=encoder, architecture=other), tmp_path / "out")
    result = finetune(config(toy_views, encoder=encoder, architecture=None), tmp_path / "out")
    assert load_tagger(result.checkpoint).encoder.config == load_encoder(encoder).config


def test_useless_settings_are_refused(toy_views: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint 'nowhere'"):
        finetune(config(toy_views, encoder="nowhere"), tmp_path / "out")
    with pytest.raises(ConfigError, match="no variation has a positive weight"):
        finetune(config(toy_views, variations={"seed": 0.0}), tmp_path / "out")
    with pytest.raises(TrainingError, match="class 1 has no jet"):
        finetune(config(toy_views, targets={"signal": ["W_QQ"]}), tmp_path / "out")


def with_weights(toy_views: Path, path: Path, *, negative: bool = False) -> Path:
    """The toy views with a generator weight for each event, of another unit in each sample."""
    views = read_views(toy_views)
    rng = np.random.default_rng(31)
    weight = rng.lognormal(0, 1, views.n_events)
    if negative:
        weight[::9] *= -1
    unit = np.array([1e-3, 20.0])[views.sample]
    write_views(path, dataclasses.replace(views, weight=(weight[views.event_of_jet] * unit).astype(np.float32)))
    return path


def test_the_loss_weighs_jets_as_their_generator_does(toy_views: Path, tmp_path: Path) -> None:
    path = with_weights(toy_views, tmp_path / "weighted.h5")
    settings = config(
        path,
        optimizer={"learning_rate": 1e-12, "schedule": "constant"},
        trainer={"epochs": 1, "threads": 1},
        batch_events=10_000,  # one batch of all
    )
    result = finetune(settings, tmp_path / "out")
    views, tagger = read_views(path), load_tagger(result.checkpoint)
    nominal = views.select_jets(views.is_nominal())
    sides, label = nominal.split(SplitFractions()), (nominal.jettype == JetType.H_BB).astype(int)
    score = tagger.score(nominal.features, nominal.offsets).astype(np.float64)
    entropy = -np.log(np.where(label == 1, score, 1 - score))
    weight = nominal.weight.astype(np.float64)
    for number in range(2):
        weight[nominal.sample == number] /= weight[nominal.sample == number].mean()
    train = np.flatnonzero(sides == Split.TRAIN)
    sums = [weight[train][label[train] == number].sum() for number in range(2)]
    balanced = weight * np.array([sum(sums) / 2 / s for s in sums])[label]
    assert result.history[0]["loss"] == pytest.approx(np.mean((entropy * balanced)[train]), rel=1e-5)
    assert abs(np.mean(entropy[train]) - np.mean((entropy * balanced)[train])) > 1e-3
    watched = sides == Split.VALIDATION
    expected = roc_auc_score(label[watched], score[watched], sample_weight=weight[watched])
    assert result.history[0]["val_auc"] == pytest.approx(expected, abs=1e-6)
    effective = weight[train].sum() ** 2 / (weight[train] ** 2).sum()
    record = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert record["effective_events"] == pytest.approx(effective)


def test_negative_weights_are_refused_unless_told(toy_views: Path, tmp_path: Path) -> None:
    path = with_weights(toy_views, tmp_path / "weighted.h5", negative=True)
    with pytest.raises(InvalidDataError, match=r"negative generator weights.*weights.negative to zero or absolute"):
        finetune(config(path), tmp_path / "out")
    result = finetune(config(path, weights={"negative": "zero"}), tmp_path / "zero")
    assert result.history[0]["loss"] is not None


def test_a_tagger_says_which_events_it_and_its_encoder_have_seen(toy_views: Path, tmp_path: Path) -> None:
    """Its own splits are others than those of the encoder, which another training has made."""
    first = finetune(config(toy_views), tmp_path / "first")
    result = finetune(config(toy_views, encoder=str(first.checkpoint), splits={"folds": 3, "fold": 1}), tmp_path / "b")
    views = read_views(toy_views)
    events = views.event[views.first[:-1]]
    for index, sample in enumerate(views.samples):
        mine = events[views.sample[views.first[:-1]] == index]
        place = event_hash(sample, mine)
        seen = {path: JetTagger(path).seen(sample, mine) for path in (first.checkpoint, result.checkpoint)}
        assert (seen[first.checkpoint] == (place < 0.7)).all()
        assert (seen[result.checkpoint] == ((place < 0.7) | (np.floor(place * 3) != 1))).all()
        assert not JetTagger(result.checkpoint).seen(f"other {sample}", mine).any()


def test_labels_that_choose_the_epoch_are_counted(toy_views: Path, tmp_path: Path) -> None:
    def labels(name: str, **changes: Any) -> dict[str, int]:
        result = finetune(config(toy_views, max_events=50, **changes), tmp_path / name)
        record = inspect_checkpoint(result.checkpoint)["provenance"]
        assert record["events"]["train"] == record["labels"]["train"]
        found: dict[str, int] = record["labels"]
        return found

    best = {"epochs": 2, "threads": 1, "keep": "best"}
    assert labels("default", trainer=best) == {"train": 40, "choice": 10, "total": 50}
    views = read_views(toy_views)
    side = int((views.split(SplitFractions())[views.first[:-1]] == Split.VALIDATION).sum())
    assert labels("side", trainer=best, validation="side") == {"train": 50, "choice": side, "total": 50 + side}
    assert labels("last", trainer={**best, "keep": "last"}) == {"train": 50, "choice": 0, "total": 50}
    with pytest.raises(ConfigError, match="max_events, which is not given"):
        parse_config(FinetuneConfig, {"validation": "held_out"}, where="here")


def test_held_out_labels_are_of_the_training_side_and_not_trained_on(toy_views: Path) -> None:
    best = {"keep": "best"}
    with ViewsSource([toy_views]) as source:
        side = source.index.split(SplitFractions())[source.index.first[:-1]]

        def of(n: int | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            settings = config(toy_views, max_events=n, trainer=best)
            return JetTargets.of(source, settings).events(source.index, settings)

        few, watched = of(20)
        more, others = of(50)
        everything, beside = of(None)
    assert (len(few), len(watched), len(more), len(others)) == (16, 4, 40, 10)
    assert (side[np.concatenate([more, others])] == Split.TRAIN).all()
    assert not set(more) & set(others)
    assert set(few) | set(watched) <= set(more) | set(others)
    assert set(few) <= set(more)
    assert len(everything) == (side == Split.TRAIN).sum()
    assert (side[beside] == Split.VALIDATION).all()
