"""Distances and changes of rates on paper."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from rs3l_gnn.evaluation.figures.robustness import draw_distances, draw_rate_changes
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.results import Metrics

from .conftest import SCORES, N, panels


def test_bars_are_as_high_as_the_distances(synthetic: Meter, measured: Metrics) -> None:
    left, right = panels(draw_distances(synthetic.config, measured, synthetic.config.signal))
    heights = {bars.get_label(): bars.patches[0].get_height() for bars in left.containers if len(bars.get_label()) < 3}
    nominal, varied = SCORES["b"][::2][:N], SCORES["b"][1::2][:N]
    assert heights["b"] == pytest.approx(wasserstein_distance(nominal, varied))
    assert heights["n2"] == 0
    assert [text.get_text() for text in left.get_xticklabels()] == ["FSR\nμ² × 0.707"]
    labels = left.get_legend_handles_labels()[1]
    assert {"statistics alone", "0.5 × a"} < set(labels)
    for axes in (left, right):
        assert axes.get_ylim()[0] == 0
        assert axes.get_ylim()[1] > 1.2 * max(patch.get_height() for patch in axes.patches)


def test_changes_are_in_per_cent(synthetic: Meter, measured: Metrics) -> None:
    axes = panels(draw_rate_changes(synthetic.config, measured, synthetic.config.background))[0]
    cut = np.sort(SCORES["b"][::2][:N])[::-1][N // 2 - 1]
    nominal, varied = (np.mean(SCORES["b"][start::2][N:] >= cut) for start in (0, 1))
    drawn = [
        float(np.asarray(bars.lines[0].get_ydata())[0]) for bars in axes.containers if len(bars.lines[0].get_ydata())
    ]
    assert drawn[-1] == pytest.approx(100 * (varied / nominal - 1))
    assert axes.get_ylabel() == "Change of FPR, qcd [%]"
    assert axes.get_xlim() == (-0.5, 0.5)
