"""What the comparison of precisions says, against counting by hand; and the whole of it, small."""

from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.benchmarks.precision import TOLERANCE, benchmark_precision, compare_scores, table


def test_two_scores_by_hand() -> None:
    exact = np.array([0.1, 0.4, 0.35, 0.8, 0.6, 0.2], np.float32)
    fast = np.array([0.1, 0.4, 0.45, 0.8, 0.601, 0.2], np.float32)
    signal = np.array([False, False, True, True, True, False])
    found = compare_scores(exact, fast, signal)
    moved = np.abs(fast.astype(np.float64) - exact)
    assert found["mean"] == pytest.approx(moved.sum() / 6)
    assert found["largest"] == pytest.approx(0.1, rel=1e-6)
    assert found["beyond"] == pytest.approx(1 / 6)
    assert TOLERANCE == 2e-3

    def share(scores: np.ndarray) -> float:
        return float(np.mean([s > b for s in scores[signal] for b in scores[~signal]]))

    assert found["auc"] == pytest.approx(share(exact)) == pytest.approx(8 / 9)
    assert found["auc_difference"] == pytest.approx(share(fast) - share(exact)) == pytest.approx(1 / 9)
    assert (found["passing"], found["passing_difference"]) == (0, 0)
    assert found["auc_difference_error"] > 0


def test_errors_of_a_difference_are_paired() -> None:
    """Two scores that agree but for a little noise differ by much less than each may be wrong."""
    rng = np.random.default_rng(0)
    signal = np.arange(2000) % 2 == 0
    exact = rng.normal(size=2000) + signal
    found = compare_scores(exact, exact + rng.normal(scale=1e-3, size=2000), signal)
    assert 0.005 < found["auc_error"] < 0.02
    assert found["auc_difference_error"] < 1e-3 * found["auc_error"] * 10
    assert abs(found["auc_difference"]) < 5 * found["auc_difference_error"]


@pytest.mark.slow
def test_shipped_networks_on_simulated_jets() -> None:
    pytest.importorskip("pythia8mc", reason="the extra 'simulation' is not installed")
    numbers = benchmark_precision(["default-hbb", "default-nano-multi"], events=60, workers=1)
    assert sum(numbers["jets"].values()) > 100
    for row in numbers["networks"].values():
        assert 0 < row["mean"] < 3e-4
        assert row["percentile_99"] < 0.01
        assert abs(row["auc_difference"]) < 0.1 * row["auc_error"]
    lines = table(numbers).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["`default-hbb`", "`default-nano-multi`"]
