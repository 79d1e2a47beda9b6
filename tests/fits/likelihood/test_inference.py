from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import cabinetry
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from rs3l_gnn.fits import (
    ChannelTemplates,
    Likelihood,
    SampleTemplates,
    Templates,
    limit,
    pyhf_workspace,
    rank,
    scan,
    significance,
    toys,
    value_of,
)
from rs3l_gnn.fits.likelihood.inference import throw_toy
from rs3l_gnn.fits.likelihood.minimise import numpy_backend


def test_ranking_of_one_nuisance(one_bin: Callable[..., Templates]) -> None:
    # Moving theta by +-1 moves b to b 1.05^(+-1), and the signal takes up the difference.
    likelihood = Likelihood(one_bin())
    found = rank(likelihood, likelihood.fit())
    assert found.labels == ["norm"]
    assert found.prefit_up == pytest.approx([-50 / 50], abs=5e-3)
    assert found.prefit_down == pytest.approx([(1000 - 1000 / 1.05) / 50], abs=5e-3)
    # One bin cannot constrain it, so both impacts are the same.
    assert found.postfit_up == pytest.approx(found.prefit_up, abs=1e-2)
    assert found.postfit_down == pytest.approx(found.prefit_down, abs=1e-2)


def test_ranking_agrees_with_cabinetry(rich: Templates) -> None:
    # One channel without statistical nuisances keeps the number of fits small.
    small = replace(
        rich,
        channels=(
            replace(rich.channels[0], samples=tuple(replace(s, mc_stat=False) for s in rich.channels[0].samples)),
        ),
    )
    likelihood = Likelihood(small)
    best = likelihood.fit()
    error = value_of(best, "mu")[1]
    ours = rank(likelihood, best)
    sizes = np.maximum(np.abs(ours.postfit_up), np.abs(ours.postfit_down))
    assert sizes.tolist() == sorted(sizes, reverse=True)
    with numpy_backend():
        model, data = cabinetry.model_utils.model_and_data(pyhf_workspace(small))
        theirs = cabinetry.fit.ranking(model, data)
    assert sorted(ours.labels) == sorted(theirs.labels)
    order = [theirs.labels.index(label) for label in ours.labels]
    for column in ("prefit_up", "prefit_down", "postfit_up", "postfit_down"):
        # cabinetry's fits stop within 1.4 % of the error.
        np.testing.assert_allclose(getattr(ours, column), getattr(theirs, column)[order], atol=0.03 * error)


def test_scan_is_a_parabola_in_the_gaussian_limit(one_bin: Callable[..., Templates]) -> None:
    likelihood = Likelihood(one_bin(background=1e6, signal=5e3, effect=1e-4))
    best = likelihood.fit()
    value, error = value_of(best, "mu")
    found = scan(likelihood, best, points=5)
    np.testing.assert_allclose((found.parameter_values - value) / error, [-2, -1, 0, 1, 2], atol=1e-6)
    np.testing.assert_allclose(found.delta_nlls, [4, 1, 0, 1, 4], rtol=5e-3, atol=1e-4)


def test_limit_in_the_gaussian_limit(one_bin: Callable[..., Templates]) -> None:
    # arXiv:1007.1727, equation 89: the expected limit at N standard deviations is
    # sigma (Phi^-1(1 - alpha Phi(N)) + N); sigma is the error without signal.
    templates = one_bin(background=1e6, signal=5e3, effect=1e-6)
    likelihood = Likelihood(templates, np.array([1e6]))
    found = limit(likelihood, likelihood.fit(), confidence_level=0.95)
    sigma = 1e3 / 5e3
    wanted = [sigma * (norm.isf(0.05 * norm.cdf(n)) + n) for n in (-2, -1, 0, 1, 2)]
    np.testing.assert_allclose(found.expected_limit, wanted, rtol=5e-3)
    # Data exactly at the background: observed is the median.
    assert found.observed_limit == pytest.approx(wanted[2], rel=5e-3)


def test_limit_agrees_with_cabinetry(one_bin: Callable[..., Templates]) -> None:
    likelihood = Likelihood(one_bin(background=20.0, signal=8.0))
    found = limit(likelihood, likelihood.fit(), confidence_level=0.95)
    with numpy_backend():
        theirs = cabinetry.fit.limit(
            likelihood.model,
            likelihood.data,
            bracket=(0.5, 4.0),
            par_bounds=[(0.0, 20.0), (-5.0, 5.0)],
            poi_tolerance=1e-4,
        )
    assert found.observed_limit == pytest.approx(theirs.observed_limit, rel=2e-3)
    np.testing.assert_allclose(found.expected_limit, theirs.expected_limit, rtol=2e-3)


def test_significance_of_a_counting_experiment(one_bin: Callable[..., Templates]) -> None:
    # arXiv:1007.1727, equation 97, without uncertainty of the background: sqrt(2 ((s + b) ln(1 + s / b) - s)).
    likelihood = Likelihood(one_bin(background=100.0, signal=30.0, effect=1e-6))
    found = significance(likelihood, likelihood.fit())
    wanted = math.sqrt(2 * (130 * math.log(1.3) - 30))
    assert found.observed_significance == pytest.approx(wanted, rel=1e-4)
    assert found.expected_significance == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("mc_stat", [True, False])
def test_a_model_without_systematics(mc_stat: bool) -> None:
    """Signal strength and errors of the simulation alone: with the signal held, nothing is left to Minuit."""
    signal = SampleTemplates("sig", np.array([10.0, 40.0]), np.array([1e-8, 1e-8]), mc_stat=mc_stat)
    background = SampleTemplates("bkg", np.array([100.0, 60.0]), np.array([1e-8, 1e-8]), mc_stat=mc_stat)
    channel = ChannelTemplates("all", np.array([0.0, 0.5, 1.0]), (signal, background), np.array([110.0, 100.0]))
    likelihood = Likelihood(Templates((channel,), ("sig",), (), poi_bounds=(0.0, 200.0)))
    best = likelihood.fit()
    s, b = signal.values, background.values
    # arXiv:1007.1727, equation 97, bin by bin.
    z = math.sqrt(2 * ((s + b) * np.log1p(s / b) - s).sum())
    found = significance(likelihood, best)
    assert found.observed_significance == pytest.approx(z, rel=1e-5)
    assert found.expected_significance == pytest.approx(z, rel=1e-5)
    # Without signal, the median of CLs is 2 (1 - Phi(sqrt(q))): 0.05 at sqrt(q) = 1.96.
    median = brentq(lambda mu: 2 * (mu * s - b * np.log1p(mu * s / b)).sum() - norm.isf(0.025) ** 2, 0.01, 5)
    assert limit(likelihood, best).expected_limit[2] == pytest.approx(median, rel=2e-3)


def test_no_excess_has_no_significance(one_bin: Callable[..., Templates]) -> None:
    likelihood = Likelihood(one_bin(background=100.0, signal=30.0), np.array([90.0]))
    found = significance(likelihood, likelihood.fit())
    assert found.observed_significance == pytest.approx(0.0, abs=1e-4)
    assert found.observed_p_value == pytest.approx(0.5, abs=1e-4)


def test_toys_fluctuate_counts_and_auxiliary_data(rich: Templates) -> None:
    likelihood = Likelihood(rich)
    parameters = likelihood.asimov_parameters()
    parameters[likelihood.model.config.par_names.index("fsr")] = 0.7
    expected = likelihood.expected(parameters, auxiliary=True)
    thrown = np.array([throw_toy(likelihood, parameters, np.random.default_rng([3, i])) for i in range(1500)])
    n = likelihood.model.config.nmaindata
    width = np.concatenate(
        [likelihood.model.config.param_set(p).width() for p in likelihood.model.config.auxdata_order]
    )
    sigma = np.concatenate([np.sqrt(expected[:n]), width])
    np.testing.assert_allclose((thrown.mean(axis=0) - expected) / sigma, 0, atol=4.5 / np.sqrt(1500))
    np.testing.assert_allclose(thrown.std(axis=0) / sigma, 1, atol=0.1)
    assert 0.7 in expected[n:]


def test_toys_depend_on_seed_and_number_alone(one_bin: Callable[..., Templates]) -> None:
    before = repr(np.random.get_state())  # noqa: NPY002 - the global generator must stay untouched
    likelihood = Likelihood(one_bin())
    few, more = toys(likelihood, 3, seed=5), toys(likelihood, 6, seed=5)
    np.testing.assert_array_equal(few.values, more.values[:3])
    assert not np.array_equal(toys(likelihood, 3, seed=6).values, few.values)
    assert repr(np.random.get_state()) == before  # noqa: NPY002 - as above


def test_toys_take_the_true_signal(one_bin: Callable[..., Templates]) -> None:
    thrown = toys(Likelihood(one_bin(signal=500.0)), 12, truth={"mu": 3.0}, seed=1)
    assert thrown.truth == 3.0
    assert abs(thrown.values.mean() - 3.0) < 5 * thrown.errors.mean() / np.sqrt(12)
    assert thrown.record()["toys"] == 12


@pytest.mark.slow
def test_injected_signal_comes_back_with_coverage(rich: Templates) -> None:
    for truth in (0.0, 1.0, 2.0):
        thrown = toys(Likelihood(rich), 400, truth={"mu": truth}, seed=11)
        assert thrown.failed == 0
        summary = thrown.record()
        assert abs(summary["mean"] - truth) < 3 * summary["mean_error"]
        assert abs(summary["pull_mean"]) < 3 / np.sqrt(400)
        # 68.27 % with a binomial error of 2.3 %.
        assert abs(summary["coverage"] - 0.6827) < 3 * math.sqrt(0.6827 * 0.3173 / 400)
