from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rs3l_gnn.fits import Likelihood, Templates, asimov_fit, errors_by_group, value_of


def test_asimov_fit_is_the_fit_of_the_expectation(rich: Templates) -> None:
    total = {c.name: np.sum([s.values for s in c.samples], axis=0) for c in rich.channels}
    asimov = replace(rich, channels=tuple(replace(c, data=total[c.name]) for c in rich.channels))
    likelihood = Likelihood(asimov)
    known, fitted = asimov_fit(likelihood), likelihood.fit()
    assert known.labels == fitted.labels
    np.testing.assert_allclose(known.uncertainty, fitted.uncertainty, rtol=5e-3)
    np.testing.assert_allclose(known.corr_mat, fitted.corr_mat, atol=5e-3)
    for group, error in errors_by_group(asimov, fitted).items():
        assert errors_by_group(asimov, known)[group] == pytest.approx(error, rel=1e-2)


def test_asimov_fit_on_paper(one_bin: Callable[..., Templates]) -> None:
    slope = 1000 * math.log(1.05)
    assert value_of(asimov_fit(Likelihood(one_bin())), "mu")[1] == pytest.approx(
        math.sqrt(1050 + slope**2) / 50, rel=1e-6
    )
