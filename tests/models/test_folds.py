"""Which networks are those of k folds, and which of them an event belongs to."""

from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.conventions import ConfigError, Split, SplitFractions, split_of
from rs3l_gnn.conventions.seen_events import seen_record
from rs3l_gnn.models.folds import by_fold, fold_of, order_of_folds, require_alike


def _left_out(fold: int, folds: int = 4) -> list[dict[str, object]]:
    return [
        seen_record("pre-training", ["other"], SplitFractions()),
        seen_record("fine-tuning", ["qcd"], _splits(fold, folds)),
    ]


def _splits(fold: int, folds: int) -> SplitFractions:
    return SplitFractions(folds=folds, fold=fold)


def test_the_fold_of_an_event_is_the_one_that_tests_it() -> None:
    events = np.arange(500)
    for fold in range(4):
        tested = split_of("qcd", events, _splits(fold, 4)) == Split.TEST
        np.testing.assert_array_equal(fold_of("qcd", events, 4) == fold, tested)


def test_the_order_is_that_of_the_folds() -> None:
    assert order_of_folds([(f"n{fold}", _left_out(fold)) for fold in (2, 0, 3, 1)]) == (1, 3, 0, 2)
    with pytest.raises(ConfigError, match="n0 and n1 both leave fold 2 out"):
        order_of_folds([(f"n{place}", _left_out(2)) for place in range(4)])
    with pytest.raises(ConfigError, match="n0 was not trained on 3 folds"):
        order_of_folds([(f"n{fold}", _left_out(fold)) for fold in range(3)])


def test_networks_of_another_kind() -> None:
    require_alike([("a", ("x",), ("f",)), ("b", ["x"], ["f"])])
    with pytest.raises(ConfigError, match="b has other classes or inputs than a"):
        require_alike([("a", ("x",), ("f",)), ("b", ("x",), ("f", "g"))])


def test_each_event_hears_the_network_of_its_own_fold() -> None:
    """Also where a fold is empty; rows may have several numbers."""
    fold = np.array([2, 0, 2, 3, 0])
    found = by_fold(fold, 4, lambda number, places: np.stack([np.full(len(places), number), places * 10], axis=1))
    assert found.tolist() == [[2, 0], [0, 10], [2, 20], [3, 30], [0, 40]]
    assert by_fold(fold[:0], 4, lambda _, places: places > 0).dtype == bool
