from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions.plotting import draw_into
from rs3l_gnn.fits import Likelihood, Templates
from rs3l_gnn.fits.plots.templates import draw_channel, draw_templates, draw_variation


def test_a_picture_for_each_channel_and_variation(tmp_path: Path, rich: Templates) -> None:
    likelihood = Likelihood(small := replace(rich, channels=rich.channels[1:]))
    with draw_into(tmp_path / "plots", formats=["png"]) as figures:
        draw_templates(figures, small, likelihood, likelihood.fit())
    wanted = {"prefit_cr", "postfit_cr", "variation_cr_fsr", "variation_cr_hadronisation"}
    assert {path.stem for path in (tmp_path / "plots").iterdir()} == wanted


def test_the_stack_adds_up_to_the_total(rich: Templates) -> None:
    channel = rich.channels[0]
    yields = {sample.name: sample.values for sample in channel.samples}
    figure = draw_channel(rich, channel, yields, np.full(4, 40.0), title="prefit")
    upper, lower = figure.axes
    total = np.sum(list(yields.values()), axis=0)
    tops = [np.asarray(patch.get_path().vertices)[:, 1].max() for patch in upper.patches]
    assert max(tops) == pytest.approx(total.max())
    assert {"hbb", "qcd", "wqq", "uncertainty", "data"} <= set(upper.get_legend_handles_labels()[1])
    # Data, their errors and the band lie inside the panels.
    low, high = lower.get_ylim()
    assert low < (1 - 40 / total).min() < (1 + 40 / total).max() < high
    assert upper.get_ylim()[1] > channel.data.max()


def test_variation_panels(rich: Templates) -> None:
    figure = draw_variation(rich, rich.channels[0], "hadronisation")
    assert len(figure.axes) == 2
    assert figure.axes[0].get_legend_handles_labels()[1][:2] == ["up, rate +10.0%", "down, rate -5.0%"]
    assert figure.axes[0].get_ylabel() == "relative change, other fragmentation"


def test_crowded_bins_are_drawn_with_their_edges(rich: Templates) -> None:
    channel = replace(rich.channels[0], edges=np.array([0.0, 0.9, 0.999, 0.9999, 1.0]))
    yields = {sample.name: sample.values for sample in channel.samples}
    for figure in (draw_channel(rich, channel, yields, np.ones(4), title="x"), draw_variation(rich, channel, "fsr")):
        ticks = [tick.get_text() for tick in figure.axes[-1].get_xticklabels()]
        assert ticks == ["0", "0.9", "0.999", "0.9999", "1"]
