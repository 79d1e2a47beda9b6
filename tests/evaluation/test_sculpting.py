"""How far cuts shape the mass of the background, against SciPy and loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from rs3l_gnn.conventions.errors import SettingsError
from rs3l_gnn.evaluation.config import SculptingConfig
from rs3l_gnn.evaluation.metrics import measure
from rs3l_gnn.evaluation.sculpting import jensen_shannon, mass_spectra, measure_sculpting

from .conftest import Maker
from .test_weights import CLASSES, N_BACKGROUND, N_SIGNAL, event_weights, scores


def test_divergence_is_the_square_of_scipys_distance() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.exponential(1.0, (2, 20, 7))
    first[3, 2:5] = 0
    found = jensen_shannon(first, second)
    for one, other, divergence in zip(first, second, found, strict=True):
        assert divergence == pytest.approx(jensenshannon(one, other, base=2) ** 2, abs=1e-12)
    assert jensen_shannon(np.array([1, 0]), np.array([0, 3])) == 1  # nothing in common
    assert jensen_shannon(np.array([1, 2]), np.array([2, 4])) == pytest.approx(0, abs=1e-15)
    assert jensen_shannon(np.array([1, -1, 1]), np.array([2, 0, 2])) == 0
    assert np.isnan(jensen_shannon(np.zeros(2), np.ones(2)))


def test_spectra_are_histograms() -> None:
    rng = np.random.default_rng(2)
    mass, passed, weights = rng.uniform(0, 100, 500), rng.random(500) < 0.3, rng.normal(1, 1, 500)
    mass[:3] = (np.nan, 20.0, 80.0)  # an upper edge belongs to the next bin, of which there is none
    edges = (20.0, 30.0, 50.0, 80.0)
    found = mass_spectra(mass, passed, weights, edges)
    for row, which in enumerate((~passed, passed)):
        inside = which & (mass < 80)
        expected = np.histogram(mass[inside], edges, weights=weights[inside])[0]
        np.testing.assert_allclose(found[row], expected)


def test_a_tagger_of_the_mass_and_one_of_anything_else(make_meter: Maker) -> None:
    rng, other, weights = np.random.default_rng(5), scores(1), event_weights(3)
    mass = rng.uniform(30, 260, len(other)).astype(np.float32)
    # More score at 125 GeV, beside what tells the classes apart.
    by_mass = np.clip(other * 0.5 + 0.5 * np.exp(-(((mass - 125) / 30) ** 2)), 0, 1)
    meter = make_meter(
        {**CLASSES, "bootstrap": 60, "efficiencies": [0.5]},
        {"one": other, "two": by_mass},
        n_signal=N_SIGNAL,
        n_background=N_BACKGROUND,
        variations=("seed",),
        weights=weights,
    )
    meter.scored.views.msoftdrop[:] = mass
    found = measure(meter).document()["sculpting"]
    w, m = weights[::2].astype(np.float32).astype(float), mass[::2]
    signal = np.arange(len(w)) < N_SIGNAL
    for name, values in (("one", other), ("two", by_mass)):
        score = values[::2]
        cut = next(c for c in sorted(score[signal])[::-1] if w[signal & (score >= c)].sum() >= 0.5 * w[signal].sum())
        spectra = []
        for passing in (False, True):
            chosen = ~signal & ((score >= cut) == passing)
            spectra.append([w[chosen & (m >= low) & (m < low + 10)].sum() for low in range(40, 250, 10)])
        expected = jensenshannon(*spectra, base=2) ** 2
        assert found[name]["50"]["divergence"] == pytest.approx(expected, rel=1e-6)
        assert found[name]["50"]["divergence_error"] > 0
    assert found["two"]["50"]["divergence"] > 2 * found["two"]["50"]["divergence_null_95"]
    assert found["one"]["50"]["divergence"] < 1.5 * found["one"]["50"]["divergence_null_95"]


def test_what_statistics_makes_is_that_of_equal_shapes(make_meter: Maker) -> None:
    """For many jets the mean is (n_bins - 1) (1/n + 1/n') / (8 ln 2), as of a chi squared."""
    n = 4000
    score = np.random.default_rng(7).random(2 * n)
    meter = make_meter(
        {**CLASSES, "bootstrap": 10, "efficiencies": [0.5], "variations": []},
        {"one": score, "two": score},
        n_signal=n,
        n_background=n,
    )
    meter.scored.views.msoftdrop[:] = np.random.default_rng(8).uniform(40, 250, 2 * n)
    found = measure_sculpting(meter, meter.task(None, None))["one"]["50"]
    passing = int((score[n:] >= np.sort(score[:n])[n // 2]).sum())
    expected = 20 * (1 / passing + 1 / (n - passing)) / (8 * math.log(2))
    assert found.divergence_null == pytest.approx(expected, rel=0.1)


def test_left_out_and_refused(make_meter: Maker) -> None:
    made = make_meter(
        {**CLASSES, "bootstrap": 5, "sculpting": None},
        {"one": scores(1)[::2]},
        n_signal=N_SIGNAL,
        n_background=N_BACKGROUND,
    )
    assert measure_sculpting(made, made.task(None, None)) == {}
    with pytest.raises(SettingsError, match="edges must rise, got 40, 30, 50"):
        SculptingConfig(edges=(40, 30, 50))
