"""Which events and views a training sees: sides, samples and weights by loops, shares by counting."""

from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.conventions import (
    NOMINAL,
    ConfigError,
    Split,
    SplitFractions,
    UnknownVariationError,
    get_variation,
    split_of,
)
from rs3l_gnn.data import ViewDraw, Views, draw_views
from rs3l_gnn.data.view_draw import choose_events, draw_rng, events_on

NUMBERS = {name: get_variation(name).vartype for name in ("nominal", "seed", "fsrRenHi", "fsrRenLo")}


def _vartypes(views: Views, event: int) -> list[int]:
    return [int(number) for number in views.vartype[views.first[event] : views.first[event + 1]]]


def test_events_of_a_side_and_of_samples(views: Views) -> None:
    splits = SplitFractions()
    sides = {side: events_on(views, side, splits) for side in Split}
    assert sorted(np.concatenate(list(sides.values())).tolist()) == list(range(views.n_events))
    for side, events in sides.items():
        for event in events:
            jet = views.first[event]
            name, number = views.samples[views.sample[jet]], views.event[jet : jet + 1]
            assert split_of(name, number, splits)[0] == side
    (qcd,) = (i for i, name in enumerate(views.samples) if name == "qcd")
    expected = [event for event in range(views.n_events) if views.sample[views.first[event]] == qcd]
    assert events_on(views, None, splits, ["qcd"]).tolist() == expected
    assert len(expected) < views.n_events
    with pytest.raises(ConfigError, match="no view is of sample 'tt'"):
        events_on(views, None, splits, ["tt"])


def test_all_variations_are_partners_if_no_weights_are_given(views: Views) -> None:
    others = {name: 1.0 for name in NUMBERS if name != "nominal"}
    assert ViewDraw.of(views, 2, None, anchored=True).weights == others
    assert ViewDraw.of(views, 2, None, anchored=False).weights == {**others, "nominal": 1.0}
    assert ViewDraw.of(views, 3, {"seed": 2.0}, anchored=True) == ViewDraw(3, anchored=True, weights={"seed": 2.0})


def test_weights_of_jets(views: Views) -> None:
    draw = ViewDraw(2, anchored=True, weights={"seed": 1.0, "fsrRenHi": 3.0, "absent": 0.0})
    expected = {NUMBERS["nominal"]: np.inf, NUMBERS["seed"]: 1.0, NUMBERS["fsrRenHi"]: 3.0, NUMBERS["fsrRenLo"]: 0.0}
    assert draw.jet_weights(views).tolist() == [expected[number] for number in views.vartype.tolist()]
    with pytest.raises(ConfigError, match="weight of variation 'seed' must be >= 0; got -1"):
        ViewDraw(weights={"seed": -1.0}).jet_weights(views)
    with pytest.raises(ConfigError, match="weight of variation 'seed' must be >= 0; got nan"):
        ViewDraw(weights={"seed": float("nan")}).jet_weights(views)
    with pytest.raises(ConfigError, match="no variation has a positive weight"):
        ViewDraw(anchored=False, weights={"seed": 0.0}).jet_weights(views)
    with pytest.raises(UnknownVariationError, match="herwig"):
        ViewDraw(weights={"herwig": 1.0}).jet_weights(views)


@pytest.mark.parametrize("anchored", [True, False])
@pytest.mark.parametrize("n_views", [2, 3, 4])
def test_events_with_enough_views(views: Views, n_views: int, anchored: bool) -> None:
    draw = ViewDraw(n_views, anchored=anchored, weights={"seed": 1.0, "fsrRenHi": 1.0})
    usable = {NUMBERS["seed"], NUMBERS["fsrRenHi"]} | ({NOMINAL.vartype} if anchored else set())
    expected = []
    for event in range(views.n_events):
        there = _vartypes(views, event)
        expected.append(len(usable & set(there)) >= n_views and (not anchored or there[0] == NOMINAL.vartype))
    assert draw.has_enough(views, np.arange(views.n_events)).tolist() == expected


def test_views_of_an_event_are_its_own_and_different(views: Views) -> None:
    draw = ViewDraw.of(views, 3, None, anchored=True)
    events = np.flatnonzero(draw.has_enough(views, np.arange(views.n_events)))[::-1]
    for row, event in zip(draw_views(views, events, draw, draw_rng(1, 0)), events, strict=True):
        assert views.vartype[row[0]] == NOMINAL.vartype
        assert len(set(row.tolist())) == 3
        assert all(views.first[event] <= jet < views.first[event + 1] for jet in row)


def test_partners_are_drawn_by_their_weights(views: Views) -> None:
    """One partner of three: by chance w / sum of w. 5 standard deviations of the binomial are allowed."""
    weights = {"seed": 1.0, "fsrRenHi": 2.0, "fsrRenLo": 5.0}
    draw = ViewDraw(2, anchored=True, weights=weights)
    whole = np.array([event for event in range(views.n_events) if len(_vartypes(views, event)) == 4])
    drawn = np.concatenate([draw_views(views, whole, draw, draw_rng(7, epoch))[:, 1] for epoch in range(60)])
    for name, weight in weights.items():
        share = np.mean(views.vartype[drawn] == NUMBERS[name])
        chance = weight / 8
        assert abs(share - chance) < 5 * np.sqrt(chance * (1 - chance) / len(drawn))


def test_what_is_drawn_of_an_event_does_not_depend_on_the_others(views: Views) -> None:
    draw = ViewDraw.of(views, 2, None, anchored=True)
    events = np.flatnonzero(draw.has_enough(views, np.arange(views.n_events)))
    whole = draw_views(views, events, draw, draw_rng(1, 2))
    np.testing.assert_array_equal(draw_views(views, events[::3], draw, draw_rng(1, 2)), whole[::3])
    assert (draw_views(views, events, draw, draw_rng(1, 3)) != whole).any()


def test_a_smaller_choice_is_a_part_of_a_larger_one() -> None:
    events = np.arange(0, 1000, 3)
    chosen = {size: choose_events(events, size, 1000, seed=5) for size in (10, 50, 200)}
    for size, found in chosen.items():
        assert len(found) == size
        assert set(found) <= set(events)
        assert (np.diff(found) > 0).all()
    assert set(chosen[10]) < set(chosen[50]) < set(chosen[200])
    assert set(choose_events(events, 50, 1000, seed=6)) != set(chosen[50])
    for enough in (None, len(events), 5000):
        np.testing.assert_array_equal(choose_events(events, enough, 1000, seed=5), events)
