"""Names, files and settings of figures."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.image import imread

from rs3l_gnn.conventions import COLOURS
from rs3l_gnn.evaluation.figures.gallery import Gallery, colour_of, house_style, new_figure


def test_names_are_safe_and_stay_apart(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "plots")
    for name in ("a/b c", "a b/c", "a_b_c"):
        figure = new_figure(2, 2)
        figure.subplots().plot([0, 1], color=COLOURS[0])
        gallery.hang(figure, name, section="S", caption="C")
    assert [picture.name for picture in gallery.pictures] == ["a_b_c", "a_b_c_2", "a_b_c_3"]
    assert sorted(gallery.files) == sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert len(gallery.files) == 6


def test_the_palette_keeps_the_colours(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    figure = new_figure(3, 3)
    axes = figure.subplots()
    for place, colour in enumerate(COLOURS):
        axes.bar([place], [1], 1.0, color=colour)
    gallery.hang(figure, "bars", section="S", caption="C")
    pixels = imread(tmp_path / "bars.png")[..., :3].reshape(-1, 3)
    for colour in COLOURS:
        wanted = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        assert np.abs(pixels - wanted).max(axis=1).min() < 0.02, colour


def test_settings_are_put_back() -> None:
    before = dict(mpl.rcParams)
    with house_style():
        assert mpl.rcParams["font.size"] == 20
    assert dict(mpl.rcParams) == before


def test_the_baseline_is_grey_and_the_others_differ() -> None:
    names = ["n2", "a", "b", "c"]
    colours = [colour_of(name, names) for name in names]
    assert colours[0] == "#717581"
    assert len(set(colours)) == 4
    assert colour_of("N2", ["a", "N2"]) == "#717581"
    assert colour_of("k", list("abcdefghijk")) == colour_of("b", list("abcdefghijk"))  # nine, then again
