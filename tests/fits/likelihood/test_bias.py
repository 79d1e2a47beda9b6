from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.fits import FitConfig, Likelihood, Templates, asimov_fit, build_templates, value_of
from rs3l_gnn.fits.likelihood.bias import bias_error, response


def test_response_of_one_bin(one_bin: Callable[..., Templates]) -> None:
    # mu = (n - b) / s, so one more event moves it by 1 / s.
    likelihood = Likelihood(one_bin())
    slopes = response(likelihood, likelihood.fit())
    assert slopes == pytest.approx([1 / 50], rel=1e-2)
    assert bias_error(likelihood, likelihood.fit(), {"sr": np.array([[100.0]])}) == pytest.approx(10 / 50, rel=1e-2)


def test_response_is_the_change_of_fits(rich: Templates) -> None:
    likelihood = Likelihood(rich)
    best = likelihood.fit()
    slopes = response(likelihood, best)
    for position in (0, 3, 5):
        step = 0.05 * np.sqrt(likelihood.counts[position])
        moved = []
        for sign in (1, -1):
            data = likelihood.counts.copy()
            data[position] += sign * step
            moved.append(value_of(Likelihood(rich, data).fit(start=best.bestfit), "mu")[0])
        assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(slopes[position], rel=0.1, abs=1e-4)


def test_channels_without_errors_add_nothing(rich: Templates) -> None:
    likelihood = Likelihood(rich)
    best = likelihood.fit()
    one = bias_error(likelihood, best, {"sr": 4 * np.eye(4)})
    both = bias_error(likelihood, best, {"sr": 4 * np.eye(4), "cr": 4 * np.eye(4)})
    assert 0 < one < both
    assert bias_error(likelihood, best, {}) == 0.0


def test_bins_that_exchange_events(rich: Templates) -> None:
    # An event that moves between two bins moves the signal strength by the difference of their slopes.
    likelihood = Likelihood(rich)
    best = likelihood.fit()
    slopes = response(likelihood, best)[likelihood.channel_slices()["sr"]]
    moved = np.zeros((4, 4))
    moved[0, 0] = moved[3, 3] = 9.0
    moved[0, 3] = moved[3, 0] = -9.0
    assert bias_error(likelihood, best, {"sr": moved}) == pytest.approx(3 * abs(slopes[3] - slopes[0]))


@pytest.mark.parametrize(("view", "part"), [("seed", 1.0), ("vinciaUp", 0.3)])
def test_error_is_the_spread_over_runs(
    write_run: Callable[..., Path], make_config: Callable[..., FitConfig], view: str, part: float
) -> None:
    # A shower without effect in many runs, also for a part of the events alone: the bias in units of its error is a
    # standard normal number.
    pulls = []
    for seed in range(40):
        path = write_run(
            seed=100 + seed,
            n=1500,
            bins=20,
            variations=("nominal", view),
            shifts={"score_rs3l": 0.0},
            parts={view: part},
        )
        config = make_config(
            path,
            data={"kind": "variation", "variation": view},
            samples={"hbb": {"signal": True}, "qcd": {"free": True}, "wqq": {}},
            auto_systematics=False,
        )
        built = build_templates(config)
        likelihood = Likelihood(built.templates, checked=False)
        best = asimov_fit(likelihood)
        expected = likelihood.expected(likelihood.asimov_parameters())
        bias = response(likelihood, best) @ (likelihood.counts - expected)
        pulls.append(bias / bias_error(likelihood, best, built.data_covariances))
    assert abs(np.mean(pulls)) < 3 / np.sqrt(40)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.3)
