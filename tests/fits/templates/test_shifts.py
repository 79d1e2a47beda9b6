from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.fits import SampleTemplates
from rs3l_gnn.fits.config.blocks import ProblemsConfig, PruneConfig, SystematicConfig
from rs3l_gnn.fits.histograms.cells import RunHistogram
from rs3l_gnn.fits.report import Report
from rs3l_gnn.fits.templates.processes import ChannelView
from rs3l_gnn.fits.templates.shifts import ShiftBuilder
from rs3l_gnn.fits.templates.sources import Source
from rs3l_gnn.fits.yields import Grouping, Yields

NOMINAL = np.array([100.0, 50.0, 20.0])


def fine(values: Any, *, relative: float = 0.01, covariance: Any = None) -> Yields:
    values = np.asarray(values, dtype=np.float64)
    return Yields(values, (relative * values) ** 2, covariance, "independent" if covariance is None else "known")


def builder(**prune: float) -> ShiftBuilder:
    histogram = RunHistogram("score", np.linspace(0, 1, 4), ("sr",), ("nominal",), {})
    return ShiftBuilder(
        view=ChannelView("sr", "sr", "sr", histogram, {"qcd": fine(NOMINAL)}, Grouping(np.arange(4))),
        sample=SampleTemplates("qcd", NOMINAL, (0.01 * NOMINAL) ** 2),
        nominal=fine(NOMINAL),
        problems=ProblemsConfig(),
        prune=PruneConfig(**prune),
        report=Report(),
        fill=np.zeros(3),
    )


def source(**changes: Any) -> Source:
    values: dict[str, Any] = {
        "key": "fsr",
        "name": "fsr",
        "correlate": (),
        "group": "shower",
        "up": "fsrUp",
        "down": "fsrDown",
        "one_sided": "error",
        "smooth": "none",
        "config": SystematicConfig(),
    }
    return Source(**(values | changes))


def test_errors_of_independent_and_paired_differences() -> None:
    up, down = NOMINAL * 1.1, NOMINAL * 0.9
    alone = builder().build(source(), fine(up), fine(down))
    assert alone is not None
    assert alone[0].up_error is not None
    np.testing.assert_allclose(alone[0].up_error, 0.01 * NOMINAL * np.sqrt(1 + 1.21))
    # Fully correlated: the error of the difference is the difference of the errors.
    together = builder().build(
        source(),
        fine(up, covariance=(0.01 * NOMINAL) * (0.01 * up)),
        fine(down, covariance=(0.01 * NOMINAL) * (0.01 * down)),
    )
    assert together is not None
    assert together[0].up_error is not None
    np.testing.assert_allclose(together[0].up_error, 0.01 * (up - NOMINAL), rtol=1e-6)


def test_pruning_by_significance() -> None:
    sides = fine(NOMINAL * 1.01), fine(NOMINAL * 0.99)
    assert builder().build(source(), *sides) is not None
    pruned = builder(significance=2.0)
    assert pruned.build(source(), *sides) is None
    assert "standard deviations" in pruned.report.of("pruning")[0].detail
    strong = fine(NOMINAL * [1.1, 1.0, 0.9]), fine(NOMINAL * [0.9, 1.0, 1.1])
    assert builder(significance=2.0).build(source(), *strong) is not None


def test_pruning_of_rate_and_shape() -> None:
    tilted = fine(NOMINAL * [1.0004, 1.0, 1.0]), fine(NOMINAL * [1.1, 1.0, 1.0])
    assert builder(norm=0.2, shape=0.2).build(source(), *tilted) is None
    flat = builder(shape=0.2).build(source(), *tilted)
    assert flat is not None
    np.testing.assert_allclose(flat[0].down / NOMINAL, 180 / 170)
    shape = builder(norm=0.2).build(source(), *tilted)
    assert shape is not None
    assert shape[0].down.sum() == pytest.approx(NOMINAL.sum())
    assert shape[0].down[0] > NOMINAL[0]


def test_no_effect_is_left_out_and_told() -> None:
    same = builder()
    assert same.build(source(), fine(NOMINAL), fine(NOMINAL)) is None
    assert same.report.of("no_effect")[0].where == "channel sr, sample qcd, nuisance fsr"


def test_large_and_same_sided_variations_are_flagged() -> None:
    shifter = builder()
    shifter.build(source(), fine(NOMINAL * [2.5, 1.1, 1.0]), fine(NOMINAL * [0.9, 1.1, 0.9]))
    assert shifter.report.of("large_variation")[0].where.endswith("bin 0")
    assert shifter.report.of("same_side")[0].where.endswith("bin 1")


def test_record() -> None:
    built = builder().build(source(), fine(NOMINAL * 1.1), fine(NOMINAL * 0.8))
    assert built is not None
    record = built[1].record()
    assert (record["rate_up"], record["rate_down"]) == (pytest.approx(1.1), pytest.approx(0.8))
    expected = sum(0.1**2 / (0.01**2 * (1 + 1.1**2)) for _ in range(3))
    assert (record["up_chi2"], record["up_degrees"]) == (pytest.approx(expected), 3)
    assert (record["relation"], record["paired"]) == ("independent", False)
    # Two sides were looked at; a mirror image is none.
    small = record["down_p_value"]
    assert record["p_value"] == pytest.approx(1 - (1 - min(record["up_p_value"], small)) ** 2, rel=1e-9)
    mirrored = builder().build(source(one_sided="symmetrize"), fine(NOMINAL * 1.01), None)
    assert mirrored is not None
    assert mirrored[1].record()["p_value"] == mirrored[1].record()["up_p_value"]
    assert "down_p_value" not in mirrored[1].record()


def test_an_unknown_covariance_has_no_significance() -> None:
    """Weights of a run that did not keep the sums of products: variances alone tell neither error nor significance."""
    unknown = replace(fine(NOMINAL * 1.01), relation="unknown")
    shifter = builder(significance=2.0)
    built = shifter.build(source(), unknown, unknown)
    assert built is not None
    assert [built[1].record()[key] for key in ("up_chi2", "up_p_value", "p_value", "relation")] == [None] * 3 + [
        "unknown"
    ]
    assert "significance unknown" in shifter.report.of("pruning")[0].detail
    # The error is that of independent samples: an upper bound for events that nominal shares.
    assert built[0].up_error is not None
    np.testing.assert_allclose(built[0].up_error, 0.01 * NOMINAL * np.sqrt(1 + 1.01**2))
    uncounted = builder().build(source(), Yields(NOMINAL * 1.01, None), Yields(NOMINAL * 0.99, None))
    assert uncounted is not None
    assert uncounted[0].up_error is None
