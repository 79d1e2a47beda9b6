"""Heads and taggers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.models import Encoder, Head, HeadConfig, Tagger

MakeEncoder = Callable[..., Encoder]


@pytest.mark.parametrize(("hidden", "n_parameters"), [((), 9), ((128, 64, 32, 8), 11_761)])
def test_sizes_of_the_paper(hidden: tuple[int, ...], n_parameters: int) -> None:
    head = Head(HeadConfig(hidden=hidden))
    assert sum(p.numel() for p in head.parameters()) == n_parameters
    assert head(torch.randn(5, 8)).shape == (5,)


def test_only_the_direction_counts() -> None:
    head = Head(HeadConfig(hidden=(4,)))
    z = torch.randn(6, 8)
    assert torch.allclose(head(z), head(z * 1e9), atol=1e-6)


def test_score_is_the_probability_of_the_logits(make_encoder: MakeEncoder, make_jets: Callable[..., Any]) -> None:
    features, offsets = make_jets()
    x, cuts = torch.from_numpy(features), torch.from_numpy(offsets)
    tagger = Tagger(make_encoder(), Head(HeadConfig()))
    p = tagger.score(features, offsets)
    assert p.dtype == np.float32
    assert p.shape == (len(offsets) - 1,)
    assert ((p >= 0) & (p <= 1)).all()
    assert np.allclose(p, torch.sigmoid(tagger(x, cuts)).detach().numpy(), atol=1e-6)
    many = Tagger(make_encoder(), Head(HeadConfig(n_classes=4)))
    p = many.score(features, offsets)
    assert p.shape == (len(offsets) - 1, 4)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-6)
    assert np.allclose(p, torch.softmax(many(x, cuts), dim=1).detach().numpy(), atol=1e-6)


def test_score_of_nothing(make_encoder: MakeEncoder) -> None:
    p = Tagger(make_encoder(), Head(HeadConfig())).score(np.empty((0, 15)), np.array([0]))
    assert p.dtype == np.float32
    assert p.shape == (0,)


def test_head_must_fit_the_encoder(make_encoder: MakeEncoder) -> None:
    with pytest.raises(ConfigError, match="8 inputs does not fit an encoder of dim 16"):
        Tagger(make_encoder(dim=16), Head(HeadConfig(), dim=8))


def test_digest_sees_both_parts(make_encoder: MakeEncoder) -> None:
    torch.manual_seed(0)
    one, two = Head(HeadConfig()), Head(HeadConfig())
    assert Tagger(make_encoder(), one).digest == Tagger(make_encoder(), one).digest
    assert Tagger(make_encoder(), one).digest != Tagger(make_encoder(), two).digest
    assert Tagger(make_encoder(), one).digest != Tagger(make_encoder(seed=1), one).digest


@pytest.mark.parametrize(("hidden", "n_classes"), [((), 1), ((128, 64, 32, 8), 1), ((5,), 3)])
def test_score_is_blind_to_the_cut_to_the_last_bit(
    hidden: tuple[int, ...], n_classes: int, make_encoder: MakeEncoder, make_jets: Callable[..., Any]
) -> None:
    torch.manual_seed(0)
    tagger = Tagger(make_encoder(dim=10, hidden=(20,)), Head(HeadConfig(hidden=hidden, n_classes=n_classes), dim=10))
    features, offsets = make_jets(tuple(np.random.default_rng(0).integers(0, 70, 61)))
    p = tagger.score(features, offsets)
    for jets in (1, 2, 3, 5, 7, 30):
        parts = []
        for first in range(0, 61, jets):
            cuts = offsets[first : min(first + jets, 61) + 1]
            parts.append(tagger.score(features[cuts[0] : cuts[-1]], cuts - cuts[0]))
        assert np.array_equal(np.concatenate(parts), p)
