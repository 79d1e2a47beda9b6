from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rs3l_gnn.fits import Likelihood, Templates, asimov_fit, errors_by_group, expected_error
from rs3l_gnn.fits.likelihood.expectation import poi_range


def test_one_bin(one_bin: Callable[..., Templates]) -> None:
    effect = 1000 * (1.05 - 1 / 1.05) / 2
    assert expected_error(one_bin()) == pytest.approx(math.sqrt(1050 + effect**2) / 50)


def test_more_freedom_means_larger_errors(rich: Templates) -> None:
    fixed = expected_error(replace(rich, free_rates=()))
    assert expected_error(rich) > fixed
    without = [replace(c, samples=tuple(replace(s, shifts=()) for s in c.samples)) for c in rich.channels]
    assert fixed > expected_error(replace(rich, free_rates=(), channels=tuple(without)))


def test_range_encloses_many_errors_but_no_negative_expectation(one_bin: Callable[..., Templates]) -> None:
    error = math.sqrt(1050) / 50
    assert poi_range(one_bin(effect=1e-6)) == pytest.approx((-10 * error, 1 + 10 * error))
    low, high = poi_range(one_bin(signal=1000.0, background=100.0))
    # Below -b / s nothing is expected.
    assert low == pytest.approx(-0.099)
    assert high > 1


def test_no_signal_has_no_error(rich: Templates) -> None:
    empty = [
        replace(c, samples=tuple(s for s in c.samples if s.name != "hbb" or c.name == "sr")) for c in rich.channels
    ]
    templates = replace(rich, channels=tuple(empty))
    assert np.isfinite(expected_error(templates))
    object.__setattr__(templates, "signal", ("absent",))
    assert expected_error(templates) == float("inf")
    assert poi_range(templates) == (-10.0, 10.0)


def test_asimov_fit_is_the_fit_of_the_expectation(rich: Templates) -> None:
    total = {c.name: np.sum([s.values for s in c.samples], axis=0) for c in rich.channels}
    asimov = replace(rich, channels=tuple(replace(c, data=total[c.name]) for c in rich.channels))
    likelihood = Likelihood(asimov)
    known, fitted = asimov_fit(likelihood), likelihood.fit()
    assert known.labels == fitted.labels
    np.testing.assert_allclose(known.errors, fitted.errors, rtol=5e-3)
    np.testing.assert_allclose(known.correlation, fitted.correlation, atol=5e-3)
    for group, error in errors_by_group(asimov, fitted).items():
        assert errors_by_group(asimov, known)[group] == pytest.approx(error, rel=1e-2)


def test_asimov_fit_on_paper(one_bin: Callable[..., Templates]) -> None:
    slope = 1000 * math.log(1.05)
    assert asimov_fit(Likelihood(one_bin())).of("mu")[1] == pytest.approx(math.sqrt(1050 + slope**2) / 50, rel=1e-6)
