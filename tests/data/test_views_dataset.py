"""A loop over the data set of torch sees what a training reads."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from rs3l_gnn.conventions import FEATURE_NAMES, ConfigError, InvalidDataError, Split, SplitFractions, TrainingError
from rs3l_gnn.data import EventBatches, PairReport, ViewDraw, Views, ViewsDataset, ViewsSource, events_on


@pytest.fixture(scope="module")
def path(paired: tuple[Path, PairReport]) -> Path:
    return paired[0]


def _as_training_reads(path: Path, epoch: int, n_views: int, *, anchored: bool) -> Iterator[tuple[int, Any]]:
    """Event and its drawn views, in the order of a training's batches."""
    with ViewsSource([path]) as source:
        draw = ViewDraw.of(source.index, n_views, None, anchored=anchored)
        events = events_on(source.index, Split.TRAIN, SplitFractions())
        batches = EventBatches(source, events, draw, batch_events=8, seed=3)
        for number in range(len(batches)):
            batch = batches.batch(epoch, number)
            for place, event in enumerate(batches.event_of(batch)):
                cuts = batch.offsets[place * n_views : (place + 1) * n_views + 1]
                yield int(event), (batch.features[cuts[0] : cuts[-1]], np.diff(cuts), batch.jets[place * n_views])


@pytest.mark.parametrize(("n_views", "anchored", "in_memory"), [(2, True, False), (3, False, True)])
def test_items_are_what_a_training_reads(path: Path, n_views: int, anchored: bool, in_memory: bool) -> None:
    dataset = ViewsDataset(path, n_views=n_views, anchored=anchored, seed=3, in_memory=in_memory)
    for epoch in (0, 5):
        dataset.set_epoch(epoch)
        place = {int(event): item for item, event in enumerate(dataset.events)}
        n = 0
        for event, (features, counts, jet) in _as_training_reads(path, epoch, n_views, anchored=anchored):
            item = dataset[place[event]]
            np.testing.assert_array_equal(item.x, features)
            np.testing.assert_array_equal(np.diff(item.offsets), counts)
            assert item.vartype[0] == dataset.index.vartype[jet]
            n += 1
        assert n == len(dataset) // 8 * 8
    assert sum(1 for _ in dataset) == len(dataset)
    assert dataset[-1].event.tolist() == dataset[len(dataset) - 1].event.tolist()
    with pytest.raises(IndexError, match="items are 0 to"):
        dataset[len(dataset)]


@pytest.mark.parametrize("workers", [0, 1])
def test_the_loader_of_torch_gives_whole_batches(path: Path, views: Views, workers: int) -> None:
    dataset = ViewsDataset([path], side=None, n_views=2)
    len(dataset)  # opened in this process before the workers start
    as_torch: Any = dataset  # which it need not inherit from
    context = "spawn" if workers else None
    collate = ViewsDataset.collate
    loader = DataLoader(as_torch, 7, num_workers=workers, collate_fn=collate, multiprocessing_context=context)
    batches = list(loader)
    assert sum(len(batch.offsets) - 1 for batch in batches) == 2 * views.n_events
    assert torch.cat([batch.event for batch in batches])[::2].tolist() == views.event[views.first[:-1]].tolist()
    x = torch.cat([batch.x[batch.offsets[i] : batch.offsets[i + 1]] for batch in batches for i in range(0, len(batch.offsets) - 1, 2)])  # fmt: skip  # noqa: E501 - the nominal views
    expected, _ = views.take(views.first[:-1])
    np.testing.assert_array_equal(x.numpy(), expected)
    labels = torch.cat([batch.jettype for batch in batches])
    assert labels[::2].tolist() == views.jettype[views.first[:-1]].tolist()


def test_the_loader_of_torch_geometric_takes_graphs(path: Path, views: Views) -> None:
    dataset = ViewsDataset(path, side=None, graphs=True)
    item = dataset[3]
    assert len(item) == 2
    from torch_geometric.loader import DataLoader as GraphLoader

    nominal, partner = next(iter(GraphLoader(dataset, batch_size=5)))
    expected, offsets = views.take(views.first[:5])
    np.testing.assert_array_equal(nominal.x.numpy(), expected)
    assert nominal.ptr.tolist() == offsets.tolist()
    assert nominal.y.tolist() == views.jettype[views.first[:5]].tolist()
    assert nominal.event.tolist() == partner.event.tolist()
    single = ViewsDataset(path, side=None, graphs=True, n_views=1)
    batch = next(iter(GraphLoader(single, batch_size=4)))
    assert batch.num_graphs == 4


def test_nothing_is_opened_before_it_is_needed_and_settings_travel(path: Path, tmp_path: Path) -> None:
    lazy = ViewsDataset(tmp_path / "absent.h5")
    assert pickle.loads(pickle.dumps(lazy)).paths == lazy.paths  # noqa: S301 - our own
    dataset = ViewsDataset(path, side="test", samples=["hbb"], seed=9, in_memory=True)
    dataset.set_epoch(2)
    first = dataset[0]
    again = pickle.loads(pickle.dumps(dataset))  # noqa: S301 - our own
    assert len(pickle.dumps(dataset)) < 5000
    np.testing.assert_array_equal(again[0].x, first.x)
    dataset.close()
    np.testing.assert_array_equal(dataset[0].x, first.x)
    assert set(again.index.sample[again.index.first[again.events]]) == {again.index.samples.index("hbb")}


def test_what_cannot_be_drawn_is_said(path: Path) -> None:
    with pytest.raises(TrainingError, match="none of .* events has 9 views"):
        len(ViewsDataset(path, n_views=9))
    with pytest.raises(ConfigError, match="no view is of sample 'ttbar'"):
        len(ViewsDataset(path, samples=["ttbar"]))


def test_some_features_in_another_order(path: Path) -> None:
    whole, some = ViewsDataset(path), ViewsDataset(path, features=["charge", "log_pt"])
    assert whole.feature_names == FEATURE_NAMES
    assert some.feature_names == ("charge", "log_pt")
    np.testing.assert_array_equal(some[4].x, whole[4].x[:, [6, 0]])
    assert ViewsDataset(path, features="nano", in_memory=True)[2].x.shape[1] == 13
    with pytest.raises(ConfigError, match="unknown feature 'speed'"):
        ViewsDataset(path, features="speed")
    with pytest.raises(InvalidDataError, match="the data set takes puppi_weight, which the views do not hold"):
        ViewsDataset(path, features=["puppi_weight"])[0]
