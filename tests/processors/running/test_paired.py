"""The covariance of templates that share their hard events."""

from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.processors.running.paired import PairTable, joint_weights


def _table(events: list[int], bins: list[int], weights: list[float] | None = None) -> PairTable:
    n = len(events)
    weight = np.ones(n) if weights is None else np.array(weights)
    return PairTable(
        ["score"],
        np.array(events, dtype=np.uint64),
        np.zeros(n, dtype=np.int8),
        weight,
        np.array(bins, dtype=np.int32).reshape(n, 1),
    )


def test_by_hand() -> None:
    nominal = _table([7, 1, 3], [0, 1, 1], [2.0, 1.0, 1.0])
    varied = _table([3, 7, 9], [2, 0, 0], [1.0, 3.0, 1.0])
    joint = joint_weights(nominal, varied, n_channels=1, n_bins=3)[0, 0]
    # Event 7 stays in bin 0 with 2 x 3, event 3 moves from bin 1 to bin 2; events 1 and 9 have no partner.
    assert joint.tolist() == [[6, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_chunks_in_any_order_give_the_same() -> None:
    nominal = _table([1, 2, 3, 4], [0, 1, 2, 0])
    parts = _table([4], [0]) + _table([1, 2], [0, 1]) + _table([3], [2])
    varied = _table([4, 3, 2], [0, 2, 2])
    assert len(parts) == len(nominal) == 4
    assert np.array_equal(
        joint_weights(nominal, varied, n_channels=1, n_bins=3),
        joint_weights(parts, varied, n_channels=1, n_bins=3),
    )


def test_it_predicts_the_spread_of_the_difference() -> None:
    """Toys: the variance of (varied - nominal) over many samples is what one sample predicts on average."""
    rng = np.random.default_rng(3)
    differences, predicted = [], []
    for _ in range(400):
        n = rng.poisson(200)
        first = rng.integers(2, size=n)
        second = np.where(rng.random(n) < 0.1, 1 - first, first)  # one event in ten changes its bin
        events = list(range(n))
        joint = joint_weights(_table(events, first.tolist()), _table(events, second.tolist()), n_channels=1, n_bins=2)
        joint = joint[0, 0]
        counts = np.bincount(first, minlength=2), np.bincount(second, minlength=2)
        differences.append(counts[1] - counts[0])
        covariance = np.diag(counts[0]) + np.diag(counts[1]) - joint - joint.T
        predicted.append(np.diag(covariance))
    measured = np.var(differences, axis=0)
    np.testing.assert_allclose(np.mean(predicted, axis=0), measured, rtol=0.25)
    assert measured.max() < 40  # two independent samples would give 200


def test_a_repeated_event_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="event 5 occurs twice"):
        joint_weights(_table([5, 6, 5], [0, 0, 0]), _table([5], [0]), n_channels=1, n_bins=1)
