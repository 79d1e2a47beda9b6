"""Binned responses on paper."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from rs3l_gnn.evaluation.figures.gallery import tagger_styles
from rs3l_gnn.evaluation.figures.profiles import draw_profiles, profiled
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.responses.measure import measure_responses

from .conftest import N, made, panels


def test_all_points_of_a_tagger_in_a_column_sum_to_its_response(make_meter: Callable[..., Meter]) -> None:
    nominal = made(1.0, 0.0)[::2]
    scores = np.stack([nominal, nominal**0.9, nominal**1.1], axis=1).ravel()
    profile: dict[str, Any] = {"observables": ["pt", "mass"], "edges": {"pt": [0, 500, 600], "mass": [-1, 0, 1]}}
    document = {"taggers": {"a": "a"}, "bootstrap": 20, "efficiencies": [0.8], "responses": {"profile": profile}}
    meter = make_meter(document, {"a": scores}, n_signal=N, n_background=N, variations=("fsrDefUp", "fsrDefDown"))
    results = measure_responses(meter, meter.task(None, None))
    signal = meter.config.signal
    assert profiled(results, signal) == ["fsr x2"]
    axes = panels(draw_profiles(meter.config, results, signal, "fsr x2"))
    response = results.responses["a"]["higgs"]["fsr x2"]["80"].response
    assert response is not None
    colour = tagger_styles(meter.config)["a"].colour
    for column in (0, 1):
        lines = [bars.lines[0] for panel in axes[column::2] for bars in panel.containers]
        heights = [y for line in lines if to_hex(line.get_color()) == colour for y in line.get_ydata()]
        assert len(heights) == 4
        assert sum(heights) == pytest.approx(response.value)
    assert [panel.get_xlabel() for panel in axes[2:]] == ["pT [GeV]", "mass [GeV]"]
    assert [text.get_text() for text in axes[2].get_xticklabels()] == ["", "500", ""]
