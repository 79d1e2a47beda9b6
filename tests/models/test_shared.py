"""Taggers on one encoder share its work."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.inference import load_encoder, load_tagger
from rs3l_gnn.models.shared import LastEmbeddings, by_encoder


def test_embeddings_are_made_once_in_a_row() -> None:
    asked: list[str] = []

    def made(name: str) -> NDArray[np.float32]:
        asked.append(name)
        return np.full((2, 3), len(asked), np.float32)

    last = LastEmbeddings()
    found = [last.of(name[0], lambda name=name: made(name))[0, 0] for name in ("a1", "a2", "b1", "b2", "a3")]  # type: ignore[misc]  # bound at once
    assert (asked, found) == (["a1", "b1", "a3"], [1, 1, 2, 2, 3])


def test_embeddings_that_could_not_be_made_are_not_remembered() -> None:
    last = LastEmbeddings()
    with pytest.raises(ZeroDivisionError):
        last.of("a", lambda: np.full((1, 1), 1 / 0, np.float32))
    assert last.of("a", lambda: np.ones((1, 1), np.float32)) == 1


def test_order() -> None:
    digests = {"a": "1", "b": "2", "c": None, "d": "1", "e": "2"}
    assert by_encoder(["n2", "a", "b", "c", "d", "e", "stored"], digests) == ["n2", "a", "d", "b", "e", "c", "stored"]


def test_scores_of_embeddings_are_those_of_the_jets() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(40, 15)).astype(np.float32)
    offsets = np.array([0, 12, 25, 40])
    for name in ("strong-hbb", "default-multi"):
        tagger = load_tagger(name)
        z = load_encoder(name).embed(features, offsets)
        np.testing.assert_array_equal(tagger.score_embeddings(z), tagger.score(features, offsets))


def test_shipped_taggers_that_share_an_encoder() -> None:
    digests = {name: load_tagger(name).encoder.digest for name in ("strong-hbb", "robust-hbb", "default-hbb")}
    assert digests["strong-hbb"] == digests["robust-hbb"] != digests["default-hbb"]
