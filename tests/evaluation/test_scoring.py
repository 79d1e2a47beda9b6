"""Scores: of test events only, of every training once, with the baseline."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rs3l_gnn.conventions import (
    CheckpointError,
    ConfigError,
    InputFileError,
    InvalidDataError,
    JetDomain,
    Split,
    SplitFractions,
    UnknownVariationError,
    event_hash,
)
from rs3l_gnn.conventions.seen_events import seen_record
from rs3l_gnn.data import Views, ViewsSource, write_views
from rs3l_gnn.evaluation import EvaluateConfig, scoring
from rs3l_gnn.evaluation.scoring import score_test_events
from rs3l_gnn.models import (
    EdgeConvConfig,
    Head,
    HeadConfig,
    Tagger,
    load_tagger,
    make_encoder,
    save_tagger,
)
from rs3l_gnn.models.stored import checkpoint_path


def test_only_test_events_are_scored(config: EvaluateConfig, all_views: Views) -> None:
    views = score_test_events(config).views
    side = all_views.split(SplitFractions())
    expected = {
        (all_views.sample[jet], all_views.event[jet], all_views.vartype[jet])
        for jet in range(all_views.n_jets)
        if side[jet] == Split.TEST
    }
    assert {*zip(views.sample, views.event, views.vartype, strict=True)} == expected
    assert views.n_jets == len(expected)


@pytest.mark.parametrize("block", [1, 7, 2048])
def test_scores_are_those_of_each_jet_alone(
    config: EvaluateConfig, taggers: dict[str, str], all_views: Views, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(scoring, "_BLOCK_EVENTS", block)
    scored = score_test_events(config)
    assert set(scored.scores) == {"n2", *taggers.values()}
    np.testing.assert_allclose(scored.scores["n2"].nominal, 1 - scored.views.n2b1[scored.nominal] / 0.5, atol=1e-6)
    tagger = load_tagger(Path(taggers["two"]) / "tagger.safetensors")
    scores = scored.scores[taggers["two"]]
    assert scores.views is not None
    for jet in (0, 7, scored.views.n_jets - 1):
        alone = tagger.score(*all_views.take(scored.events.source_jet[jet : jet + 1]))
        assert scores.views[jet] == pytest.approx(alone[0], abs=1e-6)
    np.testing.assert_array_equal(scores.nominal, scores.views[scored.nominal])
    assert (scored.views.vartype[scored.nominal] == -1).all()
    embedded = tagger.encoder.embed(*all_views.take(scored.events.source_jet[scored.nominal]))
    np.testing.assert_allclose(scored.embeddings["two"], embedded, rtol=1e-5)


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Jets that each encoder embeds in a test, by the weights that it was loaded with."""
    jets: dict[str, int] = {}

    def load(name: str) -> Any:
        tagger = load_tagger(name)
        embed = tagger.encoder.embed

        def counting(features: Any, offsets: Any) -> Any:
            jets[name] = jets.get(name, 0) + len(offsets) - 1
            return embed(features, offsets)

        monkeypatch.setattr(tagger.encoder, "embed", counting)
        return tagger

    monkeypatch.setattr("rs3l_gnn.models.load_tagger", load)
    return jets


def test_each_training_is_scored_once_and_in_variations_only_where_needed(
    config: EvaluateConfig, taggers: dict[str, str], embedded: dict[str, int]
) -> None:
    document = {
        "views": config.views,
        "taggers": {"one": taggers["one"]},
        "tables": {"t": {"rows": {"x": taggers["one"], "y": [taggers["again"]]}, "reference": "x"}},
    }
    scored = score_test_events(EvaluateConfig.model_validate(document))
    for_probe = scored.views.n_events
    assert embedded == {taggers["one"]: scored.views.n_jets + for_probe, taggers["again"]: scored.views.n_events}
    assert scored.scores[taggers["again"]].views is None
    embedded.clear()
    scored = score_test_events(EvaluateConfig.model_validate({**document, "variations": []}))
    # The table's tagger comes between the scores and the probe of the other.
    assert embedded == {taggers["one"]: 2 * for_probe, taggers["again"]: for_probe}


def test_taggers_on_one_encoder_embed_jets_once(
    config: EvaluateConfig, taggers: dict[str, str], embedded: dict[str, int], tmp_path: Path
) -> None:
    """Another head on the encoder of the first tagger, with a tagger between them."""
    head = Head(HeadConfig(), 4)
    for layer in head.parameters():
        torch.nn.init.normal_(layer, std=0.3, generator=torch.Generator().manual_seed(1))
    other = Tagger(load_tagger(taggers["one"]).encoder, head)
    save_tagger(tmp_path / "other.safetensors", other, provenance={})
    names = {"one": taggers["one"], "again": taggers["again"], "other": str(tmp_path / "other.safetensors")}
    scored = score_test_events(EvaluateConfig.model_validate({"views": config.views, "taggers": names}))
    probes = scored.views.n_events
    assert embedded == {taggers["one"]: scored.views.n_jets + probes, taggers["again"]: scored.views.n_jets + probes}
    with ViewsSource(config.views) as source:
        views = source.read(0, source.index.n_events)
    features, offsets = views.take(scored.events.source_jet)
    for name, path in names.items():
        np.testing.assert_array_equal(scored.scores[path].views, load_tagger(path).score(features, offsets), name)


def test_only_the_variations_that_are_compared_are_scored(config: EvaluateConfig, taggers: dict[str, str]) -> None:
    document = {"views": config.views, "taggers": {"one": taggers["one"]}, "variations": ["fsrRenHi"]}
    scored = score_test_events(EvaluateConfig.model_validate(document))
    everything = score_test_events(config)
    kept = np.isin(everything.views.vartype, [-1, everything.views.vartype_of("fsrRenHi")])
    assert 0 < kept.sum() < everything.views.n_jets
    np.testing.assert_array_equal(scored.views.event, everything.views.event[kept])
    np.testing.assert_array_equal(scored.views.vartype, everything.views.vartype[kept])
    one, all_of_one = scored.scores[taggers["one"]].views, everything.scores[taggers["one"]].views
    assert one is not None
    assert all_of_one is not None
    np.testing.assert_array_equal(one, all_of_one[kept])
    with pytest.raises(UnknownVariationError, match="variation 'fsr' does not occur in these views"):
        score_test_events(EvaluateConfig.model_validate({**document, "variations": ["fsr"]}))


def test_pairs_are_two_views_of_one_event(config: EvaluateConfig) -> None:
    scored = score_test_events(config)
    views = scored.views
    event, varied = scored.pairs(config.signal, views.vartype_of("fsrRenHi"))
    assert len(event) == scored.in_class(config.signal).sum()
    np.testing.assert_array_equal(views.event[scored.nominal[event]], views.event[varied])
    assert (views.vartype[varied] == 1).all()


def test_mistakes_are_named(config: EvaluateConfig, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        score_test_events(config.model_copy(update={"taggers": {"x": "nowhere"}}))
    with pytest.raises(InputFileError, match="no file of views"):
        score_test_events(config.model_copy(update={"views": ()}))
    with torch.random.fork_rng(devices=[]):
        encoder = make_encoder(EdgeConvConfig(width=16, layers=1, k=6, hidden=(8,), dim=4))
        save_tagger(tmp_path / "three.safetensors", Tagger(encoder, Head(HeadConfig(n_classes=3), 4)))
    three = config.model_copy(update={"taggers": {"x": str(tmp_path / "three.safetensors")}})
    with pytest.raises(ConfigError, match="three.safetensors gives a score for each of class_0, class_1, class_2"):
        score_test_events(three)


def test_several_classes_make_the_score_that_the_configuration_names(
    config: EvaluateConfig, all_views: Views, tmp_path: Path
) -> None:
    path = tmp_path / "three.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        encoder = make_encoder(EdgeConvConfig(width=16, layers=1, k=6, hidden=(8,), dim=4))
        save_tagger(path, Tagger(encoder, Head(HeadConfig(n_classes=3), 4), classes=("qcd", "hbb", "wqq")))
    document = {
        "views": config.views,
        "taggers": {"x": str(path)},
        "discriminant": {"signal": ["hbb"], "background": ["qcd"]},
    }
    scored = score_test_events(EvaluateConfig.model_validate(document))
    p = load_tagger(path).score(*all_views.take(scored.events.source_jet))
    got = scored.scores[str(path)].views
    assert got is not None
    np.testing.assert_allclose(got, p[:, 1] / (p[:, 0] + p[:, 1]), atol=1e-6)


def test_views_of_another_kind_than_trained_on_are_said_or_refused(
    config: EvaluateConfig, all_views: Views, tmp_path: Path
) -> None:
    path, views = tmp_path / "tagger.safetensors", tmp_path / "views.h5"
    encoder = make_encoder(EdgeConvConfig(width=16, layers=1, k=6, hidden=(8,), dim=4))
    encoder.domain = JetDomain(radius=0.8, pt_min=600.0, formats=("pfnano",), missing_features=())
    save_tagger(path, Tagger(encoder, Head(HeadConfig(), 4)))
    strange = JetDomain(radius=0.4, formats=("nanoaod15",), missing_features=("tanh_d0",))
    write_views(views, all_views, domain=dataclasses.replace(strange, missing_features=()))
    scored = score_test_events(EvaluateConfig.model_validate({"views": views, "taggers": {"x": str(path)}}))
    soft = sum(float(scored.views.pt[jet]) < 600 for jet in scored.nominal)
    for remark, clause in zip(
        scored.remarks,
        (
            "jets of radius 0.4 where the network was trained on 0.8",
            "candidates as in nanoaod15, trained on pfnano",
            f"{soft} of {len(scored.nominal)} nominal test jets below the 600 GeV of its training",
        ),
        strict=True,
    ):
        assert remark == f"{path}, x: {clause}"
    write_views(views, all_views, domain=strange, force=True)
    with pytest.raises(InvalidDataError, match="takes tanh_d0, which the views do not have"):
        score_test_events(EvaluateConfig.model_validate({"views": views, "taggers": {"x": str(path)}}))


def test_events_of_a_training_are_refused(config: EvaluateConfig, tmp_path: Path) -> None:
    path = tmp_path / "tagger.safetensors"
    encoder = make_encoder(EdgeConvConfig(width=16, layers=1, k=6, hidden=(8,), dim=4))
    record = seen_record("fine-tuning", ["qcd"], SplitFractions(folds=3, fold=0))
    save_tagger(path, Tagger(encoder, Head(HeadConfig(), 4)), provenance={"seen_events": [record]})
    document = {"views": config.views, "taggers": {"x": str(path)}}
    with pytest.raises(
        InvalidDataError, match=r"was trained on (\d+) of the \d+ events that are evaluated here; set"
    ) as e:
        score_test_events(EvaluateConfig.model_validate(document))
    scored = score_test_events(EvaluateConfig.model_validate({**document, "allow_training_events": True}))
    nominal = scored.nominal
    qcd = scored.views.event[nominal][scored.views.sample[nominal] == scored.views.samples.index("qcd")]
    seen = int((event_hash("qcd", qcd) >= 1 / 3).sum())
    assert seen > 5
    assert f"trained on {seen} of the {len(nominal)} events" in str(e.value)
    assert scored.remarks == (f"{path}: trained on {seen} of the {len(nominal)} events that are evaluated here",)
    folds = {**document, "splits": {"folds": 3, "fold": 0}}
    assert score_test_events(EvaluateConfig.model_validate(folds)).remarks == ()


def test_a_folder_stands_for_the_weights_in_it(tmp_path: Path) -> None:
    assert checkpoint_path(str(tmp_path), "tagger") == str(tmp_path / "tagger.safetensors")
    assert checkpoint_path("default-hbb", "tagger") == "default-hbb"
