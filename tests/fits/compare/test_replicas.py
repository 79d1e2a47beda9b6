from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits import (
    FitConfig,
    Likelihood,
    ReplicaSource,
    asimov_fit,
    build_templates,
    errors_by_group,
    errors_of_errors,
    replica,
    value_of,
)
from rs3l_gnn.fits.compare.replicas import error_parts
from rs3l_gnn.fits.histograms.cells import RunHistogram
from rs3l_gnn.fits.histograms.runs import Run, read_runs
from rs3l_gnn.fits.templates.build import read_inputs
from rs3l_gnn.fits.yields import Yields

WriteRun = Callable[..., Path]
KEY = ("qcd", "sr", "fsrUp")


def drawn(run: Run, key: tuple[str, str, str], n: int) -> NDArray[np.float64]:
    """Contents of one cell in many replicas [n, n_bins]."""
    rows = []
    for number in range(n):
        cell = replica(run, np.random.default_rng([3, number])).histograms["score_rs3l"].cells[key]
        rows.append(cell.values)
    return np.array(rows)


def variances_of(cell: Yields) -> NDArray[np.float64]:
    assert cell.variances is not None
    return cell.variances


def test_moments_are_those_of_the_run(write_run: WriteRun) -> None:
    n = 1500
    run = read_runs([write_run(bins=6, n=2000)], ["score_rs3l"])
    cells = run.histograms["score_rs3l"].cells
    nominal, varied = drawn(run, ("qcd", "sr", "nominal"), n), drawn(run, KEY, n)
    for content, cell in ((nominal, cells["qcd", "sr", "nominal"]), (varied, cells[KEY])):
        filled = cell.values > 0
        sigma = np.sqrt(variances_of(cell)[filled])
        np.testing.assert_allclose(
            (content.mean(axis=0)[filled] - cell.values[filled]) / sigma, 0, atol=4.5 / np.sqrt(n)
        )
        np.testing.assert_allclose(content.std(axis=0)[filled] / sigma, 1, atol=0.15)
    joint = cells[KEY].covariance
    assert joint is not None
    found = (nominal - nominal.mean(axis=0)).T @ (varied - varied.mean(axis=0)) / n
    scale = np.sqrt(np.outer(variances_of(cells["qcd", "sr", "nominal"]), variances_of(cells[KEY])))
    np.testing.assert_allclose(found, joint, atol=4.5 * scale.max() / np.sqrt(n))
    # Not by accident: neighbours do share events.
    assert joint[0, 1] > 10 * 1e-3 * scale[0, 1]


def test_joint_weights_go_with_their_templates(write_run: WriteRun) -> None:
    run = read_runs([write_run(bins=6, n=2000)], ["score_rs3l"])
    cells = replica(run, np.random.default_rng(1)).histograms["score_rs3l"].cells
    joint = cells[KEY].covariance
    assert joint is not None
    # Every event of the fixture is in every view.
    np.testing.assert_allclose(joint.sum(axis=1), variances_of(cells["qcd", "sr", "nominal"]))
    np.testing.assert_allclose(joint.sum(axis=0), variances_of(cells[KEY]))


def test_a_variation_of_a_part_of_the_events(write_run: WriteRun) -> None:
    path = write_run(bins=6, n=4000, variations=("nominal", "vinciaUp"), parts={"vinciaUp": 0.25})
    run = read_runs([path], ["score_rs3l"])
    key = ("qcd", "sr", "vinciaUp")
    cell = run.histograms["score_rs3l"].cells[key]
    contents = drawn(run, key, 600)
    filled = cell.values > 0
    np.testing.assert_allclose(contents.std(axis=0)[filled] / np.sqrt(variances_of(cell)[filled]), 1, atol=0.2)
    nominal = drawn(run, ("qcd", "sr", "nominal"), 600)
    # A quarter of the events: the rate's correlation with nominal is the root of that.
    assert np.corrcoef(nominal.sum(axis=1), contents.sum(axis=1))[0, 1] == pytest.approx(0.5, abs=0.12)


def test_without_joint_weights_it_is_independent(write_run: WriteRun) -> None:
    run = read_runs([write_run(bins=6, with_paired=False)], ["score_rs3l"])
    nominal, varied = drawn(run, ("qcd", "sr", "nominal"), 400), drawn(run, KEY, 400)
    assert abs(np.corrcoef(nominal.sum(axis=1), varied.sum(axis=1))[0, 1]) < 0.15


def test_weights_follow_nominal() -> None:
    nominal = Yields(np.array([4.0, 9.0]), np.array([0.4, 0.9]))
    weighted = Yields(1.2 * nominal.values, 1.44 * variances_of(nominal), 1.2 * variances_of(nominal))
    cells = {("qcd", "sr", "nominal"): nominal, ("qcd", "sr", "psISRUp"): weighted}
    histogram = RunHistogram("score_rs3l", np.array([0.0, 0.5, 1.0]), ("sr",), ("nominal", "psISRUp"), cells)
    run = Run({"score_rs3l": histogram}, {}, {}, {})
    for seed in range(5):
        found = replica(run, np.random.default_rng(seed)).histograms["score_rs3l"].cells
        np.testing.assert_allclose(found["qcd", "sr", "psISRUp"].values, 1.2 * found["qcd", "sr", "nominal"].values)


def test_negative_and_empty_bins_stay_usable() -> None:
    cell = Yields(np.array([-1.0, 0.0, 5.0]), np.array([4.0, 2.0, 5.0]))
    histogram = RunHistogram("score_rs3l", np.arange(4.0), ("sr",), ("nominal",), {("qcd", "sr", "nominal"): cell})
    contents = drawn(Run({"score_rs3l": histogram}, {}, {}, {}), ("qcd", "sr", "nominal"), 2000)
    assert contents[:, 0].mean() == pytest.approx(-1.0, abs=0.2)
    assert contents[:, 0].std() == pytest.approx(2.0, abs=0.2)
    assert (contents[:, 1] == 0).all()


def parts_of(config: FitConfig, run: Run, groupings: Any) -> dict[str, float]:
    templates = build_templates(config, {"": run}, groupings=groupings).templates
    best = asimov_fit(Likelihood(templates, checked=False))
    return error_parts(value_of(best, "mu")[1], errors_by_group(templates, best))


def test_errors_of_errors_are_the_spread_over_runs(write_run: WriteRun, make_config: Callable[..., FitConfig]) -> None:
    samples = {"hbb": {"signal": True}, "qcd": {"free": True}, "wqq": {}}
    config = make_config(
        write_run(n=6000, bins=20),
        samples=samples,
        rebin={"edges": [0, 0.5, 0.8, 1]},
        problems={"negative_bins": "clip"},
    )
    runs = read_inputs(config, ["score_rs3l"])
    groupings = build_templates(config, runs).groupings
    found = errors_of_errors(config, ReplicaSource(runs, 60, 2), groupings)
    assert (found.n, found.failed) == (60, 0)
    others = []
    for seed in range(2, 32):
        other = make_config(write_run(n=6000, bins=20, seed=seed), samples=samples)
        others.append(parts_of(config, read_inputs(other, ["score_rs3l"])[""], groupings))
    for part in ("mu_error", "mu_error_shower", "mu_error_statistical"):
        spread = np.std([row[part] for row in others], ddof=1)
        # Both are known to some 15 %.
        assert found.deviation[part] == pytest.approx(spread, rel=0.5)
    # Twice the noise of one run.
    assert found.mean["mu_error_shower"] > np.mean([row["mu_error_shower"] for row in others])


def test_replicas_depend_on_seed_and_number_alone(write_run: WriteRun, make_config: Callable[..., FitConfig]) -> None:
    config = make_config(write_run(bins=8), rebin={"edges": [0, 0.5, 1]})
    runs = read_inputs(config, ["score_rs3l"])
    groupings = build_templates(config, runs).groupings
    state = repr(np.random.get_state())  # noqa: NPY002 - the global generator must stay untouched
    one, again, other = (errors_of_errors(config, ReplicaSource(runs, 3, seed), groupings) for seed in (5, 5, 6))
    assert one == again
    assert one != other
    assert repr(np.random.get_state()) == state  # noqa: NPY002 - as above


def test_replicas_without_any_signal_are_refused(write_run: WriteRun, make_config: Callable[..., FitConfig]) -> None:
    config = make_config(write_run(bins=8), rebin={"edges": [0, 0.5, 1]})
    runs = read_inputs(config, ["score_rs3l"])
    groupings = build_templates(config, runs).groupings
    histogram = runs[""].histograms["score_rs3l"]
    none = {key: cell for key, cell in histogram.cells.items() if key[0] != "hbb"}
    empty = replace(runs[""], histograms={"score_rs3l": replace(histogram, cells=none)})
    with pytest.raises(FitError, match="no usable templates; got 0 of 2"):
        errors_of_errors(config, ReplicaSource({"": empty}, 2, 1), groupings)


def test_parts_add_up_in_squares() -> None:
    parts = error_parts(5.0, {"statistical": 3.0, "systematic": 4.0, "shower": 2.0})
    assert parts["mu_error_other"] == pytest.approx(np.sqrt(12.0))
    # Correlated parts can be more than the whole.
    assert error_parts(5.0, {"statistical": 4.0, "shower": 4.0})["mu_error_other"] == 0.0
    assert error_parts(5.0, {"statistical": 3.0})["mu_error_shower"] == 0.0
