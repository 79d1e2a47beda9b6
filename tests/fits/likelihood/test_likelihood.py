from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import cabinetry
import numpy as np
import pyhf
import pytest

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits import Likelihood, Templates, errors_by_group, expected_error, pyhf_workspace, value_of
from rs3l_gnn.fits.likelihood.minimise import numpy_backend


def test_one_bin_is_known_on_paper(one_bin: Callable[..., Templates]) -> None:
    # -ln L = lambda - n ln lambda + theta^2 / 2 with lambda = mu s + b 1.05^theta. At n = s + b the minimum is
    # (1, 0), the Hessian J J^T / n + diag(0, 1) with J = (s, b ln 1.05), so var(mu) = (n + J_2^2) / s^2 and
    # cov(mu, theta) = -J_2 / s.
    signal, background = 50.0, 1000.0
    slope = background * math.log(1.05)
    best = Likelihood(one_bin()).fit()
    value, error = value_of(best, "mu")
    assert value == pytest.approx(1.0, abs=1e-5)
    assert error == pytest.approx(math.sqrt(signal + background + slope**2) / signal, rel=1e-3)
    correlation = best.corr_mat[best.labels.index("mu"), best.labels.index("norm")]
    assert correlation == pytest.approx(-slope / signal / error, rel=1e-3)
    parts = errors_by_group(one_bin(), best)
    assert parts["statistical"] == pytest.approx(math.sqrt(1050) / 50, rel=1e-3)
    assert parts["normalisation"] == pytest.approx(slope / 50, rel=1e-3)
    assert parts["systematic"] == pytest.approx(slope / 50, rel=1e-3)
    assert parts["mc_stat"] == 0.0


def test_one_bin_with_other_data(one_bin: Callable[..., Templates]) -> None:
    # One bin cannot pull the nuisance: the signal takes up every difference, (n - b) / s.
    best = Likelihood(one_bin(), np.array([1130.0])).fit()
    assert value_of(best, "mu")[0] == pytest.approx(2.6, abs=2e-3)
    assert value_of(best, "norm")[0] == pytest.approx(0.0, abs=2e-3)


def test_group_errors_are_those_of_fits_with_the_group_held(rich: Templates) -> None:
    likelihood = Likelihood(rich)
    best = likelihood.fit()
    parts = errors_by_group(rich, best)
    value, total = value_of(best, "mu")
    for group, names in rich.groups.items():
        held = likelihood.fit(fixed={name: value_of(best, name)[0] for name in names}, start=best.bestfit)
        assert value_of(held, "mu")[0] == pytest.approx(value, abs=2e-3)
        assert math.sqrt(total**2 - parts[group] ** 2) == pytest.approx(value_of(held, "mu")[1], rel=2e-3)
    # The shower moves the slope of the score, which the fit sees: its part is neither nothing nor everything.
    assert 0.05 < parts["shower"] / total < 0.95
    # The free normalisation belongs to the statistical part.
    constrained = [label for label in best.labels if label not in ("mu", "norm_qcd")]
    held = likelihood.fit(fixed={name: value_of(best, name)[0] for name in constrained}, start=best.bestfit)
    assert parts["statistical"] == pytest.approx(value_of(held, "mu")[1], rel=0.01)
    assert parts["statistical"] ** 2 + parts["systematic"] ** 2 == pytest.approx(total**2)


def test_same_fit_as_cabinetry(rich: Templates) -> None:
    likelihood = Likelihood(rich)
    best = likelihood.fit(minos=True)
    with numpy_backend():
        model, data = cabinetry.model_utils.model_and_data(pyhf_workspace(rich))
        theirs = cabinetry.fit.fit(model, data, minos="mu", goodness_of_fit=True)
    assert list(best.labels) == theirs.labels
    # cabinetry's fit stops within 1.4 % of the errors.
    np.testing.assert_allclose((best.bestfit - theirs.bestfit) / best.uncertainty, 0, atol=0.03)
    np.testing.assert_allclose(best.uncertainty, theirs.uncertainty, rtol=1e-2)
    assert best.minos_uncertainty["mu"] == pytest.approx(theirs.minos_uncertainty["mu"], rel=1e-2)
    assert likelihood.goodness_of_fit(best) == pytest.approx(theirs.goodness_of_fit, abs=1e-4)


def test_an_unchecked_model_is_that_of_cabinetry(rich: Templates) -> None:
    unchecked = Likelihood(rich, checked=False)
    with numpy_backend():
        model, data = cabinetry.model_utils.model_and_data(pyhf_workspace(rich))
    assert unchecked.data == data
    assert unchecked.model.config.par_names == model.config.par_names
    start = np.array(model.config.suggested_init())
    for point in start + np.random.default_rng(0).normal(0, 0.05, (20, len(start))):
        assert float(unchecked.model.logpdf(point, data)[0]) == float(model.logpdf(point, data)[0])


def test_expected_error_is_close_to_the_fit(rich: Templates) -> None:
    total = {c.name: np.sum([s.values for s in c.samples], axis=0) for c in rich.channels}
    asimov = replace(rich, channels=tuple(replace(c, data=total[c.name]) for c in rich.channels))
    assert expected_error(asimov) == pytest.approx(value_of(Likelihood(asimov).fit(), "mu")[1], rel=0.02)


def test_goodness_of_fit_needs_degrees_of_freedom(one_bin: Callable[..., Templates]) -> None:
    likelihood = Likelihood(one_bin())
    assert likelihood.goodness_of_fit(likelihood.fit()) is None


def test_bad_data_fit_badly(rich: Templates) -> None:
    likelihood = Likelihood(rich)
    data = likelihood.expected(likelihood.asimov_parameters())
    worse = Likelihood(rich, data * np.array([1, 1.4, 0.6, 1, 1, 0.6, 1.4, 1]))
    good = likelihood.goodness_of_fit(likelihood.fit())
    bad = worse.goodness_of_fit(worse.fit())
    assert good is not None
    assert bad is not None
    assert good > 0.5
    assert bad < 1e-6


def test_global_state_is_restored_even_after_an_error() -> None:
    backend, optimizer = pyhf.get_backend()

    def fail() -> None:
        with numpy_backend():
            pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer())
            raise FitError("a fit that fails")

    with pytest.raises(FitError):
        fail()
    assert pyhf.get_backend()[0] is backend
    assert pyhf.get_backend()[1] is optimizer


def test_no_valid_minimum_is_an_error_of_ours(one_bin: Callable[..., Templates]) -> None:
    # Twice as many free parameters as numbers to fit: the second signal cannot be told from the first.
    templates = one_bin()
    likelihood = Likelihood(templates)
    broken = likelihood.with_data([float("nan"), 0.0])
    with pytest.raises(FitError, match="no valid minimum"):
        broken.fit()


def test_fixed_parameters_have_no_error(rich: Templates) -> None:
    best = Likelihood(rich).fit(fixed={"fsr": 0.5})
    assert value_of(best, "fsr") == (0.5, 0.0)


@pytest.mark.parametrize("after", [True, False])
def test_band_grows_with_the_errors(rich: Templates, after: bool) -> None:
    likelihood = Likelihood(rich)
    best = likelihood.fit()
    band = likelihood.band(best if after else None)
    assert set(band) == {"sr", "cr"}
    for channel in rich.channels:
        total = np.sum([sample.values for sample in channel.samples], axis=0)
        # After the fit the data constrain the sum to about their own statistical error.
        assert (band[channel.name] < (1.2 if after else 5) * np.sqrt(total)).all()
        assert (band[channel.name] > 0.2 * np.sqrt(total)).all()
