"""Curves of synthetic taggers: signal shifted by a known amount against background, both normal."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.evaluation.curves import fit_curve, measure_curve
from rs3l_gnn.evaluation.meter import Meter

N_SIGNAL, N_BACKGROUND = 4000, 6000
MU = {"weak": 1.0, "middle": 1.4, "strong": 1.8}


def scores(mu: float, seed: int, shift: float = 0.0) -> NDArray[np.float64]:
    """Score of both views of every event: noise of the event is shared by all trainings, 10 % is their own."""
    events = np.random.default_rng(100).normal(0, 1, N_SIGNAL + N_BACKGROUND)
    own = np.random.default_rng(seed).normal(0, 1, len(events))
    nominal = np.sqrt(0.9) * events + np.sqrt(0.1) * own + mu * (np.arange(len(events)) < N_SIGNAL)
    return np.stack([nominal, nominal + shift], axis=1).ravel()


@pytest.fixture(scope="module")
def meter(make_meter: Callable[..., Meter]) -> Meter:
    document = {
        "bootstrap": 100,
        "curves": {
            "c": {
                "x_label": "n",
                "lines": {
                    "rs3l": {10: ["middle0", "middle1", "middle2"], 100: ["strong0", "strong1", "strong2"]},
                    "supervised": {10: ["weak0", "weak1", "weak2"], 100: ["middle0", "middle1", "middle2"]},
                },
                "references": {"N2": "n2"},
                "reference": "supervised",
                "aims": {10: 1.5, 100: 9.0},
                "extrapolate_to": 1000,
                "variations": True,
            }
        },
    }
    made = {
        f"{name}{seed}": scores(mu, 10 * place + seed, 0.1 if name == "strong" else 0.2)
        for place, (name, mu) in enumerate(MU.items())
        for seed in range(3)
    }
    return make_meter(document, made, n_signal=N_SIGNAL, n_background=N_BACKGROUND, variations=("fsrRenHi",))


@pytest.fixture(scope="module")
def numbers(meter: Meter) -> dict[str, Any]:
    return measure_curve(meter, meter.config.curves["c"]).document()


@pytest.mark.parametrize(
    ("line", "x", "name"),
    [("rs3l", 10, "middle"), ("rs3l", 100, "strong"), ("supervised", 10, "weak"), ("supervised", 100, "middle")],
)
def test_points_have_the_known_performance(numbers: dict[str, Any], line: str, x: float, name: str) -> None:
    point = next(point for point in numbers["lines"][line] if point["x"] == x)
    assert point["n_trainings"] == 3
    assert point["auc"] == pytest.approx(norm.cdf(MU[name] / np.sqrt(2)), abs=4 * point["auc_error"])
    rate = norm.sf(MU[name])  # at half of the signal the threshold is its mean
    rejection = point["rejection"]
    assert rejection["background_efficiency"] == pytest.approx(rate, abs=4 * rejection["background_efficiency_error"])
    assert rejection["value"] == pytest.approx(1 / rejection["background_efficiency"])
    # Binomial background plus the jitter of the threshold, itself the error of a median.
    slope = norm.pdf(MU[name])
    expected = np.hypot(np.sqrt(rate * (1 - rate) / N_BACKGROUND), slope * np.sqrt(np.pi / 2 / N_SIGNAL))
    assert rejection["background_efficiency_error_events"] == pytest.approx(expected, rel=0.25)
    low, high = rejection["interval"]
    assert low < rejection["value"] < high


def test_gains_are_ratios_at_the_same_place_with_paired_errors(numbers: dict[str, Any], meter: Meter) -> None:
    first, second = numbers["lines"]["rs3l"]
    assert first["gain"]["ratio"] == pytest.approx(norm.sf(MU["weak"]) / norm.sf(MU["middle"]), rel=0.1)
    assert second["gain"]["ratio"] == pytest.approx(norm.sf(MU["middle"]) / norm.sf(MU["strong"]), rel=0.15)
    assert first["gain"]["significance"] > 5
    assert all("gain" not in point for point in numbers["lines"]["supervised"])
    assert "gain" not in numbers["references"]["N2"]  # it has no x
    # The events are shared: the interval is narrower than those of both rejections together.
    apart = sum(
        np.diff(np.log(point["rejection"]["interval"]))[0] ** 2 for point in (first, numbers["lines"]["supervised"][0])
    )
    assert np.diff(np.log(first["gain"]["interval"]))[0] < 0.8 * np.sqrt(apart)


def test_a_baseline_that_tells_nothing_apart(numbers: dict[str, Any]) -> None:
    flat = numbers["references"]["N2"]
    assert flat["auc"] == 0.5
    assert flat["auc_error"] == 0
    assert flat["rejection"]["value"] == 1


def test_distances_are_the_known_shifts(numbers: dict[str, Any]) -> None:
    for point, shift in zip(numbers["lines"]["rs3l"], (0.2, 0.1), strict=True):
        for which in ("qcd", "higgs"):
            assert point["wasserstein"][which]["wasserstein"] == pytest.approx(shift)
            assert point["wasserstein"][which]["wasserstein_error"] == pytest.approx(0, abs=1e-9)


def test_aims_are_judged(numbers: dict[str, Any]) -> None:
    reached, missed = numbers["aims"]
    assert (reached["x"], reached["aim"], reached["lines"]["rs3l"]["reached"]) == (10, 1.5, True)
    assert not missed["lines"]["rs3l"]["reached"]
    # Both gains lie on a power law by construction of two points; it reaches the aim where the law says.
    gains = [point["gain"]["ratio"] for point in numbers["lines"]["rs3l"]]
    exponent = np.log10(gains[1] / gains[0])
    assert missed["lines"]["rs3l"]["extrapolation"]["x"] == pytest.approx(
        10 * (9 / gains[0]) ** (1 / exponent), rel=1e-6
    )


def test_extrapolations_say_what_they_are_of(numbers: dict[str, Any], meter: Meter) -> None:
    assert set(numbers["extrapolations"]) == {"rejection", "gain", "wasserstein qcd", "wasserstein higgs"}
    rates = [point["rejection"]["value"] for point in numbers["lines"]["rs3l"]]
    law = numbers["extrapolations"]["rejection"]["rs3l"]
    assert law["value"] == pytest.approx(rates[1] ** 2 / rates[0])
    assert law["interval"][0] < law["value"] < law["interval"][1]
    assert numbers["extrapolations"]["wasserstein qcd"]["rs3l"]["value"] == pytest.approx(0.05)
    assert set(fit_curve(meter, meter.config.curves["c"], "gain")) == {"rs3l"}


def test_nominal_scores_alone_give_no_distance(meter: Meter) -> None:
    curve = meter.config.curves["c"].model_copy(update={"variations": False, "extrapolate_to": None, "aims": {}})
    numbers = measure_curve(meter, curve).document()
    assert all("wasserstein" not in point for points in numbers["lines"].values() for point in points)
    assert numbers["extrapolations"] == {}


def test_another_signal(meter: Meter) -> None:
    top = {"name": "top", "jettypes": ["TOP_BQQ"]}
    curve = type(meter.config.curves["c"]).model_validate({"x_label": "n", "lines": {"a": {1: "weak0"}}, "signal": top})
    with pytest.raises(InvalidDataError, match="no test event is of class 'top'"):
        measure_curve(meter, curve)
    light = {"name": "light", "jettypes": ["Q"]}
    swapped = {"signal": light, "background": {"name": "higgs", "jettypes": ["H_BB"]}}
    curve = type(curve).model_validate({"x_label": "n", "lines": {"a": {1: "weak0"}}, **swapped})
    turned = measure_curve(meter, curve).lines["a"][0]
    plain = meter.area(("weak0",), meter.task(None, None))
    assert turned.auc.value == pytest.approx(1 - plain.value)
