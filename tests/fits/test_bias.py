from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rs3l_gnn.fits import Likelihood, Templates
from rs3l_gnn.fits.bias import bias_error, response


def test_response_of_one_bin(one_bin: Callable[..., Templates]) -> None:
    # mu = (n - b) / s, so one more event moves it by 1 / s.
    likelihood = Likelihood(one_bin())
    slopes = response(likelihood, likelihood.fit())
    assert slopes == pytest.approx([1 / 50], rel=1e-2)
    assert bias_error(likelihood, likelihood.fit(), {"sr": np.array([10.0])}) == pytest.approx(10 / 50, rel=1e-2)


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
            moved.append(Likelihood(rich, data).fit(start=best.values).of("mu")[0])
        assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(slopes[position], rel=0.1, abs=1e-4)


def test_channels_without_errors_add_nothing(rich: Templates) -> None:
    likelihood = Likelihood(rich)
    best = likelihood.fit()
    one = bias_error(likelihood, best, {"sr": np.full(4, 2.0)})
    both = bias_error(likelihood, best, {"sr": np.full(4, 2.0), "cr": np.full(4, 2.0)})
    assert 0 < one < both
    assert bias_error(likelihood, best, {}) == 0.0
