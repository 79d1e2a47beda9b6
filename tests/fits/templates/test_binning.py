from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.config.blocks import RebinConfig
from rs3l_gnn.fits.templates.binning import BinningInput, derive_grouping
from rs3l_gnn.fits.yields import Yields


def content(**changes: Any) -> BinningInput:
    values: dict[str, Any] = {
        "edges": np.linspace(0, 1, 11),
        "signal": np.arange(10.0),
        # 20 effective entries a bin.
        "background": Yields(np.full(10, 20.0), np.full(10, 20.0)),
        "non_negative": np.empty((0, 10)),
        "positive": np.empty((0, 10)),
    }
    return BinningInput(**(values | changes))


def cuts(given: BinningInput, **rebin: Any) -> list[int]:
    return [int(cut) for cut in derive_grouping(given, RebinConfig(**rebin), channel="sr").cuts]


def test_untouched_without_wishes() -> None:
    assert cuts(content()) == list(range(11))


def test_by_edges() -> None:
    assert cuts(content(), edges=(0.2, 0.5, 1.0)) == [2, 5, 10]
    with pytest.raises(FitError, match=r"0\.55 is not an edge.*near it 0\.4, 0\.5, 0\.6"):
        cuts(content(), edges=(0.0, 0.55, 1.0))


def test_by_edges_that_crowd_at_the_ends() -> None:
    edges = np.concatenate([[0.0], 1 / (1 + np.exp(-np.linspace(-9, 9, 9))), [1.0]])
    assert cuts(content(edges=edges), edges=(0.0, float(edges[9]), 1.0)) == [0, 9, 10]


def test_by_signal_efficiency() -> None:
    # Signal 0..9: 9 of 45 lies above 0.9, 9 + 8 above 0.8, 9 + 8 + 7 + 6 above 0.6.
    assert cuts(content(), signal_efficiency=(17 / 45, 0.2)) == [0, 8, 9, 10]
    assert cuts(content(), signal_efficiency=(0.66,), keep_rest=False) == [6, 10]
    with pytest.raises(FitError, match=r"too wide for a signal efficiency of 0\.205.*taken by another"):
        cuts(content(), signal_efficiency=(0.2, 0.205))
    with pytest.raises(FitError, match="has no signal"):
        cuts(content(signal=np.zeros(10)), signal_efficiency=(0.5,))


def test_an_efficiency_that_no_edge_has_is_refused() -> None:
    # The nearest to 60 % are 30 of 45 above 0.6 and 24 of 45 above 0.7.
    with pytest.raises(FitError, match=r"of 0\.6; got 0\.667 .*within 0\.01 of 0\.778, 0\.667, 0\.533"):
        cuts(content(), signal_efficiency=(0.6,))
    assert cuts(content(), signal_efficiency=(0.6,), efficiency_tolerance=0.07) == [0, 6, 10]
    # One point is allowed: 0.525 lies 0.8 points from 24 / 45.
    assert cuts(content(), signal_efficiency=(0.525,)) == [0, 7, 10]
    # Of wide bins, half of the signal in the last: 0.817 for 0.6 was taken before.
    wide = content(signal=np.array([0.0, 18.3, 0, 0, 0, 0, 0, 0, 0, 81.7]))
    with pytest.raises(FitError, match=r"got 0\.817 at the nearest edge"):
        cuts(wide, signal_efficiency=(0.6,))


def test_by_minimum_entries_from_the_signal_end() -> None:
    # 20 entries a bin: 50 need three bins; one bin is left over at the lower end and joins its neighbour.
    assert cuts(content(), min_entries=50) == [0, 4, 7, 10]
    assert cuts(content(), min_entries=20) == list(range(11))
    with pytest.raises(FitError, match=r"even as one bin.*got 200\.0 effective"):
        cuts(content(), min_entries=201)


def test_relative_error_is_one_over_the_root_of_the_entries() -> None:
    # 10 % need 100 entries: five bins.
    assert cuts(content(), max_relative_error=0.1) == [0, 5, 10]


def test_edges_first_then_statistics() -> None:
    assert cuts(content(), edges=(0.0, 0.4, 0.8, 0.9, 1.0), min_entries=30) == [0, 4, 8, 10]


def test_negative_and_empty_bins_merge_with_their_neighbours() -> None:
    template = np.array([1.0, 1, 1, -3, 5, 1, 1, 1, -1, 2])
    grouping = derive_grouping(content(non_negative=template[None]), RebinConfig(), channel="sr")
    # From the right: {9} alone, {8} needs 7, {6}, {5}, {4}, and {3} needs all that is left.
    assert grouping.cuts.tolist() == [0, 4, 5, 6, 7, 9, 10]
    assert grouping.add(template).tolist() == [0, 5, 1, 1, 0, 2]
    total = np.array([1.0, 0, 0, 2, 0, 3, 1, 1, 1, 0])
    grouping = derive_grouping(content(positive=total[None]), RebinConfig(), channel="sr")
    assert (grouping.add(total) > 0).all()
