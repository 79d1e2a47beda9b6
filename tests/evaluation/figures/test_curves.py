"""Curves and tables on paper."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from rs3l_gnn.evaluation import CurveConfig
from rs3l_gnn.evaluation.curves import measure_curve
from rs3l_gnn.evaluation.figures.curves import draw_curve, draw_curve_areas, draw_curve_distances, draw_table
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.results import Metrics

from .conftest import SCORES, panels
from .test_performance import rate


def test_points_and_ratios(synthetic: Meter, measured: Metrics) -> None:
    curve = synthetic.config.curves["labels"]
    top, bottom = panels(draw_curve(synthetic, curve, measured.curves["labels"]))
    points = {bars.get_label(): np.asarray(bars.lines[0].get_ydata()) for bars in top.containers}
    assert points["rs3l"] == pytest.approx([1 / rate(SCORES[name], 0.5) for name in ("a0", "b")])
    assert points["supervised"] == pytest.approx([1 / rate(SCORES[name], 0.5) for name in ("a1", "a0")])
    gains = np.asarray(bottom.containers[0].lines[0].get_ydata())
    assert gains == pytest.approx([rate(SCORES[a], 0.5) / rate(SCORES[b], 0.5) for a, b in (("a1", "a0"), ("a0", "b"))])
    low, high = bottom.get_xlim()
    assert low < 10
    assert high > 1000
    assert bottom.get_xlabel() == "labels"
    stars = [line for line in bottom.get_lines() if line.get_marker() == "*"]
    assert [line.get_xydata().tolist() for line in stars] == [[[100, 1.5]]]
    labels = top.get_legend().get_texts()
    assert [text.get_text() for text in labels] == ["rs3l", "supervised", "N2", "aim (below)", "extrapolation"]


def test_without_a_ratio_there_is_no_panel_for_it(synthetic: Meter) -> None:
    curve = CurveConfig(x_label="labels", lines={"rs3l": {10: ("a0",), 100: ("b",)}})
    (axes,) = panels(draw_curve(synthetic, curve, measure_curve(synthetic, curve)))
    assert axes.get_xlabel() == "labels"


def test_areas_are_what_is_missing(synthetic: Meter, measured: Metrics) -> None:
    axes = panels(draw_curve_areas(synthetic.config.curves["labels"], measured.curves["labels"]))[0]
    label = np.arange(len(SCORES["b"]) // 2) < len(SCORES["b"]) // 4
    drawn = np.asarray(axes.containers[0].lines[0].get_ydata())
    assert drawn == pytest.approx([1 - roc_auc_score(label, SCORES[name][::2]) for name in ("a0", "b")])
    assert axes.get_yscale() == "log"


def test_distances_have_a_panel_for_each_class(synthetic: Meter, measured: Metrics) -> None:
    figure = draw_curve_distances(synthetic, synthetic.config.curves["labels"], measured.curves["labels"])
    assert [axes.get_ylabel() for axes in panels(figure)] == [
        f"Mean Wasserstein distance ({c})" for c in ("qcd", "higgs")
    ]
    assert all(axes.get_ylim()[0] == 0 for axes in panels(figure))


def test_rows_of_a_table_stand_below_each_other(measured: Metrics) -> None:
    left, right = panels(draw_table(measured.tables["t"]))
    assert [text.get_text() for text in left.get_yticklabels()] == ["old", "new"]
    assert (left.get_xlabel(), right.get_xlabel()) == ("1/FPR at 50 %", "1/FPR at 80 %")
    new = left.containers[1].lines[0]
    assert new.get_xydata().tolist() == [[pytest.approx(1 / rate(SCORES["b"], 0.5)), 1]]
