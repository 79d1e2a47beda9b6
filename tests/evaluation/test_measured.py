"""Errors of repeated trainings, in cases with known answers."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm, t, ttest_ind

from rs3l_gnn.evaluation.measured import Measured, below, compare, fieller, normal_scores, ratio
from rs3l_gnn.evaluation.results import Ratio

B = 400


def noise(seed: int) -> NDArray[np.float64]:
    return normal_scores(B, np.random.default_rng(seed))


def made(values: list[float], event_error: float, seed: int, *, events: NDArray[np.float64] | None = None) -> Measured:
    """Trainings whose replicas all move with the same events."""
    moves = event_error * (noise(99) if events is None else events)
    numbers = np.array(values)
    return Measured(numbers, numbers[:, None] + moves[None, :], noise(seed))


def test_errors_add_in_quadrature() -> None:
    measured = made([1.0, 2.0, 3.0], 0.5, 1)
    assert measured.value == 2
    assert measured.spread == pytest.approx(1)
    assert measured.error_events == pytest.approx(0.5)
    assert measured.error_trainings == pytest.approx(1 / np.sqrt(3))
    assert measured.error == pytest.approx(np.sqrt(0.25 + 1 / 3))
    assert measured.drawn.std(ddof=1) == pytest.approx(measured.error, rel=0.1)
    found = measured.estimate()
    assert found.trainings == (1, 2, 3)
    assert found.value == 2
    assert found.spread == pytest.approx(1)
    assert found.error == pytest.approx(np.hypot(0.5, 1 / np.sqrt(3)))


def test_a_single_training_has_no_spread_and_the_baseline_none_by_nature() -> None:
    single = made([2.0], 0.5, 1)
    assert single.spread is None
    assert single.error_trainings is None
    assert single.error == pytest.approx(0.5)
    baseline = Measured(single.values, single.replicas, single.noise, trained=False)
    assert baseline.spread == baseline.error_trainings == 0


def test_replicas_without_a_value_are_left_out_as_long_as_they_are_few() -> None:
    few, many = (made([1.0], 0.5, 1) for _ in range(2))
    few.replicas[0, :40] = np.nan
    many.replicas[0, :100] = np.nan
    assert few.error_events == pytest.approx(0.5, rel=0.1)
    assert many.estimate().error is None


def test_inverse_numbers() -> None:
    measured = made([0.01, 0.02, 0.03], 0.002, 1)
    found = measured.inverse()
    assert found.value == pytest.approx(50)
    assert found.trainings == pytest.approx([100, 50, 100 / 3])
    error = np.hypot(0.002, 0.01 / np.sqrt(3))
    assert found.error == pytest.approx(error / 0.02**2)
    z = norm.ppf(0.84)
    assert found.interval == pytest.approx([1 / (0.02 + z * error), 1 / (0.02 - z * error)], rel=0.05)
    assert found.interval_events == pytest.approx([1 / (0.02 + z * 0.002), 1 / (0.02 - z * 0.002)], rel=0.02)
    nothing = made([0.0], 0.0, 1).inverse()
    assert nothing.value is None
    assert nothing.interval == (None, None)
    assert nothing.error is None


def test_shared_events_cancel_in_a_comparison() -> None:
    first, second = made([1.0, 1.2], 0.5, 1), made([2.0, 2.4], 0.5, 2)
    comparison = compare(first, second)
    assert comparison.difference == pytest.approx(1.1)
    assert comparison.error_events == pytest.approx(0, abs=1e-12)
    assert comparison.error_trainings == pytest.approx(np.sqrt((0.02 + 0.08) / 2))
    assert comparison.error == comparison.error_trainings
    same = compare(first, first)
    assert (same.difference, same.error, same.significance) == (0, 0, None)


def test_significances_are_those_of_known_tests() -> None:
    # Events alone: a normal distribution.
    other_events = np.roll(noise(99), 1)
    single = compare(made([1.0], 0.3, 1), made([2.0], 0.4, 2, events=other_events))
    expected_error = np.std(0.4 * other_events - 0.3 * noise(99), ddof=1)
    assert single.error == pytest.approx(expected_error)
    assert single.error_trainings is None
    assert single.significance == pytest.approx(1 / expected_error)
    # Trainings alone: Welch's test.
    a, b = [1.0, 1.3, 0.8], [1.6, 2.4, 1.9, 2.2]
    comparison = compare(made(a, 0.0, 1), made(b, 0.0, 2))
    p = ttest_ind(b, a, equal_var=False).pvalue
    assert comparison.significance == pytest.approx(norm.isf(p / 2), rel=1e-9)
    assert compare(made(b, 0.0, 2), made(a, 0.0, 1)).significance == pytest.approx(-norm.isf(p / 2), rel=1e-9)
    # A single training adds no spread of its own, that of the other stays.
    mixed = compare(made(a, 0.1, 1), made([2.0], 0.1, 2))
    assert mixed.error_trainings == pytest.approx(np.std(a, ddof=1) / np.sqrt(3))


def test_intervals_of_ratios_cover() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for trial in range(300):
        shared, shared_replicas = rng.normal(), rng.normal(0, 1, B)
        parts = []
        for seed, mean in enumerate((2.0, 1.0)):
            trainings = mean * (1 + 0.03 * shared + 0.02 * rng.normal()) + rng.normal(0, 0.04, 8)
            moves = mean * (0.03 * shared_replicas + 0.02 * rng.normal(0, 1, B))
            parts.append(Measured(trainings, trainings[:, None] + moves[None, :], noise(1000 + 2 * trial + seed)))
        found: Any = ratio(parts[0], parts[1])
        low, high = found.interval
        covered += low < 2.0 < high
    assert covered / 300 == pytest.approx(0.68, abs=0.09)


def test_ratios_with_nothing_below() -> None:
    assert ratio(made([1.0], 0.1, 1), made([0.0], 0.0, 2)) == Ratio(None, (None, None))
    wide = ratio(made([1.0], 0.0, 1), made([0.1], 0.11, 2))
    assert wide.ratio == pytest.approx(10)
    assert wide.interval[1] is None  # 16 % of the replicas are at zero or below


def test_a_centred_interval_holds_the_ratio() -> None:
    above, below = made([1.0], 0.01, 1), made([2.0], 0.01, 2, events=np.roll(noise(99), 3))
    raised = Measured(above.values, above.replicas + 0.5, above.noise)  # replicas larger than the data
    plain: Any = ratio(raised, below)
    centred: Any = ratio(raised, below, centred=True)
    assert plain.interval[0] > plain.ratio == 0.5
    assert centred.interval[0] < 0.5 < centred.interval[1]


def test_noise_has_exact_moments() -> None:
    values = noise(3)
    assert values.mean() == pytest.approx(0, abs=1e-12)
    assert values.std(ddof=1) == pytest.approx(1)


def test_fieller_against_a_scan_of_all_ratios() -> None:
    """The ratios that a test of their own does not exclude, with the spread of three trainings in the error."""
    rng = np.random.default_rng(5)
    events = rng.normal(size=(2, B))
    above = made([0.9, 1.1, 1.3], 0.2, 1, events=events[0])
    under = made([-2.3, -1.9, -1.8], 0.3, 2, events=0.6 * events[0] + 0.8 * events[1])
    found = fieller(above, under)
    assert found.ratio == pytest.approx(-1.1 / 2.0)
    joint = np.cov(above.replicas.mean(axis=0), under.replicas.mean(axis=0))
    seeds = np.array([np.var([0.9, 1.1, 1.3], ddof=1), np.var([-2.3, -1.9, -1.8], ddof=1)]) / 3

    def variance(share: float) -> tuple[float, float]:
        parts = np.array([seeds[0], share**2 * seeds[1]])
        total = joint[0, 0] - 2 * share * joint[0, 1] + share**2 * joint[1, 1] + parts.sum()
        return total, total**2 / (parts**2 / 2).sum()

    quantile = t.ppf(0.84, variance(-0.55)[1])
    kept = [r for r in np.linspace(-3, 3, 60_001) if abs(1.1 + 2.0 * r) <= quantile * np.sqrt(variance(r)[0])]
    assert found.interval == pytest.approx((min(kept), max(kept)), abs=2e-4)


def test_no_interval_where_the_denominator_may_be_zero() -> None:
    above, under = made([1.0], 0.1, 1), made([0.05], 0.2, 2)
    found = fieller(above, under)
    assert found.ratio == pytest.approx(20)
    assert found.interval == (None, None)
    assert fieller(above, made([0.0], 0.2, 2)) == Ratio(None, (None, None))
    assert fieller(above, above) == Ratio(1.0, (1.0, 1.0))


def test_below_a_share_is_the_less_certain_of_two_ends() -> None:
    rng = np.random.default_rng(6)
    moves = rng.normal(size=(2, B))
    first, second = made([-1.0], 0.1, 1, events=moves[0]), made([0.2], 0.1, 2, events=moves[1])
    ends = [np.std(0.5 * moves[0] + sign * moves[1], ddof=1) * 0.1 for sign in (-1, 1)]
    assert below(first, second, 0.5) == pytest.approx(min(0.3 / ends[1], 0.7 / ends[0]), rel=1e-6)
    assert below(first, first, 0.5) is None
