"""Responses on paper."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from rs3l_gnn.evaluation.figures.gallery import tagger_styles
from rs3l_gnn.evaluation.figures.responses import draw_responses, shown_estimators
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.responses.measure import measure_responses

from .conftest import N, made, panels

NAMES = ("fsrDefUp", "fsrDefDown", "vincia")


@pytest.fixture(scope="module")
def meter(make_meter: Callable[..., Meter]) -> Meter:
    scores = {}
    for name, slope in (("a", 0.1), ("b", 0.02)):
        nominal = made(1.0, 0.0, 3 if name == "a" else 4)[::2]
        moved = [np.log(nominal / (1 - nominal)) + slope * step for step in (0, 1, -1, 2)]
        scores[name] = 1 / (1 + np.exp(-np.stack(moved, axis=1).ravel()))
    document: dict[str, Any] = {"taggers": {"a": "a", "b": "b"}, "reference": "b", "bootstrap": 30}
    return make_meter({**document, "efficiencies": [0.8]}, scores, n_signal=N, n_background=N, variations=NAMES)


def points(axes: Any) -> dict[str, list[list[float]]]:
    """Heights of the points and half lengths of their error bars, by colour."""
    found: dict[str, list[list[float]]] = {}
    for bars in axes.containers:
        line, _, ranges = bars.lines
        for y in line.get_ydata():
            found.setdefault(to_hex(line.get_color()), []).append([y, ranges[0].get_segments()[0][1][1] - y])
    return found


def test_values_above_and_paired_differences_below(meter: Meter) -> None:
    results = measure_responses(meter, meter.task(None, None))
    signal = meter.config.signal
    assert shown_estimators(results, signal, ("shower", "weights")) == ["fsr x2"]
    upper, lower = panels(draw_responses(meter.config, results, signal))
    colours = {name: style.colour for name, style in tagger_styles(meter.config).items()}
    for tagger in ("a", "b"):
        expected = results.responses[tagger]["higgs"]["fsr x2"]["80"].response
        assert expected is not None
        assert points(upper)[colours[tagger]] == [pytest.approx([expected.value, expected.error])]
    change = results.response_comparisons["a - b"]["higgs"]["fsr x2"]["80"].change
    assert change.difference is not None
    assert points(lower)[colours["a"]] == [pytest.approx([change.difference, change.error])]
    assert colours["b"] not in points(lower)
    assert upper.get_ylabel() == "d ln ε / d ln μ², higgs"
    assert [text.get_text() for text in lower.get_xticklabels()] == ["FSR μ × 2"]


def test_generators_have_a_figure_of_their_own(meter: Meter) -> None:
    results = measure_responses(meter, meter.task(None, None))
    upper, lower = panels(draw_responses(meter.config, results, meter.config.background, ("generator",)))
    assert upper.get_ylabel() == "ln(ε / ε nominal), qcd"
    assert [text.get_text() for text in lower.get_xticklabels()] == ["Vincia"]
