"""Views of one event in several files."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import (
    InputFileError,
    InvalidDataError,
    Split,
    SplitFractions,
    UnknownVariationError,
    get_variation,
)
from rs3l_gnn.data import Views, ViewsSource, write_views
from rs3l_gnn.evaluation import EvaluateConfig
from rs3l_gnn.evaluation.joining import JoinedEvents, join_events
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.scoring import score_test_events
from rs3l_gnn.models import load_tagger

VINCIA = get_variation("vincia")
FSR, SEED = 1, 0


@pytest.fixture(scope="module")
def other(all_views: Views) -> Views:
    """Every third event with its nominal view, its ``seed`` view, and one by Vincia (that of fsrRenHi, renamed)."""
    third = all_views.select_events(np.arange(all_views.n_events) % 3 == 0)
    kept = third.select_jets(np.isin(third.vartype, (-1, SEED, FSR)))
    vartype = np.where(kept.vartype == FSR, VINCIA.vartype, kept.vartype).astype(np.int16)
    variations = (*(v for v in kept.variations if v.vartype in (-1, SEED)), VINCIA)
    return dataclasses.replace(kept, vartype=vartype, variations=variations)


def joined(tmp_path: Path, *parts: Views) -> JoinedEvents:
    paths = [tmp_path / f"{number}.h5" for number in range(len(parts))]
    for path, views in zip(paths, parts, strict=True):
        write_views(path, views, force=True)
    with ViewsSource(paths) as source:
        return join_events(source, SplitFractions())


def test_views_of_one_event_come_together(tmp_path: Path, all_views: Views, other: Views) -> None:
    alone, both = joined(tmp_path, all_views), joined(tmp_path, all_views, other)
    tests = other.split(SplitFractions())[other.first[:-1]] == Split.TEST
    assert both.joined == tests.sum() > 3
    assert both.repeated == tests.sum()  # the views called seed
    assert both.same_number == 0
    assert both.views.n_events == alone.views.n_events
    assert both.views.n_jets == alone.views.n_jets + tests.sum()
    for event in range(both.views.n_events):
        jets = slice(both.views.first[event], both.views.first[event + 1])
        vartypes = both.views.vartype[jets].tolist()
        assert vartypes == sorted(set(vartypes))
        assert vartypes[0] == -1
        assert len(set(both.views.event[jets])) == 1
    # Vincia's jets are those of the second file, all others those of the first.
    vincia = both.views.vartype == VINCIA.vartype
    assert (both.source_jet[vincia] >= all_views.n_jets).all()
    assert (both.source_jet[~vincia] < all_views.n_jets).all()


def test_choices_can_be_made_on_the_validation_side(tmp_path: Path, all_views: Views) -> None:
    write_views(tmp_path / "views.h5", all_views)
    with ViewsSource([tmp_path / "views.h5"]) as source:
        test, validation = (join_events(source, SplitFractions(), side) for side in (Split.TEST, Split.VALIDATION))
    assert (validation.views.split(SplitFractions()) == Split.VALIDATION).all()
    assert (
        validation.views.n_events == (all_views.split(SplitFractions())[all_views.first[:-1]] == Split.VALIDATION).sum()
    )
    assert not set(validation.source_events) & set(test.source_events)


def test_events_of_the_second_file_alone_stay(tmp_path: Path, all_views: Views, other: Views) -> None:
    first = all_views.select_events(np.arange(all_views.n_events) % 3 != 0)
    both = joined(tmp_path, first, other)
    assert both.joined == both.repeated == 0
    assert both.views.n_events == joined(tmp_path, all_views).views.n_events


def test_the_same_number_of_another_run_is_another_event(tmp_path: Path, all_views: Views, other: Views) -> None:
    moved = dataclasses.replace(other, pt=np.nextafter(other.pt, np.float32(1e4)))
    both = joined(tmp_path, all_views, moved)
    tests = (other.split(SplitFractions())[other.first[:-1]] == Split.TEST).sum()
    assert (both.joined, both.repeated, both.same_number) == (0, 0, tests)
    assert both.views.n_events == joined(tmp_path, all_views).views.n_events + tests


def test_joined_views_have_the_scores_of_their_own_particles(
    tmp_path: Path, all_views: Views, other: Views, taggers: dict[str, str]
) -> None:
    paths = (tmp_path / "a.h5", tmp_path / "b.h5")
    for path, views in zip(paths, (all_views, other), strict=True):
        write_views(path, views)
    config = EvaluateConfig(views=paths, taggers={"one": taggers["one"]}, bootstrap=2)
    scored = score_test_events(config)
    scores = scored.scores[taggers["one"]].views
    assert scores is not None
    tagger = load_tagger(taggers["one"])
    with ViewsSource(paths) as source:
        index = source.index
        everything = source.read(0, index.n_events)
    expected = tagger.score(everything.features, everything.offsets)[scored.events.source_jet]
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    # In this file Vincia's jets are those of fsrRenHi, so that both are as far from nominal in the same events.
    meter = Meter(config, scored)
    event, varied = scored.pairs(config.signal, VINCIA.vartype)
    same_event, same = scored.pairs(config.signal, FSR)
    assert 0 < len(event) < len(same_event)
    chosen = np.isin(same_event, event)
    np.testing.assert_array_equal(scores[varied], scores[same[chosen]])
    assert [v.name for v in meter.variations] == ["seed", "fsrRenHi", "fsrRenLo", "vincia"]
    assert meter.n_pairs(config.signal, VINCIA) == len(event)
    with pytest.raises(UnknownVariationError, match="'herwig' does not occur"):
        _ = Meter(config.model_copy(update={"variations": ("herwig",)}), scored).variations


def test_mistakes_are_named(tmp_path: Path, all_views: Views) -> None:
    train = all_views.select_jets(all_views.split(SplitFractions()) == Split.TRAIN)
    with pytest.raises(InputFileError, match=f"none of the {train.n_events} events is on the test side"):
        joined(tmp_path, train)
    with pytest.raises(InvalidDataError, match="has no nominal view"):
        joined(tmp_path, all_views.select_jets(~all_views.is_nominal()))
