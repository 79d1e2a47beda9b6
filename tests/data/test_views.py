"""Views in memory: selections keep jets, particles and events together."""

import dataclasses

import numpy as np
import pytest

from rs3l_gnn.conventions import VARIATIONS, InvalidDataError, SplitFractions, UnknownVariationError, split_of
from rs3l_gnn.data import Views, concatenate_views, gather_jets


def test_gather_against_a_loop() -> None:
    rng = np.random.default_rng(1)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 5, size=20))])
    features = rng.normal(size=(offsets[-1], 3)).astype(np.float32)
    jets = rng.integers(0, 20, size=50)
    got, got_offsets = gather_jets(features, offsets, jets)
    rows = [features[offsets[jet] : offsets[jet + 1]] for jet in jets]
    np.testing.assert_array_equal(got, np.concatenate(rows))
    assert got_offsets.tolist() == [0, *np.cumsum([len(row) for row in rows])]


def test_gathering_nothing_keeps_the_types() -> None:
    features, offsets = gather_jets(np.ones((3, 2), np.float32), np.array([0, 3]), np.array([], dtype=np.int64))
    assert features.shape == (0, 2)
    assert features.dtype == np.float32
    assert offsets.tolist() == [0]


def test_selected_jets_are_the_same_jets(views: Views) -> None:
    keep = np.random.default_rng(2).random(views.n_jets) < 0.4
    some = views.select_jets(keep)
    assert some.n_jets == keep.sum()
    np.testing.assert_array_equal(some.pt, views.pt[keep])
    for new, old in enumerate(np.flatnonzero(keep)):
        np.testing.assert_array_equal(
            some.features[some.offsets[new] : some.offsets[new + 1]],
            views.features[views.offsets[old] : views.offsets[old + 1]],
        )
    assert some.n_events == len({(s, e) for s, e in zip(some.sample, some.event, strict=True)})
    for event in range(some.n_events):
        assert len(np.unique(some.event[some.first[event] : some.first[event + 1]])) == 1


def test_selected_events_keep_all_their_views(views: Views) -> None:
    keep = np.arange(views.n_events) % 3 == 0
    some = views.select_events(keep)
    assert some.n_events == keep.sum()
    assert np.diff(some.first).tolist() == np.diff(views.first)[keep].tolist()


def test_all_views_of_an_event_fall_on_one_side(views: Views) -> None:
    fractions = SplitFractions()
    sides = views.split(fractions)
    for event in range(views.n_events):
        assert len(set(sides[views.first[event] : views.first[event + 1]])) == 1
    jet = 17
    name = views.samples[views.sample[jet]]
    assert sides[jet] == split_of(name, [views.event[jet]], fractions)[0]
    assert set(sides) == {0, 1, 2}


def test_joining_renumbers_the_samples(views: Views) -> None:
    both = concatenate_views([views, dataclasses.replace(views, samples=("other", views.samples[1]))])
    assert both.samples == (*views.samples, "other")
    assert both.n_events == 2 * views.n_events
    second = both.sample[views.n_jets :]
    np.testing.assert_array_equal(second == 2, views.sample == 0)
    np.testing.assert_array_equal(second == 1, views.sample == 1)
    np.testing.assert_array_equal(np.diff(both.first), np.tile(np.diff(views.first), 2))


def test_joining_refuses_two_meanings_of_one_number(views: Views) -> None:
    other = tuple(dataclasses.replace(v, factor=9.0) if v.name == "fsrRenHi" else v for v in views.variations)
    with pytest.raises(InvalidDataError, match="vartype 1 means different"):
        concatenate_views([views, dataclasses.replace(views, variations=other)])
    with pytest.raises(InvalidDataError, match="no views"):
        concatenate_views([])


def test_variations_are_looked_up_in_the_file(views: Views) -> None:
    assert views.vartype_of("fsrRenLo") == VARIATIONS["fsrRenLo"].vartype
    with pytest.raises(UnknownVariationError, match="allowed: nominal, seed, fsrRenHi, fsrRenLo"):
        views.vartype_of("altHad")


def test_wrong_shapes_are_refused(views: Views) -> None:
    with pytest.raises(InvalidDataError, match="column 'pt'"):
        dataclasses.replace(views, pt=views.pt[:-1])
    with pytest.raises(InvalidDataError, match=r"\[n_particles, 15\]"):
        dataclasses.replace(views, features=views.features[:, :3])
    with pytest.raises(InvalidDataError, match="offsets must run"):
        dataclasses.replace(views, first=views.first[:-1])
