"""Expected counts are those of pyhf, and their derivatives those of pyhf's counts."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits import Likelihood, Templates
from rs3l_gnn.fits.likelihood.expectation import Expectation
from rs3l_gnn.fits.likelihood.minimise import numpy_backend


@pytest.mark.parametrize("scatter", [0.0, 0.05, 0.8])
def test_counts_and_slopes_are_those_of_pyhf(rich: Templates, scatter: float) -> None:
    likelihood = Likelihood(rich)
    expected, model = Expectation(likelihood.model), likelihood.model
    rng = np.random.default_rng(1)
    nominal = likelihood.asimov_parameters()
    parameters = nominal + scatter * rng.normal(size=len(nominal))
    with numpy_backend():
        theirs = np.asarray(model.expected_data(parameters, include_auxdata=False))
        np.testing.assert_allclose(expected(parameters), theirs, rtol=1e-12)
        slopes = expected.jacobian(parameters).toarray()
        assert slopes.shape == (len(nominal), len(theirs))
        for position, slope in enumerate(slopes):
            step = np.zeros(len(nominal))
            step[position] = 1e-5
            above, below = (
                model.expected_data(point, include_auxdata=False) for point in (parameters + step, parameters - step)
            )
            np.testing.assert_allclose(slope, (above - below) / 2e-5, rtol=1e-6, atol=1e-5)


def test_nothing_of_a_signal_has_a_slope(rich: Templates) -> None:
    likelihood = Likelihood(rich)
    expected = Expectation(likelihood.model)
    parameters = likelihood.asimov_parameters()
    one = expected.jacobian(parameters).toarray()[likelihood.poi_index]
    parameters[likelihood.poi_index] = 0.0
    np.testing.assert_allclose(expected.jacobian(parameters).toarray()[likelihood.poi_index], one, rtol=1e-12)
    without = likelihood.expected_by_sample(parameters)
    assert not without["hbb"].any()
    np.testing.assert_allclose(expected(parameters), sum(without.values()), rtol=1e-12)


def test_other_modifiers_are_refused(rich: Templates) -> None:
    model = Likelihood(rich).model
    sample = {"name": "a", "data": [1.0] * 4, "modifiers": [{"name": "mu", "type": "shapefactor", "data": None}]}
    changed = SimpleNamespace(config=model.config, spec={"channels": [{"name": "sr", "samples": [sample]}]})
    with pytest.raises(FitError, match="channel sr: modifiers of type shapefactor"):
        Expectation(changed)
