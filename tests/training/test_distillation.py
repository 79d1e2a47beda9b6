"""Teachers: their mean logits, the loss against them, and a pupil that comes to say what they say."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, Split, SplitFractions
from rs3l_gnn.data import ViewsSource, read_views
from rs3l_gnn.models import load_tagger
from rs3l_gnn.training import DistillationConfig, FinetuneConfig, OptimizerConfig, finetune
from rs3l_gnn.training.distillation import distillation_loss, load_teachers, teacher_logits

Maker = Callable[..., FinetuneConfig]


@pytest.fixture(scope="module")
def teachers(finetune_config: Maker, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("teachers")
    rate = OptimizerConfig(learning_rate=0.01, schedule="cosine")
    settings = [finetune_config(seed=seed, epochs=40, optimizer=rate) for seed in (1, 2)]
    return tuple(str(finetune(one, folder / str(one.seed)).checkpoint) for one in settings)


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


@pytest.mark.parametrize("mode", ["floating", "fixed"])
def test_a_pupil_without_labels_says_what_its_teachers_say(
    finetune_config: Maker, teachers: tuple[str, ...], toy_views: Path, tmp_path: Path, mode: str
) -> None:
    """With the encoder of its one teacher a head can learn exactly the teacher's; a new network comes close to two."""
    of, start = teachers, {}
    if mode == "fixed":
        of, start = teachers[:1], {"encoder": teachers[0], "architecture": None}
    rate = OptimizerConfig(learning_rate=0.3 if mode == "fixed" else 0.01, schedule="cosine")
    learning = DistillationConfig(teachers=of, share=1.0)
    pupil = finetune_config(mode=mode, **start, epochs=60, optimizer=rate, distillation=learning)
    views = read_views(toy_views)
    seen = views.select_jets(views.is_nominal() & (views.split(SplitFractions()) == Split.TRAIN))

    def logits(path: Path | str) -> NDArray[np.float64]:
        score = load_tagger(path).score(seen.features, seen.offsets).astype(np.float64)
        return np.asarray(np.log(score / (1 - score)))

    wanted = np.mean([logits(path) for path in of], axis=0)
    found = logits(finetune(pupil, tmp_path / "out").checkpoint)
    assert np.corrcoef(found, wanted)[0, 1] > 0.95
    assert np.std(found - wanted) < 0.3 * np.std(wanted)


def test_teachers_of_other_classes_are_refused(teachers: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=r"has other classes .*got signal; allowed: a, b, c"):
        load_teachers(teachers[:1], ("a", "b", "c"))
