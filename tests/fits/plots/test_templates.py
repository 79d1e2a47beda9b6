from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from rs3l_gnn.fits import Likelihood, Templates, toys
from rs3l_gnn.fits.likelihood.inference import Inference
from rs3l_gnn.fits.plots.drawing import Canvas, Ruler, colours_of, new_figure
from rs3l_gnn.fits.plots.results import draw_results
from rs3l_gnn.fits.plots.templates import draw_channel, draw_templates, draw_variation


def test_files_and_untouched_global_state(tmp_path: Path, rich: Templates) -> None:
    backend, figures = mpl.get_backend(), plt.get_fignums()
    likelihood = Likelihood(small := replace(rich, channels=rich.channels[1:]))
    canvas = Canvas(tmp_path / "plots", ["png"])
    draw_templates(canvas, small, likelihood, likelihood.fit())
    wanted = {"prefit_cr", "postfit_cr", "variation_cr_fsr", "variation_cr_hadronisation"}
    assert set(canvas.saved) == {f"plots/{name}.png" for name in wanted}
    assert all((tmp_path / name).stat().st_size > 1000 for name in canvas.saved)
    assert (mpl.get_backend(), plt.get_fignums()) == (backend, figures)


def test_the_stack_adds_up_to_the_total(rich: Templates) -> None:
    channel = rich.channels[0]
    yields = {sample.name: sample.values for sample in channel.samples}
    figure = draw_channel(rich, channel, yields, np.ones(4), title="prefit")
    upper = figure.axes[0]
    tops = [np.asarray(patch.get_path().vertices)[:, 1].max() for patch in upper.patches]
    assert max(tops) == pytest.approx(np.sum(list(yields.values()), axis=0).max())
    labels = upper.get_legend_handles_labels()[1]
    assert {"hbb", "qcd", "wqq", "uncertainty", "data"} <= set(labels)


def test_variation_panels(rich: Templates) -> None:
    figure = draw_variation(rich, rich.channels[0], "hadronisation")
    assert len(figure.axes) == 2
    assert figure.axes[0].get_legend_handles_labels()[1][:2] == ["up, rate +10.0%", "down, rate -5.0%"]


def test_bins_too_narrow_to_see_lie_side_by_side() -> None:
    plain = Ruler.of(np.array([0.0, 0.5, 1.0]))
    assert plain.labels is None
    crowded = Ruler.of(np.array([0.0, 0.001, 0.5, 0.9999, 1.0]))
    assert crowded.edges.tolist() == [0, 1, 2, 3, 4]
    assert crowded.labels == ("0", "0.001", "0.5", "0.9999", "1")
    assert crowded.centres.tolist() == [0.5, 1.5, 2.5, 3.5]


def test_crowded_bins_are_drawn_with_their_edges(rich: Templates) -> None:
    channel = replace(rich.channels[0], edges=np.array([0.0, 0.9, 0.999, 0.9999, 1.0]))
    yields = {sample.name: sample.values for sample in channel.samples}
    for figure in (draw_channel(rich, channel, yields, np.ones(4), title="x"), draw_variation(rich, channel, "fsr")):
        ticks = [tick.get_text() for tick in figure.axes[-1].get_xticklabels()]
        assert ticks == ["0", "0.9", "0.999", "0.9999", "1"]


def test_formats(tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / "plots", ["pdf", "svg"])
    canvas.save(new_figure(), "empty")
    assert canvas.saved == ["plots/empty.pdf", "plots/empty.svg"]
    assert (tmp_path / "plots" / "empty.pdf").read_bytes().startswith(b"%PDF")


def test_toys_are_drawn(tmp_path: Path, rich: Templates) -> None:
    likelihood = Likelihood(rich)
    best = likelihood.fit()
    canvas = Canvas(tmp_path / "plots", ["png"])
    parameters = {label: {"pull": 0.0, "constraint": 1.0} for label in best.labels}
    document = {"mu": 1.0, "mu_error": 0.5, "mu_errors": {"statistical": 0.4}, "parameters": parameters}
    draw_results(canvas, rich, best, document, Inference(toys=toys(likelihood, 3)))
    assert canvas.saved == [f"plots/{name}.png" for name in ("errors", "pulls", "correlation", "toys")]


def test_colours_repeat_when_they_run_out() -> None:
    colours = colours_of([f"s{i}" for i in range(12)])
    assert colours["s10"] == colours["s0"] != colours["s1"]
