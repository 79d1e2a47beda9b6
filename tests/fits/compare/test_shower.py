"""The shower's part without noise, in toys whose answer is known and in fits of small runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.fits import FitConfig, ReplicaSource, Spread, build_templates, errors_of_errors
from rs3l_gnn.fits.compare.replicas import error_parts
from rs3l_gnn.fits.compare.shower import ShowerPart, contrast_of_shower
from rs3l_gnn.fits.likelihood.asimov import asimov_fit
from rs3l_gnn.fits.likelihood.likelihood import Likelihood, errors_by_group, value_of
from rs3l_gnn.fits.templates.build import read_inputs

PART = "mu_error_shower"
NOISE, REPLICAS = 0.04, 120
SHIFTS = np.array([[0.10, 0.05, 0.0], [0.20, 0.05, 0.05]])
"""Of two taggers under three nuisances."""


def spread_of(errors: NDArray[np.float64], *, paired: bool = True) -> Spread:
    values = {PART: tuple(errors.tolist())} if paired else {}
    return Spread({PART: float(errors.mean())}, {PART: float(errors.std(ddof=1))}, len(errors), 0, paired, values)


def pseudo_run(rng: np.random.Generator, *, paired: bool = True) -> list[tuple[float, Spread]]:
    """Shower's error of both taggers, whose noise correlates by 0.8, and its spread over the same replicas."""
    shared = np.linalg.cholesky([[1, 0.8], [0.8, 1]])
    noise = NOISE * shared @ rng.normal(size=(2, 3))
    again = NOISE * np.einsum("ab,rbk->rak", shared, rng.normal(size=(REPLICAS, 2, 3)))
    found = np.linalg.norm(SHIFTS + noise, axis=1)
    replicas = np.linalg.norm(SHIFTS + noise + again, axis=2)
    return [(float(found[i]), spread_of(replicas[:, i], paired=paired)) for i in (0, 1)]


def parts(runs: Sequence[tuple[float, Spread]]) -> list[ShowerPart]:
    found = [ShowerPart.of([run]) for run in runs]
    return [part for part in found if part is not None]


def test_noise_is_taken_off_and_differences_have_pulls_of_unit_width() -> None:
    rng = np.random.default_rng(1)
    true = (SHIFTS**2).sum(axis=1)
    rows, of_variances, pulls, gains = [], [], [], []
    for _ in range(400):
        runs = pseudo_run(rng)
        one, two = parts(runs)
        contrast = contrast_of_shower(one, two, 0.7)
        assert contrast.paired
        rows.append([one.variance, two.variance, runs[0][0] ** 2])
        assert one.moves is not None
        assert two.moves is not None
        width = np.std(one.moves - two.moves, ddof=1)
        of_variances.append((one.variance - two.variance - true[0] + true[1]) / width)
        if contrast.difference is not None and contrast.error is not None:
            pulls.append((contrast.difference - (true[0] ** 0.5 - true[1] ** 0.5)) / contrast.error)
            gains.append(math.hypot(one.error or 0.0, two.error or 0.0) / contrast.error)
    mean, error = np.mean(rows, axis=0), np.std(rows, axis=0) / 20
    assert mean[:2] == pytest.approx(true, abs=4 * error.max())
    assert mean[2] > true[0] + 3 * NOISE**2 - 4 * error[2]  # what the noise of three shifts adds
    assert np.mean(of_variances) == pytest.approx(0, abs=0.2)
    assert np.std(of_variances) == pytest.approx(1, abs=0.12)
    # A root of what may be near zero: its error is too large there, never too small.
    assert len(pulls) > 360
    assert np.median(pulls) == pytest.approx(0, abs=0.2)
    assert 1.3 < np.quantile(pulls, 0.84) - np.quantile(pulls, 0.16) < 2.2
    assert np.mean(gains) > 1.5


def test_trainings_are_averaged_and_their_spread_counts() -> None:
    rng = np.random.default_rng(2)
    single = [pseudo_run(rng)[0] for _ in range(3)]
    part = ShowerPart.of(single)
    assert part is not None
    alone = [one.variance for one in parts(single)]
    assert part.variance == pytest.approx(np.mean(alone))
    assert part.trainings == tuple(alone)
    squares = [np.array(spread.values[PART]) ** 2 for _, spread in single]
    moves = np.array([row - row.mean() for row in squares])
    raw, own = np.var(alone, ddof=1) / 3, np.mean([np.var(column, ddof=1) for column in moves.T]) / 3
    ((seeds, freedom),) = part.seeds
    assert seeds == pytest.approx(max(raw - own, 1e-6 * raw))
    assert freedom == pytest.approx(2 * (seeds / raw) ** 2)
    assert part.error_events == pytest.approx(np.std(np.mean(squares, axis=0), ddof=1))
    assert part.value is not None
    total = part.error_events**2 + seeds
    assert part.error == pytest.approx(math.sqrt(total) / (2 * part.value))
    assert ShowerPart.of([(0.1, None)]) is None


def test_the_aim_needs_no_root() -> None:
    rng = np.random.default_rng(3)
    one, two = parts(pseudo_run(rng))
    found = contrast_of_shower(one, two, 0.7)
    moves = [part.moves for part in (one, two)]
    assert moves[0] is not None
    assert moves[1] is not None
    width = np.std(moves[0] - 0.49 * moves[1], ddof=1)
    assert found.below_aim == pytest.approx((0.49 * two.variance - one.variance) / width)
    assert contrast_of_shower(two, one, 0.7).below_aim == pytest.approx(
        (0.49 * one.variance - two.variance) / np.std(moves[1] - 0.49 * moves[0], ddof=1)
    )


def test_noise_alone_is_no_part() -> None:
    errors = np.full(REPLICAS, 0.02)
    part = ShowerPart.of([(0.01, spread_of(errors))])
    assert part is not None
    assert part.variance == pytest.approx(0.0001 - 0.0003)
    assert part.value is part.error is None
    other = parts(pseudo_run(np.random.default_rng(4)))[1]
    contrast = contrast_of_shower(part, other, 0.7)
    assert contrast.difference is contrast.ratio is None
    assert contrast.significance is not None
    assert contrast.significance < 0


def test_replicas_of_other_events_add_in_squares() -> None:
    one, two = parts(pseudo_run(np.random.default_rng(5), paired=False))
    contrast = contrast_of_shower(one, two, 0.7)
    assert not contrast.paired
    assert one.error is not None
    assert two.error is not None
    assert contrast.error == pytest.approx(math.hypot(one.error, two.error))


def test_fits_of_small_runs(write_run: Callable[..., Path], make_config: Callable[..., FitConfig]) -> None:
    """Of a shower that does nothing small runs say so, on average; with the noise, each of them says something."""
    settings = {
        "samples": {"hbb": {"signal": True}, "qcd": {"free": True}, "wqq": {}},
        "problems": {"negative_bins": "clip"},
        "rebin": {"edges": [0, 0.5, 0.8, 1]},
    }
    raw, cleaned = [], []
    for seed in range(1, 10):
        config = make_config(write_run(n=1_500, bins=20, seed=seed, shifts={"score_rs3l": 0.0}), **settings)
        runs = read_inputs(config, ["score_rs3l"])
        built = build_templates(config, runs)
        best = asimov_fit(likelihood := Likelihood(built.templates, checked=False))
        error = error_parts(value_of(best, likelihood.poi)[1], errors_by_group(built.templates, best))[PART]
        part = ShowerPart.of([(error, errors_of_errors(config, ReplicaSource(runs, 6, seed), built.groupings))])
        assert part is not None
        raw.append(error**2)
        cleaned.append(part.variance)
    width = np.std(cleaned, ddof=1) / len(cleaned) ** 0.5
    assert min(raw) > 0
    assert abs(np.mean(cleaned)) < 3 * width
    assert abs(np.mean(cleaned)) < 0.5 * np.mean(raw)
