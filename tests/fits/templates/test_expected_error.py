from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rs3l_gnn.fits import Templates, expected_error
from rs3l_gnn.fits.templates.expected_error import poi_range


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
