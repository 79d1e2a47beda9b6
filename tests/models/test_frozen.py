"""Networks without torch against torch's modules, to the last bit, and the same in double precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rs3l_gnn.conventions import FEATURE_NAMES, CheckpointError, JetDomain
from rs3l_gnn.models import (
    EdgeConvConfig,
    Head,
    HeadConfig,
    Tagger,
    TransformerConfig,
    graphs_of,
    make_encoder,
    save_encoder,
    save_tagger,
)
from rs3l_gnn.models.frozen import HEAD_JETS, freeze, score_embeddings
from rs3l_gnn.models.kernels import DenseNetwork
from rs3l_gnn.models.stored import read_stored

Jets = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


@pytest.mark.parametrize("n_classes", [1, 3])
def test_scores_of_more_jets_than_a_head_sees_at_once(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(n_classes, 8)).astype(np.float32), rng.normal(size=n_classes).astype(np.float32)
    z = rng.normal(size=(HEAD_JETS + 3, 8)).astype(np.float32)
    p = score_embeddings(DenseNetwork([(weight, bias)], relu=True), z)
    logits = (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float64) @ weight.T + bias
    odds = np.exp(logits)
    expected = odds[:, 0] / (1 + odds[:, 0]) if n_classes == 1 else odds / odds.sum(axis=1, keepdims=True)
    assert p.dtype == np.float32
    assert np.allclose(p, expected, rtol=0, atol=1e-6)


@pytest.fixture
def jets() -> Jets:
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 60, 70)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return rng.normal(size=(offsets[-1], 15)).astype(np.float32), offsets


@pytest.mark.parametrize("classes", [None, ("qcd", "hbb", "wqq")])
def test_the_same_bits_as_the_module_of_torch(jets: Jets, classes: tuple[str, ...] | None, tmp_path: Path) -> None:
    torch.manual_seed(5)
    encoder = make_encoder(EdgeConvConfig(width=24, layers=2, k=6, dim=5, hidden=(9,), features=FEATURE_NAMES[:12]))
    encoder.domain = JetDomain(radius=0.4)
    network = Tagger(encoder, Head(HeadConfig(hidden=(7,), n_classes=len(classes or "1")), dim=5), classes=classes)
    save_tagger(tmp_path / "tagger.safetensors", network)
    frozen, tagger = freeze(read_stored(tmp_path / "tagger.safetensors")) or pytest.fail("needs torch")
    assert tagger is not None
    assert (tagger.classes, tagger.digest) == (network.classes, network.digest)
    assert (frozen.digest, frozen.domain) == (encoder.digest, encoder.domain)
    assert np.array_equal(frozen.embed(*jets), encoder.embed(*jets))
    assert np.array_equal(tagger.score(*jets, threads=2), network.score(*jets, threads=1))
    exact = network.double()(torch.from_numpy(jets[0]).double(), torch.from_numpy(jets[1])).detach().numpy()
    expected = 1 / (1 + np.exp(-exact)) if classes is None else np.exp(exact) / np.exp(exact).sum(axis=1, keepdims=True)
    assert np.allclose(tagger.score(*jets), expected, rtol=0, atol=1e-5)


def test_graphs_bring_their_own_offsets(jets: Jets, tmp_path: Path) -> None:
    save_encoder(tmp_path / "encoder.safetensors", make_encoder(EdgeConvConfig(width=16, layers=1)))
    frozen, tagger = freeze(read_stored(tmp_path / "encoder.safetensors")) or pytest.fail("needs torch")
    assert tagger is None
    assert np.array_equal(frozen.embed(graphs_of(*jets)), frozen.embed(*jets))


def test_transformers_are_left_to_torch(tmp_path: Path) -> None:
    save_encoder(tmp_path / "encoder.safetensors", make_encoder(TransformerConfig(width=16, layers=1)))
    assert freeze(read_stored(tmp_path / "encoder.safetensors")) is None


def test_a_size_that_is_none_is_said_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, make_encoder(EdgeConvConfig(width=16, layers=1)))
    stored = read_stored(path)
    stored.document["config"]["encoder"]["width"] = "wide"
    with pytest.raises(CheckpointError, match=r"encoder.safetensors: width must be sizes"):
        freeze(stored)
    stored.document["config"]["encoder"]["width"] = 32
    with pytest.raises(CheckpointError, match=r"encoder.particle.0.weight has shape \[16, 15\]"):
        freeze(stored)
