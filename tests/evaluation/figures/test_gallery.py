"""Points with their intervals, and captions beside their files."""

from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.conventions.plotting import GREY, NameStyle, draw_into, new_figure
from rs3l_gnn.evaluation.figures.gallery import Gallery, Picture, draw_points, tagger_styles
from rs3l_gnn.evaluation.meter import Meter


def test_bars_reach_the_ends_and_open_ends_have_arrows() -> None:
    axes: Any = new_figure().subplots()
    draw_points(axes, [1, 2], [5.0, 5.0], [(4.0, 7.0), (3.0, None)], NameStyle("red"), [[4.5, 5.5], [5.0]], label="x")
    (bars,) = axes.containers
    segments = bars.lines[2][0].get_segments()
    assert [segment[:, 1].tolist() for segment in segments] == [[4, 7], [3, 5]]
    arrows = [line for line in axes.get_lines() if line.get_marker() == 6]
    assert [line.get_xydata().tolist() for line in arrows] == [[[2, 5]]]
    dots = [line for line in axes.get_lines() if line.get_marker() == "."]
    np.testing.assert_array_equal([line.get_ydata() for line in dots], [[4.5, 5.5]])


def test_nothing_to_draw_is_no_mistake() -> None:
    axes: Any = new_figure().subplots()
    draw_points(axes, [], [], [], NameStyle("red"))
    assert len(axes.containers) == 1


def test_captions_stay_with_the_files(tmp_path: Path) -> None:
    with draw_into(tmp_path) as figures:
        gallery = Gallery(figures)
        for caption in ("first", "second"):
            figure = new_figure(2, 2)
            figure.subplots()
            gallery.hang(figure, "a", section="S", caption=caption)
    assert gallery.pictures == [Picture("a", "S", "first"), Picture("a_2", "S", "second")]
    assert gallery.files == ["a.png", "a.pdf", "a_2.png", "a_2.pdf"]


def test_the_baseline_is_grey(synthetic: Meter) -> None:
    colours = {name: style.colour for name, style in tagger_styles(synthetic.config).items()}
    assert [name for name, colour in colours.items() if colour == GREY] == ["n2"]
    assert len(set(colours.values())) == 3
