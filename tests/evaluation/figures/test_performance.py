"""ROC curves and rejections on paper."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from rs3l_gnn.evaluation.figures.performance import draw_rejections, draw_roc
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.metrics import measure
from rs3l_gnn.evaluation.results import Metrics

from .conftest import SCORES, N, panels


def rate(scores: np.ndarray, efficiency: float) -> float:
    """False positive rate by counting."""
    signal, background = np.sort(scores[::2][:N])[::-1], scores[::2][N:]
    return float(np.mean(background >= signal[int(np.ceil(efficiency * N - 1e-9)) - 1]))


def test_the_curve_is_the_counted_one(synthetic: Meter, measured: Metrics) -> None:
    top, bottom = panels(draw_roc(synthetic, measured))
    lines = {str(line.get_label()).split()[0]: line for line in top.get_lines()}
    assert set(lines) == {"n2", "a", "b"}
    for x, y in zip(*lines["b"].get_data(), strict=True):
        assert y == pytest.approx(rate(SCORES["b"], x))
    assert "AUC 0.9" in str(lines["b"].get_label())
    assert top.get_xlim() == bottom.get_xlim() == (0, 1)
    assert top.get_ylim()[0] == pytest.approx(0.5 / N)
    assert top.get_ylim()[1] > 1.5  # the legend has room
    assert bottom.get_xlabel() == "Signal efficiency (higgs)"
    # Nothing of the only other tagger is outside the lower panel.
    ratios = np.concatenate([np.asarray(line.get_ydata()) for line in bottom.get_lines()])
    assert len(ratios) > 20
    assert bottom.get_ylim()[0] < ratios.min() <= ratios.max() < bottom.get_ylim()[1]


def test_rejections_stand_at_their_efficiencies(synthetic: Meter, measured: Metrics) -> None:
    top, bottom = panels(draw_rejections(synthetic, measured))
    points = {container.get_label(): container.lines[0] for container in top.containers}
    for x, y in zip(*points["b"].get_data(), strict=True):
        assert y == pytest.approx(1 / rate(SCORES["b"], round(x, 1)))
    assert len(bottom.containers) == 2
    expected = np.mean([rate(SCORES[name], 0.5) for name in ("a0", "a1")]) / rate(SCORES["b"], 0.5)
    assert bottom.containers[0].lines[0].get_ydata()[0] == pytest.approx(expected)


def test_a_single_tagger_has_no_panel_of_ratios(synthetic: Meter, measured: Metrics) -> None:
    alone = Meter(synthetic.config.model_copy(update={"taggers": {"b": "b"}}), synthetic.scored)
    chosen = dataclasses.replace(measured)
    assert len(panels(draw_roc(alone, chosen))) == 1
    assert len(panels(draw_rejections(alone, chosen))) == 1


def test_points_of_many_taggers_stay_at_their_efficiency(make_meter: Callable[..., Meter]) -> None:
    """Fifteen taggers at 50, 60 and 70 %: no point of one efficiency stands among those of another."""
    rng = np.random.default_rng(1)
    better = np.where(np.arange(400) < 200, 0.3, 0.0)
    scores = {f"t{number}": rng.uniform(size=400) + better for number in range(15)}
    document = {"taggers": {name: name for name in scores}, "efficiencies": [0.5, 0.6, 0.7], "bootstrap": 5}
    meter = make_meter(document, scores, n_signal=200, n_background=200)
    top, _ = panels(draw_rejections(meter, measure(meter)))
    places = np.array([container.lines[0].get_xdata() for container in top.containers])
    assert places.shape == (16, 3)
    for column, efficiency in enumerate((0.5, 0.6, 0.7)):
        assert np.abs(places[:, column] - efficiency).max() < 0.05
