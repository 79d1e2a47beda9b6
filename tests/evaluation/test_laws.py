"""Power laws through points with errors."""

import dataclasses

import numpy as np
import pytest

from rs3l_gnn.evaluation.laws import fit_power_law
from rs3l_gnn.evaluation.results import Crossing


def test_an_exact_law_is_found_and_continued() -> None:
    x = [1e3, 1e4, 1e5]
    rng = np.random.default_rng(1)
    replicas = [3 * value**0.2 * np.exp(rng.normal(0, 0.01, 200)) for value in x]
    law = fit_power_law(x, [3 * value**0.2 for value in x], replicas)
    assert law is not None
    found = law.prediction(1e6)
    assert found.exponent == pytest.approx(0.2)
    assert found.amplitude == pytest.approx(3)
    assert found.value == pytest.approx(3 * 1e6**0.2)
    # Three points of equal error 0.01 at -1, 0, 1 (in decades): variance of the slope is 0.01^2 / 2.
    assert found.exponent_error == pytest.approx(0.01 / np.sqrt(2) / np.log(10), rel=0.15)
    # Two decades from the middle: 0.01 * sqrt(1/3 + 2^2 / 2).
    low, high = found.interval
    assert np.log(high / low) / 2 == pytest.approx(0.9945 * 0.01 * np.sqrt(1 / 3 + 2), rel=0.15)
    assert found.chi2 == pytest.approx(0, abs=1e-9)
    assert found.degrees_of_freedom == 1
    at, (near, far) = dataclasses.astuple(law.crossing(3 * 1e6**0.2))
    assert at == pytest.approx(1e6, rel=1e-6)
    assert near is not None
    assert far is not None
    assert near < 1e6 < far


def test_chi2_knows_what_is_no_law() -> None:
    x = [1.0, 10.0, 100.0]
    rng = np.random.default_rng(2)
    y = [1.0, 1.1, 1.0]
    law = fit_power_law(x, y, [value * np.exp(rng.normal(0, 0.01, 200)) for value in y])
    assert law is not None
    assert law.chi2 == pytest.approx(np.log(1.1) ** 2 / (0.01**2 * 1.5), rel=0.25)


def test_a_law_that_falls_never_crosses() -> None:
    rng = np.random.default_rng(3)
    replicas = [value * np.exp(rng.normal(0, 0.01, 200)) for value in (2.0, 1.0)]
    law = fit_power_law([1.0, 10.0], [2.0, 1.0], replicas)
    assert law is not None
    assert law.crossing(4.0) == Crossing(None, (None, None))


def test_points_without_a_logarithm_are_left_out() -> None:
    good = np.full(100, 1.0) + np.linspace(-0.1, 0.1, 100)
    few, many = good.copy(), good.copy()
    few[:3] = 0.0
    many[:10] = np.inf
    three = fit_power_law([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], [good, few, good])
    assert three is not None
    assert three.n_points == 3
    assert np.isfinite(three.replicas).all()
    two = fit_power_law([1.0, 2.0, 3.0, 4.0], [1.0, 1.0, None, 1.0], [good, many, good, good])
    assert two is not None
    assert two.n_points == 2
    assert fit_power_law([1.0, 2.0], [1.0, 0.0], [good, good]) is None
