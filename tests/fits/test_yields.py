from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.fits.yields import Grouping, Relation, Yields, least_known

EDGES = np.linspace(0.0, 1.0, 7)
GROUPING = Grouping(np.array([0, 2, 3, 6]))


class Events:
    """Events with a weight and a place in nominal and in a variation, for sums event by event."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.before, self.after = rng.uniform(size=300), np.clip(rng.uniform(size=300), 0, 0.999)
        self.after[:200] = np.clip(self.before[:200] + rng.normal(0, 0.1, 200), 0, 0.999)
        self.nominal_weight, self.varied_weight = rng.uniform(0.5, 2.0, 300), rng.uniform(0.5, 2.0, 300)

    def difference(self, edges: NDArray[np.float64], rate: float = 1.0) -> NDArray[np.float64]:
        """What each event adds to varied / rate - nominal [n_events, n_bins]."""
        rows = np.zeros((300, len(edges) - 1))
        for event in range(300):
            rows[event, np.searchsorted(edges, self.after[event], "right") - 1] += self.varied_weight[event] / rate
            rows[event, np.searchsorted(edges, self.before[event], "right") - 1] -= self.nominal_weight[event]
        return rows

    def yields(self) -> tuple[Yields, Yields]:
        def filled(place: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.histogram(place, EDGES, weights=weight)[0]

        both = self.nominal_weight * self.varied_weight
        joint = np.histogram2d(self.before, self.after, [EDGES, EDGES], weights=both)[0]
        nominal = Yields(filled(self.before, self.nominal_weight), filled(self.before, self.nominal_weight**2))
        varied = filled(self.after, self.varied_weight), filled(self.after, self.varied_weight**2)
        return nominal, Yields(*varied, joint, "known")


@pytest.mark.parametrize("rate", [1.0, 1.3])
def test_difference_in_wider_bins_is_that_of_a_loop_over_events(rate: float) -> None:
    events = Events(1)
    nominal, varied = (content.grouped(GROUPING) for content in events.yields())
    found = varied.less(nominal, rate=rate)
    assert found is not None
    rows = events.difference(GROUPING.edges(EDGES), rate)
    np.testing.assert_allclose(found.values, rows.sum(axis=0))
    # The variance of a sum of independent events is the sum of their squares.
    np.testing.assert_allclose(found.covariance, rows.T @ rows, atol=1e-9)
    np.testing.assert_allclose(found.error, np.sqrt((rows**2).sum(axis=0)))


def test_sums_of_different_events_in_units_of_a_luminosity() -> None:
    first, second = Events(1), Events(2)
    pairs = [first.yields(), second.yields()]
    nominal, varied = (Yields.total((pair[side].scaled(3.0) for pair in pairs), 6) for side in (0, 1))
    found = varied.less(nominal)
    assert found is not None
    rows = 3 * np.concatenate([first.difference(EDGES), second.difference(EDGES)])
    np.testing.assert_allclose(found.covariance, rows.T @ rows, atol=1e-9)
    assert (nominal.relation, varied.relation) == ("unknown", "known")


def test_a_diagonal_and_a_full_covariance_add_up() -> None:
    ones = np.ones(2)
    total = Yields(ones, ones, 0.5 * ones, "known") + Yields(ones, ones, np.full((2, 2), 0.25), "known")
    assert total.covariance is not None
    assert total.covariance.tolist() == [[0.75, 0.25], [0.25, 0.75]]
    assert Yields.total([], 2).values.tolist() == [0.0, 0.0]


def test_without_variances_there_is_no_error() -> None:
    ones = np.ones(2)
    assert Yields(ones, None).less(Yields(ones, ones)) is None
    assert (Yields(ones, None) + Yields(ones, ones)).variances is None
    assert Yields(ones, None).grouped(Grouping(np.array([0, 2]))).values.tolist() == [2.0]


def test_bins_that_hold_no_number_are_left_out() -> None:
    nan = float("nan")
    broken = Yields(np.array([1.0, nan, 3.0]), np.ones(3), np.ones((3, 3)), "known")
    assert broken.finite.tolist() == [True, False, True]
    left = broken.only(broken.finite, np.array([False, True, True]))
    assert left.values.tolist() == [1.0, 0.0, 3.0]
    assert left.variances is not None
    assert left.covariance is not None
    assert left.variances.tolist() == [1.0, 0.0, 1.0]
    # Rows are nominal bins, columns varied ones.
    assert left.covariance.tolist() == [[0.0, 0.0, 0.0], [1.0, 0.0, 1.0], [1.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("relations", "wanted"),
    [((), "known"), (("known", "independent"), "independent"), (("independent", "unknown", "known"), "unknown")],
)
def test_least_known(relations: tuple[Relation, ...], wanted: Relation) -> None:
    assert least_known(relations) == wanted


def test_sums_are_kept() -> None:
    rng = np.random.default_rng(1)
    values = rng.uniform(size=(3, 10))
    grouping = Grouping(np.array([0, 3, 10]))
    np.testing.assert_allclose(grouping.add(values), np.stack([values[:, :3].sum(1), values[:, 3:].sum(1)], axis=1))
    # Bins outside the cuts are left out.
    np.testing.assert_allclose(Grouping(np.array([2, 5])).add(values)[:, 0], values[:, 2:5].sum(1))


def test_covariance_counts_events_that_moved_inside_a_group() -> None:
    # Three events: bin 0 -> 0, bin 0 -> 1, bin 2 -> 1, with unit weights.
    joint = np.array([[1.0, 1, 0], [0, 0, 0], [0, 1, 0]])
    for cuts, covariance, wanted in (
        ([0, 2, 3], joint, [[2, 0], [1, 0]]),
        ([0, 3], joint, [[3]]),
        ([0, 2, 3], np.diag(joint).copy(), [1, 0]),
    ):
        found = Yields(np.ones(3), np.ones(3), covariance).grouped(Grouping(np.array(cuts))).covariance
        np.testing.assert_array_equal(found, wanted)
