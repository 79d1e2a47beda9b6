"""No more jets of a label than wanted."""

from __future__ import annotations

import numpy as np

from rs3l_gnn.conventions import SplitFractions, split_of
from rs3l_gnn.data.event_pairing.caps import within_caps


def test_caps_choose_events_and_not_places() -> None:
    rng = np.random.default_rng(1)
    number, label = rng.permutation(5000), rng.integers(0, 3, 5000)
    jets = np.flatnonzero(rng.random(5000) < 0.8)
    kept = within_caps({1: 400, 2: 10**6}, "tt", number, label, jets)
    counts = np.bincount(label[kept])
    assert counts.tolist() == [(label[jets] == 0).sum(), 400, (label[jets] == 2).sum()]
    assert (np.diff(kept) > 0).all()
    order = rng.permutation(5000)
    again = within_caps({1: 400}, "tt", number[order], label[order], np.flatnonzero(np.isin(order, jets)))
    assert set(number[order][again]) == set(number[kept])
    # Each side of the split has its share.
    sides = np.bincount(split_of("tt", number[kept][label[kept] == 1], SplitFractions()), minlength=3) / 400
    np.testing.assert_allclose(sides, [0.6, 0.1, 0.3], atol=0.08)


def test_without_caps_all_stay() -> None:
    jets = np.array([1, 4])
    assert within_caps({}, "tt", np.arange(5), np.zeros(5, int), jets).tolist() == [1, 4]
    assert within_caps({0: 1}, "tt", np.arange(5), np.zeros(5, int), jets[:0]).tolist() == []
