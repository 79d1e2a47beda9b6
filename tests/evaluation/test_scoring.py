"""Scores: of test events only, of every tagger, with the baseline."""

from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import CheckpointError, InputFileError, Split, SplitFractions
from rs3l_gnn.data import Views, write_views
from rs3l_gnn.evaluation import EvaluateConfig
from rs3l_gnn.evaluation.scoring import checkpoint_path, read_test_views, score_test_events
from rs3l_gnn.models import load_tagger


def test_only_test_events_are_scored(config: EvaluateConfig, all_views: Views) -> None:
    views = read_test_views(config)
    side = all_views.split(SplitFractions())
    expected = {
        (all_views.sample[jet], all_views.event[jet], all_views.vartype[jet])
        for jet in range(all_views.n_jets)
        if side[jet] == Split.TEST
    }
    assert {*zip(views.sample, views.event, views.vartype, strict=True)} == expected
    assert views.n_jets == len(expected)


def test_scores_are_those_of_each_jet_alone(config: EvaluateConfig, taggers: dict[str, str]) -> None:
    scored = score_test_events(config)
    assert list(scored.scores) == ["n2", "one", "two"]
    np.testing.assert_allclose(scored.scores["n2"], 1 - scored.views.n2b1 / 0.5, atol=1e-6)
    tagger = load_tagger(Path(taggers["two"]) / "tagger.safetensors")
    for jet in (0, 7, scored.views.n_jets - 1):
        alone = tagger.score(*scored.views.take(np.array([jet])))
        assert scored.scores["two"][jet] == pytest.approx(alone[0], abs=1e-6)
    nominal = scored.views.vartype[scored.nominal]
    assert (nominal == -1).all()
    assert scored.embeddings["one"].shape == (scored.views.n_events, 4)


def test_pairs_are_two_views_of_one_event(config: EvaluateConfig) -> None:
    scored = score_test_events(config)
    views = scored.views
    nominal, varied = scored.pairs(config.signal, views.vartype_of("fsrRenHi"))
    assert len(nominal) == scored.in_class(config.signal).sum()
    np.testing.assert_array_equal(views.event[nominal], views.event[varied])
    np.testing.assert_array_equal(views.sample[nominal], views.sample[varied])
    assert (views.vartype[varied] == 1).all()
    assert (views.vartype[nominal] == -1).all()


def test_mistakes_are_named(config: EvaluateConfig, all_views: Views, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        score_test_events(config.model_copy(update={"taggers": {"x": "nowhere"}}))
    train = all_views.select_jets(all_views.split(SplitFractions()) == Split.TRAIN)
    write_views(tmp_path / "train.h5", train)
    with pytest.raises(InputFileError, match=f"none of the {train.n_events} events is on the test side"):
        score_test_events(config.model_copy(update={"views": (tmp_path / "train.h5",)}))
    with pytest.raises(InputFileError, match="no file of views"):
        score_test_events(config.model_copy(update={"views": ()}))


def test_a_folder_stands_for_the_weights_in_it(tmp_path: Path) -> None:
    assert checkpoint_path(str(tmp_path), "tagger") == str(tmp_path / "tagger.safetensors")
    assert checkpoint_path("default-hbb", "tagger") == "default-hbb"
