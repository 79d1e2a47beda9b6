from __future__ import annotations

import math
import warnings
from decimal import Decimal, localcontext
from typing import Any

import cabinetry
import numpy as np
import pyhf
import pytest
import torch
from scipy.optimize import minimize_scalar

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits import (
    ChannelTemplates,
    Likelihood,
    Nuisance,
    SampleTemplates,
    Shift,
    Templates,
    pyhf_workspace,
    significance,
)
from rs3l_gnn.fits.likelihood.likelihood import covariance_of
from rs3l_gnn.fits.likelihood.minimise import numpy_backend


def test_value_differs_from_pyhf_by_a_constant(rich: Templates) -> None:
    likelihood = Likelihood(rich)
    rng = np.random.default_rng(1)
    differences = []
    with numpy_backend():
        objective = likelihood.objective()
        for _ in range(5):
            parameters = likelihood.asimov_parameters() + 0.05 * rng.normal(size=len(likelihood.asimov_parameters()))
            theirs = float(-2 * likelihood.model.logpdf(parameters, likelihood.data)[0])
            differences.append(theirs - objective.value(parameters))
    assert np.ptp(differences) < 1e-8


def test_gradient_is_the_slope_of_the_value(rich: Templates) -> None:
    likelihood = Likelihood(rich)
    parameters = likelihood.asimov_parameters() + 0.03
    with numpy_backend():
        objective = likelihood.objective()
        gradient = objective.gradient(parameters)
        for position in range(len(parameters)):
            step = np.zeros(len(parameters))
            step[position] = 1e-5
            slope = (objective.value(parameters + step) - objective.value(parameters - step)) / 2e-5
            assert gradient[position] == pytest.approx(slope, rel=1e-5, abs=1e-4)


def test_saturated_data_give_zero(rich: Templates) -> None:
    likelihood = Likelihood(rich)
    parameters = likelihood.asimov_parameters()
    saturated = likelihood.with_data(likelihood.expected(parameters, auxiliary=True).tolist())
    with numpy_backend():
        assert saturated.objective().value(parameters) == pytest.approx(0.0, abs=1e-12)
        np.testing.assert_allclose(saturated.objective().gradient(parameters), 0, atol=1e-9)


def test_empty_bins_and_negative_expectations(rich: Templates) -> None:
    likelihood = Likelihood(rich, np.array([0.0, 1, 2, 3, 4, 5, 6, 7]))
    with numpy_backend():
        objective = likelihood.objective()
        assert np.isfinite(objective.value(likelihood.asimov_parameters()))
        wrong = likelihood.asimov_parameters()
        wrong[likelihood.poi_index] = -1e4
        assert objective.value(wrong) > 1e11


@pytest.mark.parametrize("strength", [1 + 1e-9, 30.0, 0.51, 0.49, 1e-3, 1e-9, 1e-15, 1e-17, 1e-140])
def test_an_expectation_far_below_the_counts(strength: float) -> None:
    """A signal alone, hardly any of it; by numbers of 50 digits, without a warning in the user's own code."""
    content, errors = np.array([40.0, 7.0]), np.array([4.0, 1.0])
    signal = SampleTemplates("sig", content, errors**2)
    channel = ChannelTemplates("all", np.array([0.0, 0.5, 1.0]), (signal,), content)
    likelihood = Likelihood(Templates((channel,), ("sig",), (), poi_bounds=(0.0, 200.0)), content)
    parameters = likelihood.asimov_parameters()
    parameters[likelihood.poi_index] = strength
    with localcontext() as context:
        context.prec = 50
        ratio = Decimal(strength)
        exact = sum(2 * Decimal(count) * (ratio - 1 - ratio.ln()) for count in content)
    found = likelihood.objective().value(parameters)
    assert math.isclose(found, exact, rel_tol=1e-14, abs_tol=1e-14)


def test_counts_without_an_expectation_are_impossible() -> None:
    """Not merely unlikely by what stands for a factor of zero: that would be a significance out of nothing."""
    signal = SampleTemplates("sig", np.array([40.0, 7.0]), np.array([16.0, 1.0]))
    background = SampleTemplates("bkg", np.array([100.0, 0.0]), np.array([1.0, 0.0]))
    total = signal.values + background.values
    channel = ChannelTemplates("all", np.array([0.0, 0.5, 1.0]), (signal, background), total)
    likelihood = Likelihood(Templates((channel,), ("sig",), (), poi_bounds=(0.0, 200.0)))
    parameters = likelihood.asimov_parameters()
    parameters[likelihood.poi_index] = 0.0
    assert likelihood.objective().value(parameters) > 1e11
    best = likelihood.fit()
    with pytest.raises(FitError, match="no valid minimum"):
        significance(likelihood, best)


@pytest.mark.parametrize("covariance", [True, False])
def test_a_fit_with_nothing_left_to_minuit(covariance: bool) -> None:
    """All is held but the factors of the bins, which have their best values by themselves; by hand, bin by bin."""
    signal = SampleTemplates("sig", np.array([10.0, 40.0]), np.array([1.0, 9.0]))
    background = SampleTemplates("bkg", np.array([90.0, 60.0]), np.array([15.0, 27.0]))
    counts = np.array([103.0, 91.0])
    channel = ChannelTemplates("all", np.array([0.0, 0.5, 1.0]), (signal, background), counts)
    likelihood = Likelihood(Templates((channel,), ("sig",), (), poi_bounds=(0.0, 200.0)), counts)
    held = likelihood.fit(fixed={likelihood.poi: 0.5}, covariance=covariance)
    lowest = 0.0
    for place, (count, expected, width) in enumerate(zip(counts, (95.0, 80.0), (0.04, 0.06), strict=True)):

        def rise(factor: float, count: float = count, expected: float = expected, width: float = width) -> float:
            content = factor * expected
            return float(2 * (content - count - count * np.log(content / count)) + ((factor - 1) / width) ** 2)

        best = minimize_scalar(rise, bounds=(0.5, 1.5), method="bounded", options={"xatol": 1e-9})
        lowest += best.fun
        factors = [at for at in range(3) if at != likelihood.poi_index]
        assert held.bestfit[factors[place]] == pytest.approx(best.x, abs=1e-6)
    assert held.bestfit[likelihood.poi_index] == 0.5
    assert held.best_twice_nll == pytest.approx(lowest, abs=1e-9)


@pytest.mark.parametrize("counts", [None, np.array([0.0, 50, 900, 0, 1, 2, 3, 1000])])
def test_factors_of_bins_are_the_best_given_all_others(rich: Templates, counts: np.ndarray | None) -> None:
    likelihood = Likelihood(rich, counts)
    objective = likelihood.objective()
    gammas, bounds = objective.expected.gammas, np.array(likelihood.model.config.suggested_bounds())
    assert {likelihood.model.config.par_names[place][:-3] for place in gammas} == {"staterror_sr", "staterror_cr"}
    wanted = np.ones(len(gammas), dtype=bool)
    wanted[1] = False
    rng = np.random.default_rng(1)
    for _ in range(3):
        others = likelihood.asimov_parameters() + 0.1 * rng.normal(size=len(bounds))
        found = objective.profiled(others, wanted, bounds)
        untouched = np.setdiff1d(np.arange(len(bounds)), gammas[wanted])
        np.testing.assert_array_equal(found[untouched], others[untouched])
        for place in gammas[wanted]:

            def along(value: float, place: int = int(place), found: np.ndarray = found) -> float:
                moved = found.copy()
                moved[place] = value
                return objective.value(moved)

            best = minimize_scalar(along, bounds=(0.5, 1.5), method="bounded", options={"xatol": 1e-9})
            assert found[place] == pytest.approx(best.x, abs=1e-6)


def test_same_minimum_and_covariance_as_pyhf_by_exact_derivatives(rich: Templates) -> None:
    """Newton's method on pyhf's own -2 ln L of all parameters, with derivatives by torch."""
    likelihood = Likelihood(rich)
    best = likelihood.fit()
    specification = pyhf_workspace(rich)
    functional: Any = torch.autograd.functional
    backend, optimizer = pyhf.get_backend()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="jsonschema.RefResolver", category=DeprecationWarning)
            warnings.filterwarnings("ignore", message="Creating a tensor from a list", category=UserWarning)
            pyhf.set_backend("pytorch", precision="64b")
            model, data = cabinetry.model_utils.model_and_data(specification)
            counts = torch.tensor(data, dtype=torch.float64)
            offset = float(model.logpdf(torch.tensor(best.bestfit), counts)[0])

            def minus_twice(parameters: torch.Tensor) -> Any:
                return -2 * (model.logpdf(parameters, counts)[0] - offset)

            point = torch.tensor(model.config.suggested_init(), dtype=torch.float64)
            for _ in range(12):
                slope = functional.jacobian(minus_twice, point)
                hessian = functional.hessian(minus_twice, point)
                point = point - torch.linalg.solve(hessian, slope)
            covariance = 2 * torch.linalg.inv(functional.hessian(minus_twice, point)).numpy()
    finally:
        pyhf.set_backend(backend, optimizer)
        torch.set_default_dtype(torch.float32)
    errors = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((best.bestfit - point.numpy()) / errors, 0, atol=1e-3)
    np.testing.assert_allclose(best.uncertainty / errors, 1, atol=1e-3)
    np.testing.assert_allclose((covariance_of(best) - covariance) / np.outer(errors, errors), 0, atol=2e-3)


def test_parameters_that_nearly_undo_each_other() -> None:
    """A background whose shape moves hardly more than the signal, and falls to nothing on one side: no parabola."""
    background = np.array([2e6, 0.0])
    shift = Shift("smeared", np.array([1.8e6, 2e5]), np.array([2.2e6, 0.0]))
    samples = (
        SampleTemplates("sig", np.array([18_000.0, 2500.0]), np.array([3000.0, 1118.0]) ** 2),
        SampleTemplates("bkg", background, np.array([632_000.0, 0.0]) ** 2, (shift,)),
    )
    channel = ChannelTemplates("all", np.array([0.0, 0.3, 1.0]), samples, samples[0].values + background)
    nuisances = (Nuisance("smeared", "experiment", "smeared"),)
    likelihood = Likelihood(Templates((channel,), ("sig",), nuisances, poi_bounds=(0.0, 200.0)))
    best = likelihood.fit()
    # On Asimov data the matrix of second derivatives is that of Fisher; its slopes from pyhf's expectation.
    start, config = likelihood.asimov_parameters(), likelihood.model.config
    np.testing.assert_allclose(best.bestfit, start, atol=1e-6)
    slopes = np.zeros((len(start), 2))
    for row, place in zip(slopes, range(len(start)), strict=True):
        step = 1e-6 * np.eye(len(start))[place]
        row[:] = (likelihood.expected(start + step) - likelihood.expected(start - step)) / 2e-6
    fisher = (slopes / likelihood.counts) @ slopes.T
    for name in config.auxdata_order:
        fisher[config.par_slice(name), config.par_slice(name)] += np.diag(1 / np.square(config.param_set(name).width()))
    expected = np.linalg.inv(fisher)
    np.testing.assert_allclose(best.uncertainty, np.sqrt(np.diag(expected)), rtol=0.02)
    assert best.uncertainty[config.poi_index] > 20
    assert best.corr_mat[config.poi_index, best.labels.index("smeared")] < -0.999


def test_the_backend_comes_back_after_an_error() -> None:
    before = pyhf.get_backend()

    def fail() -> None:
        with numpy_backend():
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail()
    assert pyhf.get_backend() == before
