"""Networks of folds as one tagger: each jet by the network that left its event out."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import ConfigError, event_hash
from rs3l_gnn.inference import FoldTagger, JetInputs, JetTagger


def test_each_jet_by_its_own_network(fold_files: Callable[..., list[str]]) -> None:
    files = fold_files(3)
    tagger = pickle.loads(pickle.dumps(FoldTagger(files[::-1])))  # noqa: S301  # our own bytes
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 20, 40)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    inputs = JetInputs(rng.normal(size=(offsets[-1], 15)).astype(np.float32), offsets, np.full(20, 2))
    numbers = np.repeat(rng.permutation(1000)[:20], 2)
    scores = tagger.score(inputs, "qcd", numbers)
    networks = [JetTagger(file) for file in files]
    whole = [network.score(inputs) for network in networks]
    folds = [int(place * 3) for place in event_hash("qcd", numbers)]
    assert set(folds) == {0, 1, 2}
    for jet, fold in enumerate(folds):
        assert scores[jet] == whole[fold][jet]
        assert not networks[fold].seen("qcd", numbers[jet : jet + 1]).any()
    assert not tagger.seen("qcd", numbers).any()
    assert len(tagger.digest) == 64
    assert tagger.score(JetInputs(np.zeros((0, 15), np.float32), np.array([0]), np.zeros(3, int)), "a", []).shape == (
        0,
    )


def test_what_is_no_set_of_folds(fold_files: Callable[..., list[str]], tagger_path: Path) -> None:
    with pytest.raises(ConfigError, match="both leave fold 0 out"):
        FoldTagger(fold_files(3, fold_of=lambda _: 0))
    with pytest.raises(ConfigError, match="was not trained on 3 folds; got splits .*fine-tune with splits"):
        FoldTagger(fold_files(4)[:3])
    with pytest.raises(
        ConfigError, match="tagger.safetensors was not trained on 3 folds; got nothing about its events"
    ):
        FoldTagger([*fold_files(3)[:2], str(tagger_path)])
