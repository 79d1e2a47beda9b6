"""Embeddings of an invariant and a free part: who sees what, and a factor on the free one."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from rs3l_gnn.conventions import ConfigError, Split, SplitFractions, parse_config
from rs3l_gnn.data import read_views
from rs3l_gnn.models import EdgeConvConfig, Encoder, TransformerConfig, load_encoder, load_tagger, make_encoder
from rs3l_gnn.training import (
    FinetuneConfig,
    FreePartConfig,
    OptimizerConfig,
    PretrainConfig,
    SplitConfig,
    SupervisedContrastive,
    finetune,
    nt_xent,
    pretrain,
    supervised_contrastive,
)
from rs3l_gnn.training.parts import scale_free_part
from rs3l_gnn.training.pretraining import PairBatch, PretrainModule, initial_networks

Pretraining = Callable[..., PretrainConfig]


def some_jets(n: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(3)
    counts = rng.integers(1, 9, n)
    return torch.from_numpy(rng.normal(size=(counts.sum(), 15)).astype(np.float32)), torch.tensor([0, *counts.cumsum()])


def module_of(config: PretrainConfig) -> PretrainModule:
    return PretrainModule(*initial_networks(config, 1), config, 4)


def test_each_loss_sees_its_part(pretrain_config: Pretraining) -> None:
    module = module_of(
        pretrain_config(split=SplitConfig(invariant=3, loss=SupervisedContrastive(temperature=0.5), weight=0.7))
    )
    x, offsets = some_jets()
    label = torch.tensor([0, 1, 1, 0, 0, 1, -1, 1])
    with torch.no_grad():
        z = module.encoder(x, offsets)
        expected = nt_xent(z[:, :3]) + 0.7 * supervised_contrastive(z[:, 3:], label, temperature=0.5)
        assert module.batch_loss(PairBatch(x, offsets, label)).item() == pytest.approx(expected.item(), rel=1e-6)


def test_without_a_loss_the_free_part_is_not_pulled(pretrain_config: Pretraining) -> None:
    module = module_of(pretrain_config(split=SplitConfig(invariant=3)))
    x, offsets = some_jets()
    module.batch_loss(PairBatch(x, offsets, torch.zeros(8, dtype=torch.long))).backward()  # type: ignore[no-untyped-call]  # torch leaves this method without types
    last = [layer for layer in module.encoder.modules() if isinstance(layer, torch.nn.Linear)][-1]
    assert last.weight.grad is not None
    assert (last.weight.grad[:3] != 0).any(dim=1).all()
    assert (last.weight.grad[3:] == 0).all()


def test_the_invariant_part_alone_becomes_alike(pretrain_config: Pretraining, toy_views: Path, tmp_path: Path) -> None:
    config = pretrain_config(
        split=SplitConfig(invariant=4, loss=SupervisedContrastive()),
        # Slow enough that no training ends with one direction for all jets, whatever the processor rounds.
        optimizer=OptimizerConfig(learning_rate=0.003, schedule="cosine"),
        epochs=50,
    )
    result = pretrain(config, tmp_path / "out")
    encoder = load_encoder(result.checkpoint)
    views = read_views(toy_views)
    seen = views.select_events(
        (np.diff(views.first) == 4) & (views.split(SplitFractions())[views.first[:-1]] == Split.TRAIN)
    )
    z = encoder.embed(seen.features, seen.offsets)

    def spread_of_views(part: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> float:
        """Mean squared distance of the directions of two views of an event over that of two events."""
        unit = (part / np.linalg.norm(part, axis=1, keepdims=True)).reshape(-1, 4, part.shape[1])
        return float(
            ((unit[:, 0] - unit[:, 1]) ** 2).sum() / ((unit[:, 0] - np.roll(unit[:, 0], 1, axis=0)) ** 2).sum()
        )

    assert spread_of_views(z[:, :4]) < 0.5 * spread_of_views(z[:, 4:])
    assert result.history[-1]["effective_rank"] is not None
    assert result.history[-1]["effective_rank"] <= 4


@pytest.mark.parametrize(
    "backbone",
    [EdgeConvConfig(width=16, layers=1, k=4, hidden=(8,), dim=6), TransformerConfig(width=16, layers=1, dim=6)],
)
def test_the_factor_is_in_the_weights(backbone: EdgeConvConfig | TransformerConfig) -> None:
    encoder = make_encoder(backbone)
    x, offsets = some_jets()
    before = encoder.embed(x.numpy(), offsets.numpy())
    scale_free_part(encoder, FreePartConfig(begins=2, factor=0.25))
    after = encoder.embed(x.numpy(), offsets.numpy())
    np.testing.assert_array_equal(after[:, :2], before[:, :2])
    np.testing.assert_allclose(after[:, 2:], 0.25 * before[:, 2:], rtol=1e-6)


def test_at_zero_a_tagger_knows_the_invariant_part_alone(
    finetune_config: Callable[..., FinetuneConfig], pretrain_config: Pretraining, toy_views: Path, tmp_path: Path
) -> None:
    start = str(
        pretrain(pretrain_config(split=SplitConfig(invariant=4), epochs=1), tmp_path / "pretraining").checkpoint
    )
    views = read_views(toy_views)
    z = load_encoder(start).embed(views.features, views.offsets).astype(np.float64)
    for factor in (0.0, 0.5):
        settings = finetune_config(
            encoder=start, architecture=None, mode="fixed", free_part=FreePartConfig(begins=4, factor=factor)
        )
        tagger = load_tagger(finetune(settings, tmp_path / str(factor)).checkpoint)
        seen = z.copy()
        seen[:, 4:] *= factor
        unit = seen / np.linalg.norm(seen, axis=1, keepdims=True)
        weights = {name: value.double().numpy() for name, value in tagger.head.mlp[0].state_dict().items()}
        logits = unit @ weights["weight"][0] + weights["bias"][0]
        score = tagger.score(views.features, views.offsets)
        np.testing.assert_allclose(score, 1 / (1 + np.exp(-logits)), rtol=1e-4)


class _NoLinear(Encoder):
    def network(self, x: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        return torch.stack([x[a:b].sum(dim=0)[:6] for a, b in pairwise(offsets)]).sin()


def test_what_cannot_be_is_refused(pretrain_config: Pretraining) -> None:
    with pytest.raises(ConfigError, match=r"split\.invariant \(8\) leaves no free part"):
        parse_config(PretrainConfig, {"split": {"invariant": 8}}, where="here")
    with pytest.raises(ConfigError, match="free_part needs mode: fixed"):
        parse_config(FinetuneConfig, {"free_part": {"begins": 4, "factor": 0}}, where="here")
    small = EdgeConvConfig(width=16, layers=1, dim=6)
    with pytest.raises(ConfigError, match="behind the end of the embedding; got 6"):
        scale_free_part(make_encoder(small), FreePartConfig(begins=6, factor=0))
    with pytest.raises(ConfigError, match="does not come out of a linear layer"):
        scale_free_part(_NoLinear(small), FreePartConfig(begins=2, factor=0))
