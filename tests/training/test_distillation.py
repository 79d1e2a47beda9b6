"""Teachers: their mean logits, the loss against them, and a pupil that comes to say what they say."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, Split, SplitFractions
from rs3l_gnn.data import Views, ViewsSource, read_views
from rs3l_gnn.models import Encoder, Head, HeadConfig, Tagger, load_tagger, save_tagger
from rs3l_gnn.training import DistillationConfig, FinetuneConfig, OptimizerConfig, finetune
from rs3l_gnn.training.distillation import distillation_loss, load_teachers, teacher_logits

Maker = Callable[..., FinetuneConfig]


def logits_of(path: Path | str, views: Views) -> NDArray[np.float64]:
    score = load_tagger(path).score(views.features, views.offsets).astype(np.float64)
    return np.asarray(np.log(score / (1 - score)))


@pytest.fixture(scope="module")
def seen(toy_views: Path) -> Views:
    """Nominal jets that are trained on."""
    views = read_views(toy_views)
    return views.select_jets(views.is_nominal() & (views.split(SplitFractions()) == Split.TRAIN))


@pytest.fixture(scope="module")
def teachers(
    spread_encoder: Callable[..., Encoder], seen: Views, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, ...]:
    """Two random taggers whose logits have mean 0 and width 1.5: they know nothing of labels, but have much to say."""
    paths = []
    for seed in (2, 3):  # their mean correlates with either by 0.41, with the labels by -0.18
        tagger = Tagger(spread_encoder(seed), Head(HeadConfig()))
        weight, bias = tagger.head.parameters()
        weight.data = torch.from_numpy(np.random.default_rng(seed).normal(size=(1, 8)).astype(np.float32))
        with torch.inference_mode():
            said = tagger.head(torch.from_numpy(tagger.encoder.embed(seen.features, seen.offsets)))
        bias.data = (bias.data - said.mean()) * 1.5 / said.std()
        weight.data *= 1.5 / said.std()
        paths.append(str(tmp_path_factory.mktemp("teacher") / "tagger.safetensors"))
        save_tagger(paths[-1], tagger, provenance={})
    return tuple(paths)


def test_the_loss_by_hand() -> None:
    logits, taught = [0.3, -1.2, 2.0], [1.0, 0.5, -0.7]
    expected = []
    for own, other in zip(logits, taught, strict=True):
        q, p = 1 / (1 + math.exp(-other / 2)), 1 / (1 + math.exp(-own / 2))
        expected.append(-4 * (q * math.log(p) + (1 - q) * math.log(1 - p)))
    found = distillation_loss(torch.tensor(logits), torch.tensor(taught)[:, None], 2.0)
    assert found.numpy() == pytest.approx(expected, rel=1e-5)
    # Two logits a class apart are the one logit of two classes.
    pair = torch.stack([torch.zeros(3), torch.tensor(logits)], dim=1)
    teacher = torch.stack([torch.zeros(3), torch.tensor(taught)], dim=1)
    assert distillation_loss(pair, teacher, 2.0).numpy() == pytest.approx(expected, rel=1e-5)


def test_teachers_are_averaged_in_logits(teachers: tuple[str, ...], toy_views: Path) -> None:
    loaded = load_teachers(teachers, ("signal",))
    jets = np.arange(0, 60, 3)
    with ViewsSource([toy_views]) as source:
        found = teacher_logits(source, jets, loaded)
        x, offsets = source.read_jets(jets)
    scores = np.stack([load_tagger(path).score(x, offsets).astype(np.float64) for path in teachers])
    np.testing.assert_allclose(found[jets, 0], np.log(scores / (1 - scores)).mean(axis=0), rtol=1e-4, atol=1e-5)
    assert (np.delete(found, jets, axis=0) == 0).all()


def test_a_head_without_labels_learns_that_of_its_teacher(
    finetune_config: Maker, teachers: tuple[str, ...], seen: Views, tmp_path: Path
) -> None:
    """On the teacher's encoder, at rest: the loss has one minimum, and there the pupil says the same."""
    rate = OptimizerConfig(learning_rate=0.3, schedule="cosine")
    learning = DistillationConfig(teachers=teachers[:1], share=1.0)
    start = {"mode": "fixed", "encoder": teachers[0], "architecture": None}
    pupil = finetune_config(**start, epochs=60, optimizer=rate, distillation=learning)
    found = logits_of(finetune(pupil, tmp_path / "out").checkpoint, seen)
    # On average: the jet that is farthest from all others is reached last.
    assert np.sqrt(np.mean((found - logits_of(teachers[0], seen)) ** 2)) < 0.3


def test_a_new_network_without_labels_comes_close_to_its_teachers(
    finetune_config: Maker, teachers: tuple[str, ...], seen: Views, tmp_path: Path
) -> None:
    """How close hangs on luck; what learns labels, one teacher or the opposite is far from it."""
    rate = OptimizerConfig(learning_rate=0.01, schedule="cosine")
    pupil = finetune_config(epochs=100, optimizer=rate, distillation=DistillationConfig(teachers=teachers, share=1.0))
    found = logits_of(finetune(pupil, tmp_path / "out").checkpoint, seen)
    wanted = np.mean([logits_of(path, seen) for path in teachers], axis=0)
    assert np.corrcoef(found, wanted)[0, 1] > 0.7
    assert np.std(found - wanted) < 0.75 * np.std(wanted)


def test_teachers_of_other_classes_are_refused(teachers: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=r"has other classes .*got signal; allowed: a, b, c"):
        load_teachers(teachers[:1], ("a", "b", "c"))
