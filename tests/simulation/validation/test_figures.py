"""Figures by what they show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.simulation import SimulationSummary
from rs3l_gnn.simulation.validation import VARIABLES, AnchorJets, mean_shift, read_anchor_jets, yield_ratio
from rs3l_gnn.simulation.validation.figures import draw_balance, draw_shapes, draw_shifts, draw_weights


@pytest.fixture(scope="module")
def views(small: SimulationSummary) -> dict[str, AnchorJets]:
    return {name: read_anchor_jets(small.output / "hbb", name) for name in ("nominal", "seed", "fsrDefDown")}


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_shapes_hold_all_jets_and_name_their_axis(views: dict[str, AnchorJets], variable: object) -> None:
    figure = draw_shapes(views, ("seed", "fsrDefDown"), variable, "hbb")  # type: ignore[arg-type]  # a Variable
    axes: Any = figure.axes
    upper, lower = axes
    edges = next(one for one in VARIABLES if one == variable).edges
    nominal = upper.lines[0].get_ydata()[:-1]
    assert (np.asarray(nominal) * np.diff(edges)).sum() == pytest.approx(1.0)
    assert [text.get_text() for text in upper.get_legend().get_texts()] == ["nominal", "other seed", "FSR μ² × 0.25"]
    assert lower.get_xlabel().endswith("[GeV]" if "GeV" in lower.get_xlabel() else lower.get_xlabel()[-1])
    low, high = lower.get_ylim()
    assert 0 < low < 1 < high < 2
    assert upper.get_ylim()[1] > np.max(nominal)


def test_the_ratio_drawn_is_that_of_the_numbers(views: dict[str, AnchorJets]) -> None:
    variable = replace(VARIABLES[1], bins=2)  # of a few jets, only wide bins have enough for a ratio
    figure = draw_shapes(views, ("seed",), variable, "hbb")
    axes: Any = figure.axes
    drawn = np.asarray(axes[1].lines[0].get_ydata()[:-1])
    shown = np.isfinite(drawn)
    found = yield_ratio(views["nominal"], views["seed"], variable)
    assert shown.any()
    assert drawn[shown] == pytest.approx(found.ratio[shown])


def test_rows_of_means(views: dict[str, AnchorJets]) -> None:
    figure = draw_shifts({"hbb": views}, VARIABLES[0])
    axes: Any = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["other seed", "FSR μ² × 0.25"]
    points = axes.containers[0].lines[0].get_xdata()
    expected = [mean_shift(views["nominal"], views[name], "multiplicity").shift for name in ("seed", "fsrDefDown")]
    assert points == pytest.approx(expected)


def test_balance_says_the_median(views: dict[str, AnchorJets]) -> None:
    axes: Any = draw_balance(views, ("seed",), "hbb").axes[0]
    _, one, other = np.intersect1d(views["nominal"].event, views["seed"].event, return_indices=True)
    middle = np.median(views["seed"].pt[other] / views["nominal"].pt[one])
    assert f"median {middle:.3f}" in axes.get_legend().get_texts()[0].get_text()
    assert axes.get_xlim() == (0.5, 1.5)


def test_weights_stand_beside_showers(views: dict[str, AnchorJets]) -> None:
    figure = draw_weights(views, {"fsr:muRfac=0.5": "fsrDefDown"}, VARIABLES[0], "hbb")
    axes: Any = figure.axes
    labels = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert labels == ["nominal", "FSR μ² × 0.25, showered", "FSR μ² × 0.25, weights"]
    solid, dashed = axes[1].lines[:2]
    assert (solid.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
    assert solid.get_color() == dashed.get_color()
