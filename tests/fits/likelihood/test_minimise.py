from __future__ import annotations

import numpy as np
import pyhf
import pytest

from rs3l_gnn.fits import Likelihood, Templates
from rs3l_gnn.fits.likelihood.minimise import Objective, numpy_backend


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
        alone = Objective(likelihood.model, likelihood.data)
        gradient = objective.gradient(parameters)
        np.testing.assert_allclose(alone.gradient(parameters), gradient, rtol=1e-9)
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


def test_the_backend_comes_back_after_an_error() -> None:
    before = pyhf.get_backend()

    def fail() -> None:
        with numpy_backend():
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail()
    assert pyhf.get_backend() == before
