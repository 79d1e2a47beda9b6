"""Batches: reproducible, pairs of one event, fresh partners, the same from memory and from disk."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, TrainingError, UnknownVariationError
from rs3l_gnn.data import EventBatches, PairReport, ViewDraw, Views, ViewsSource, draw_views, write_views

PAIRS = ViewDraw(2, anchored=True, weights={"seed": 1.0, "fsrRenHi": 1.0, "fsrRenLo": 1.0})


@pytest.fixture
def source(paired: tuple[Path, PairReport]) -> ViewsSource:
    return ViewsSource([paired[0]])


def batches(source: ViewsSource, **options: Any) -> EventBatches:
    settings: dict[str, Any] = {"batch_events": 10, "seed": 3, **options}
    return EventBatches(source, np.arange(source.index.n_events), settings.pop("draw", PAIRS), **settings)


def test_a_batch_holds_pairs_of_one_event_with_nominal_first(source: ViewsSource) -> None:
    index = source.index
    made = batches(source)
    for number in range(len(made)):
        batch = made.batch(0, number)
        pairs = batch.jets.reshape(-1, 2)
        assert (index.vartype[pairs[:, 0]] == -1).all()
        assert (index.vartype[pairs[:, 1]] != -1).all()
        assert (index.event_of_jet[pairs[:, 0]] == index.event_of_jet[pairs[:, 1]]).all()


def test_a_batch_holds_the_particles_of_its_jets(source: ViewsSource, views: Views) -> None:
    batch = batches(source).batch(2, 1)
    for row, jet in enumerate(batch.jets):
        np.testing.assert_array_equal(
            batch.features[batch.offsets[row] : batch.offsets[row + 1]],
            views.features[views.offsets[jet] : views.offsets[jet + 1]],
        )


def test_an_epoch_shows_each_event_at_most_once(source: ViewsSource) -> None:
    made = batches(source)
    seen = np.concatenate([made.jets(0, i)[:, 0] for i in range(len(made))])
    assert len(seen) == len(set(seen)) == len(made) * 10
    assert made.n_jets == 2 * len(seen)


def test_partners_and_order_are_fresh_at_each_epoch_and_repeat_with_the_seed(source: ViewsSource) -> None:
    made = batches(source)
    first, second = (np.concatenate([made.jets(e, i) for i in range(len(made))]) for e in (0, 1))
    assert (first[:, 0] != second[:, 0]).any()
    partner = dict(first.tolist())
    assert any(partner.get(a, b) != b for a, b in second.tolist())
    again = np.concatenate([batches(source).jets(1, i) for i in range(len(made))])
    np.testing.assert_array_equal(again, second)
    other = np.concatenate([batches(source, seed=4).jets(1, i) for i in range(len(made))])
    assert (other != second).any()


def test_batches_do_not_depend_on_the_order_of_asking(source: ViewsSource) -> None:
    asked = batches(source)
    asked.batch(5, 3)
    np.testing.assert_array_equal(asked.batch(1, 2).features, batches(source).batch(1, 2).features)


def test_without_shuffling_all_epochs_are_alike_and_complete(source: ViewsSource) -> None:
    made = batches(source, shuffle=False)
    np.testing.assert_array_equal(made.jets(0, 1), made.jets(7, 1))
    seen = np.concatenate([made.jets(0, i)[:, 0] for i in range(len(made))])
    assert len(seen) == source.index.n_events
    assert made.n_jets == 2 * len(seen)
    # Every whole batch is a mixture of the samples, which lie one after the other in the file.
    for number in range(len(made) - 1):
        assert len(np.unique(source.index.sample[made.jets(0, number)[:, 0]])) == 2


def test_a_small_buffer_mixes_blocks_and_reads_the_same_particles(source: ViewsSource, views: Views) -> None:
    made = batches(source, buffer_events=30, block_events=8)
    seen = []
    for number in range(len(made)):
        batch = made.batch(1, number)
        seen.append(batch.jets[::2])
        expected, offsets = views.take(batch.jets)
        np.testing.assert_array_equal(batch.features, expected)
        np.testing.assert_array_equal(batch.offsets, offsets)
    events = source.index.event_of_jet[np.concatenate(seen)]
    assert len(events) == len(set(events))
    assert np.abs(np.diff(events)).mean() > 10  # neighbours in the file are not neighbours in training


def test_a_training_starts_on_a_small_buffer(source: ViewsSource, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    honest = source.read_jets

    def noting(jets: NDArray[np.int64], **options: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        read.append(len(jets))
        return honest(jets, **options)

    monkeypatch.setattr(source, "read_jets", noting)
    made = batches(source, batch_events=2, buffer_events=32)
    made.batch(0, 0)
    assert read == [2 * 2]
    for number in range(len(made)):
        made.batch(0, number)
    # A sixteenth, an eighth, ... and then whole buffers of pairs; nothing is read twice.
    assert read[:6] == [4, 8, 16, 32, 64, 64]
    assert sum(read) == 2 * len(made.events)
    assert max(read) == 64


def test_partners_follow_their_weights(source: ViewsSource) -> None:
    draw = ViewDraw(2, weights={"seed": 3.0, "fsrRenHi": 1.0})
    events = np.arange(source.index.n_events)
    rng = np.random.default_rng(1)
    drawn = np.concatenate([draw_views(source.index, events, draw, rng)[:, 1] for _ in range(40)])
    counts = {kind: int((source.index.vartype[drawn] == kind).sum()) for kind in (0, 1, 2)}
    assert counts[2] == 0
    assert counts[0] / len(drawn) == pytest.approx(0.75, abs=0.02)  # 4,500 draws: sigma 0.0065


def test_more_views_without_an_anchor_are_all_different(source: ViewsSource) -> None:
    draw = ViewDraw(3, anchored=False, weights={"nominal": 1.0, "seed": 1.0, "fsrRenHi": 1.0, "fsrRenLo": 1.0})
    drawn = draw_views(source.index, np.arange(source.index.n_events), draw, np.random.default_rng(1))
    assert all(len(set(row)) == 3 for row in drawn.tolist())
    first = source.index.vartype[drawn[:, 0]]
    assert set(first) == {-1, 0, 1, 2}


def test_events_without_partner_are_left_out_and_counted(views: Views, tmp_path: Path) -> None:
    keep = (views.vartype == -1) | (views.event % 2 == 0)
    write_views(tmp_path / "a.h5", views.select_jets(keep))
    source = ViewsSource([tmp_path / "a.h5"])
    made = batches(source)
    assert made.n_short == int((views.event[views.is_nominal()] % 2).sum())
    assert len(made.events) + made.n_short == views.n_events


def test_fewer_events_are_a_part_of_more(source: ViewsSource) -> None:
    some = {size: set(batches(source, max_events=size).events.tolist()) for size in (10, 25, 60, 10_000)}
    assert [len(events) for events in some.values()] == [10, 25, 60, source.index.n_events]
    assert some[10] < some[25] < some[60] < some[10_000]
    assert set(batches(source, max_events=25, seed=4).events.tolist()) != some[25]
    # An event comes in whatever else is there: of the even events, those among the first 60 come first.
    even = EventBatches(source, np.arange(0, source.index.n_events, 2), PAIRS, batch_events=5, seed=3, max_events=15)
    in_both = {event for event in some[60] if event % 2 == 0}
    assert len(in_both) >= 15
    assert set(even.events.tolist()) <= in_both


def test_useless_requests_are_refused(source: ViewsSource) -> None:
    with pytest.raises(TrainingError, match="do not fill one batch of 1000"):
        batches(source, batch_events=1000)
    with pytest.raises(UnknownVariationError, match="'altHad' does not occur"):
        batches(source, draw=ViewDraw(weights={"altHad": 1.0}))
    with pytest.raises(ConfigError, match="must be >= 0; got -1"):
        batches(source, draw=ViewDraw(weights={"seed": -1.0}))
    with pytest.raises(ConfigError, match="no variation has a positive weight"):
        batches(source, draw=ViewDraw(anchored=False, weights={"seed": 0.0}))


def test_a_variation_of_weight_zero_need_not_occur(source: ViewsSource) -> None:
    with_zero = batches(source, draw=ViewDraw(weights={"seed": 1.0, "altHad": 0.0}))
    without = batches(source, draw=ViewDraw(weights={"seed": 1.0}))
    assert np.array_equal(with_zero.batch(0, 0).jets, without.batch(0, 0).jets)
