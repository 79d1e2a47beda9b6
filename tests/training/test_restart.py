"""One rule for trainings that learn nothing, the same for pre-training and fine-tuning."""

import json
import logging
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import JetType, Split, SplitFractions, TrainingError
from rs3l_gnn.data import read_views
from rs3l_gnn.models import load_encoder, load_tagger
from rs3l_gnn.training import FinetuneConfig, OptimizerConfig, PretrainConfig, RestartConfig, finetune, pretrain
from rs3l_gnn.training.restart import StuckTrainingError, next_seed, with_restarts

FROZEN = OptimizerConfig(learning_rate=1e-12, schedule="constant")


def fails(times: int) -> tuple[Callable[[int], str], list[int]]:
    """A training that learns nothing so many times, and the seeds it was given."""
    seeds: list[int] = []

    def train(seed: int) -> str:
        seeds.append(seed)
        if len(seeds) <= times:
            raise StuckTrainingError("nothing")
        return "done"

    return train, seeds


def test_it_starts_again_with_the_next_seed_and_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train, seeds = fails(2)
    (tmp_path / "last.ckpt").write_text("of the failed one")
    with caplog.at_level(logging.WARNING):
        result, failed = with_restarts(RestartConfig(attempts=3), tmp_path, 5, train)
    assert result == "done"
    assert seeds == [5, next_seed(5, 1), next_seed(5, 2)]
    assert len({*seeds, 6, 7}) == 5  # no restart is the training of another replica
    assert [one["seed"] for one in failed] == seeds[:2]
    assert not (tmp_path / "last.ckpt").exists()
    assert caplog.text.count("has failed and starts again") == 2
    # A training that was interrupted goes on with the seed it had.
    again, more = fails(0)
    assert with_restarts(RestartConfig(attempts=3), tmp_path, 5, again)[1] == failed
    assert more == seeds[2:]


def test_after_the_last_attempt_it_is_an_error(tmp_path: Path) -> None:
    train, seeds = fails(99)
    with pytest.raises(TrainingError, match=r"2 trainings of 2 have learnt nothing.*seed 1: nothing; seed 1000004"):
        with_restarts(RestartConfig(attempts=2), tmp_path, 1, train)
    assert len(seeds) == 2


@pytest.mark.parametrize("loss", ["nt_xent", "supervised", "vicreg"])
def test_a_pretraining_that_stands_still_has_failed(
    pretrain_config: Callable[..., PretrainConfig], tmp_path: Path, loss: str
) -> None:
    config = pretrain_config(
        loss={"name": loss}, optimizer=FROZEN, restart=RestartConfig(after_steps=4, attempts=2, learnt=0.5)
    )
    with pytest.raises(TrainingError, match="2 trainings of 2 have learnt nothing") as error:
        pretrain(config, tmp_path / "out")
    if loss == "nt_xent":  # log of the views in the denominator, all alike
        views = read_views(config.views[0])
        n = ((np.diff(views.first) > 1) & (views.split(SplitFractions())[views.first[:-1]] == Split.VALIDATION)).sum()
        assert f"at most {math.log(2 * n - 1) / 2:.4g}" in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_finetuning_that_stands_still_has_failed(
    finetune_config: Callable[..., FinetuneConfig], tmp_path: Path
) -> None:
    """By then a network that sees nothing has the entropy of the classes, log 2 where they are balanced."""
    rule = RestartConfig(after_steps=10**6, attempts=1, learnt=0.5)  # asked after the last epoch
    config = finetune_config(optimizer=FROZEN, restart=rule)
    with pytest.raises(TrainingError, match="after 2 epochs") as error:
        finetune(config, tmp_path / "out")
    allowed = float(str(error.value).split("at most ")[1].split()[0].rstrip(";"))
    views = read_views(config.views[0])
    nominal = views.select_jets(views.is_nominal())
    side, signal = nominal.split(SplitFractions()), nominal.jettype == JetType.H_BB
    n, n_signal = (side == Split.TRAIN).sum(), (signal & (side == Split.TRAIN)).sum()
    weight = np.where(signal, n / 2 / n_signal, n / 2 / (n - n_signal))[side == Split.VALIDATION]
    assert allowed == pytest.approx(0.5 * math.log(2) * weight.mean(), rel=0.02)  # balanced on the training side


def test_a_training_that_learns_is_left_alone(
    pretrain_config: Callable[..., PretrainConfig],
    finetune_config: Callable[..., FinetuneConfig],
    toy_views: Path,
    tmp_path: Path,
) -> None:
    rule = RestartConfig(after_steps=4, learnt=1e-6)
    fast = OptimizerConfig(learning_rate=1e-2, schedule="constant")
    plain = pretrain(pretrain_config(optimizer=fast, epochs=6), tmp_path / "plain")
    asked = pretrain(pretrain_config(optimizer=fast, epochs=6, restart=rule), tmp_path / "asked")
    x = read_views(toy_views)
    first, second = (load_encoder(one.checkpoint).embed(x.features, x.offsets) for one in (plain, asked))
    np.testing.assert_array_equal(first, second)
    assert json.loads((tmp_path / "asked" / "provenance.json").read_text())["failed_trainings"] == []
    assert "failed_trainings" not in json.loads((tmp_path / "plain" / "provenance.json").read_text())
    later = RestartConfig(after_steps=60, learnt=0.02)
    tuned = finetune(finetune_config(optimizer=fast, epochs=30, restart=later), tmp_path / "tuned")
    assert load_tagger(tuned.checkpoint).classes == ("signal",)
