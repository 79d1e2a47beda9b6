"""Networks on whole numbers of 16 bits: near the others, the same in any cut, and never taken for them."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import rs3l_gnn
from rs3l_gnn import models
from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.data import PairConfig, pair, read_views
from rs3l_gnn.inference import ExportedNetwork, FoldTagger, JetTagger
from rs3l_gnn.models.digest import joint_digest

Jets = tuple[NDArray[np.float32], NDArray[np.int64]]


@pytest.fixture(scope="module")
def jets(toy_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Jets:
    path = tmp_path_factory.mktemp("views") / "views.h5"
    pair(PairConfig(directories=(toy_directory,)), path)
    views = read_views(path)
    return views.features, views.offsets


@pytest.mark.parametrize("name", ["default-hbb", "default-nano-wqq", "robust-hbb", "default-multi"])
def test_scores_are_near(name: str, jets: Jets) -> None:
    """Neighbours that are as near as each other but for rounding may change places, and then a score moves more."""
    exact, fast = (rs3l_gnn.load_tagger(name, precision=precision).score(*jets) for precision in ("float32", "int16"))
    moved = np.abs(exact.astype(np.float64) - fast)
    assert 0 < moved.mean() < 3e-4
    assert np.quantile(moved, 0.95) < 2e-3


def test_embeddings_are_near(jets: Jets) -> None:
    exact, fast = (rs3l_gnn.load_encoder("default", precision=one).embed(*jets) for one in ("float32", "int16"))
    cosine = (exact * fast).sum(axis=1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(fast, axis=1)
    assert np.quantile(1 - cosine, 0.95) < 1e-4
    assert not np.array_equal(exact, fast)


def test_cuts_and_threads_change_nothing(jets: Jets) -> None:
    features, offsets = jets
    encoder = rs3l_gnn.load_encoder("default", precision="int16")
    whole = encoder.embed(features, offsets, threads=1)
    assert np.array_equal(encoder.embed(features, offsets, threads=3), whole)
    parts = [
        encoder.embed(features[offsets[first] : offsets[last]], offsets[first : last + 1] - offsets[first])
        for first, last in ((0, 1), (1, 40), (40, len(offsets) - 1))
    ]
    assert np.array_equal(np.concatenate(parts), whole)
    assert encoder.embed(features[:0], offsets[:1]).shape == (0, whole.shape[1])


def test_the_order_of_particles_changes_nothing_but_sums(jets: Jets) -> None:
    features, offsets = jets
    encoder = rs3l_gnn.load_encoder("default", precision="int16")
    rng = np.random.default_rng(0)
    order = np.concatenate([rng.permutation(np.arange(a, b)) for a, b in itertools.pairwise(offsets)])
    z, again = encoder.embed(features, offsets), encoder.embed(features[order], offsets)
    assert np.abs(z - again).max() < 2e-6 * np.abs(z).max()


def test_double_precision_becomes_single(jets: Jets, tmp_path: Path) -> None:
    torch.manual_seed(2)
    encoder = models.make_encoder(models.EdgeConvConfig(width=24, layers=2, k=6, dim=5, hidden=(9,)))
    for name, one in (("single", encoder), ("double", encoder.double())):
        models.save_encoder(tmp_path / f"{name}.safetensors", one)
    single, double = (
        rs3l_gnn.load_encoder(tmp_path / f"{name}.safetensors", precision="int16").embed(*jets)
        for name in ("single", "double")
    )
    assert np.allclose(double, single, rtol=1e-5)


def test_another_digest(make_tagger: Callable[..., Path]) -> None:
    path = make_tagger()
    exact, fast = JetTagger(path), JetTagger(path, precision="int16")
    assert fast.digest == joint_digest((exact.digest, "int16"))
    assert fast.encoder_digest != exact.encoder_digest
    again = pickle.loads(pickle.dumps(fast))  # noqa: S301  # our own
    assert again.model is fast.model is not exact.model
    loaded: Any = rs3l_gnn.load_tagger(path, precision="int16")
    assert loaded.weights_digest == exact.digest


def test_what_has_no_such_precision(make_tagger: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown precision; got 'bf16'; allowed: float32, int16"):
        rs3l_gnn.load_encoder("default", precision="bf16")  # type: ignore[arg-type]  # as a user may write
    network = models.make_encoder(models.TransformerConfig(width=16, layers=1))
    models.save_encoder(tmp_path / "encoder.safetensors", network)
    with pytest.raises(ConfigError, match=r"precision int16 is for EdgeConv networks in own checkpoints on the CPU"):
        rs3l_gnn.load_encoder(tmp_path / "encoder.safetensors", precision="int16")
    with pytest.raises(ConfigError, match=r"got default-hbb on cuda:0; take device: cpu"):
        rs3l_gnn.load_tagger("default-hbb", device="cuda:0", precision="int16")
    with pytest.raises(ConfigError, match=r"for EdgeConv networks in own checkpoints.*model.onnx; leave it out"):
        JetTagger(ExportedNetwork(kind="onnx", file=Path("model.onnx")), precision="int16")
    with pytest.raises(ConfigError, match=r"for EdgeConv networks in own checkpoints.*got triton://nowhere:1/m"):
        JetTagger("triton://nowhere:1/m", precision="int16")


def test_networks_of_folds(fold_files: Callable[..., list[str]], jets: Jets) -> None:
    files = fold_files(3)
    exact, fast = FoldTagger(files), FoldTagger(files, precision="int16")
    assert [part.precision for part in fast.parts] == ["int16"] * 3
    assert fast.digest != exact.digest
