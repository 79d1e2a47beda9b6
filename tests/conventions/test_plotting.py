"""Files, settings, colours and limits of figures."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imread

from rs3l_gnn.conventions import COLOURS, ConfigError, OutputError, PlotStyle, parse_config
from rs3l_gnn.conventions.plotting import (
    GREY,
    colours_of,
    draw_band,
    draw_into,
    draw_steps,
    house_style,
    make_room,
    new_figure,
    place_legends,
    ratio_limits,
    ratio_panels,
    styles_of,
)


def test_names_are_safe_and_stay_apart(tmp_path: Path) -> None:
    with draw_into(tmp_path / "plots") as figures:
        for name in ("a/b c", "a b/c", "a_b_c"):
            figure = new_figure(2, 2)
            figure.subplots().plot([0, 1])
            figures.save(figure, name)
    assert figures.files == [
        f"{stem}.{suffix}" for stem in ("a_b_c", "a_b_c_2", "a_b_c_3") for suffix in ("png", "pdf")
    ]
    assert sorted(figures.files) == sorted(path.name for path in (tmp_path / "plots").iterdir())


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        with draw_into(tmp_path / folder, formats=("png", "pdf", "svg")) as figures:
            figure = new_figure(2, 2)
            figure.subplots().plot([0, 1], label="FSR μ² × 4, H→bb")
            figures.save(figure, "a")
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"one/a.{suffix}").read_bytes() == (tmp_path / f"two/a.{suffix}").read_bytes()
    assert b"<dc:date>" not in (tmp_path / "one/a.svg").read_bytes()


def test_pixels_are_those_of_matplotlib_alone(tmp_path: Path) -> None:
    """The axes are placed once for all formats: matplotlib, which places them itself, saves the same picture."""

    def drawn() -> Figure:
        figure, axes = ratio_panels(2)
        for panel in axes.ravel():
            panel.plot([1, 30], [2, 5e4], label="a")
            panel.set(xlabel="pt [GeV]", ylabel="jets")
        axes[0, 1].set_yscale("log")
        axes[0, 0].legend()
        return figure

    with draw_into(tmp_path) as figures:
        figures.save(drawn(), "ours")
        drawn().savefig(tmp_path / "theirs.png", dpi=130)
    ours, theirs = (imread(tmp_path / f"{name}.png")[..., :3] for name in ("ours", "theirs"))
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 0.25  # a palette of few colours; a line elsewhere would make it 1


def test_all_formats_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with draw_into(tmp_path, formats=("pdf", "png")) as figures:
        figure = new_figure(2, 2)
        figure.subplots()
        monkeypatch.setattr("rs3l_gnn.conventions.plotting._save_small", full)
        with pytest.raises(OutputError, match="No space left"):
            figures.save(figure, "a")
    assert list(tmp_path.iterdir()) == []
    assert figures.files == []


def test_the_files_keep_the_colours(tmp_path: Path) -> None:
    with draw_into(tmp_path) as figures:
        figure = new_figure(3, 3)
        figure.subplots().bar(range(len(COLOURS)), [1] * len(COLOURS), 1.0, color=COLOURS)
        figures.save(figure, "bars")
    pixels = imread(tmp_path / "bars.png")[..., :3].reshape(-1, 3)
    for colour in COLOURS:
        assert np.abs(pixels - to_rgb(colour)).max(axis=1).min() < 0.02, colour


def test_settings_are_put_back() -> None:
    before = dict(mpl.rcParams)
    with house_style(PlotStyle(label="atlas")):
        assert mpl.rcParams["font.size"] == 14
    assert dict(mpl.rcParams) == before


def test_the_label_stands_above_the_first_panel(tmp_path: Path) -> None:
    style = PlotStyle(label="cms", status="Simulation Preliminary", energy=13.6, luminosity=138)
    with draw_into(tmp_path, style) as figures:
        figure, ((top,), (bottom,)) = ratio_panels()
        figures.save(figure, "a")
    assert top.get_title("left") == r"$\mathbf{CMS}$ $\mathit{Simulation\ Preliminary}$"
    assert top.get_title("right") == "138 fb$^{-1}$ (13.6 TeV)"
    assert bottom.get_title("left") == ""
    assert (PlotStyle().left, PlotStyle().right) == ("", "")
    assert PlotStyle(energy=13).right == "13 TeV"
    with pytest.raises(ConfigError, match="label.*'cms', 'atlas' or 'none'"):
        parse_config(PlotStyle, {"label": "lhcb"}, where="x")


def test_ratio_panels_touch_and_share_their_axis(tmp_path: Path) -> None:
    with draw_into(tmp_path) as figures:
        figure, axes = ratio_panels(2, 2)
        axes[0, 0].set_xlim(3, 7)
        figures.save(figure, "a")
    assert axes.shape == (3, 2)
    assert axes[2, 0].get_xlim() == (3, 7)
    above, below = (panel.get_position() for panel in axes[:2, 0])
    assert 0 < above.y0 - below.y1 < 0.04  # no more than half a tick label sticks out
    assert above.height == pytest.approx(2.2 * below.height, rel=0.02)


def test_grey_belongs_to_the_baseline() -> None:
    colours = colours_of(["n2", "a", "b", "c"], grey=["n2"])
    assert colours["n2"] == GREY == "#717581"
    assert [colours[name] for name in "abc"] == list(COLOURS[:3])
    many = styles_of("abcdefghijk")
    assert GREY not in [style.colour for style in many.values()]
    assert many["j"].colour == many["a"].colour  # nine, then again, drawn otherwise
    assert len(set(many.values())) == 11
    for kind in ("line", "marker", "hatch"):
        assert getattr(many["j"], kind) != getattr(many["a"], kind) == getattr(many["b"], kind)


def test_steps_and_bands_follow_the_bins() -> None:
    axes = new_figure().subplots()
    colour = draw_steps(axes, [0, 1, 3], [2.0, np.nan], color="black")
    (line,) = axes.get_lines()
    assert colour == "black"
    np.testing.assert_array_equal(line.get_xdata(), [0, 1, 3])
    np.testing.assert_array_equal(line.get_ydata(), [2, np.nan, np.nan])
    draw_band(axes, [0, 1, 3], [1, 5], [2, 7])
    box = axes.collections[0].get_datalim(axes.transData)
    assert (box.x0, box.x1, box.y0, box.y1) == (0, 3, 1, 7)


def test_a_bin_beside_an_unknown_one_has_its_band() -> None:
    axes = new_figure().subplots()
    draw_band(axes, [0, 1, 3, 4], [1, np.nan, 2], [2, np.nan, 5])
    boxes = [path.get_extents().bounds for path in axes.collections[0].get_paths()]  # x, y, width, height
    assert boxes == [(0, 1, 1, 1), (3, 2, 1, 3)]


def test_room_is_the_share_that_was_asked_for() -> None:
    axes = new_figure().subplots()
    axes.set_ylim(1, 4)
    make_room(axes, 0.25)
    assert axes.get_ylim() == (1, 5)
    axes.set_yscale("log")
    axes.set_ylim(1, 1000)
    make_room(axes, 0.25)
    assert axes.get_ylim() == pytest.approx((1, 1e4))


def test_ratio_limits_hold_what_is_known() -> None:
    assert ratio_limits([0.9, 1.2, np.nan]) == pytest.approx((0.77, 1.23))
    assert ratio_limits([]) == ratio_limits([np.nan, 1.001]) == pytest.approx((0.9425, 1.0575))
    assert ratio_limits([9.0]) == (0, 2)


@pytest.mark.parametrize("names", [4, 15])
def test_legends_do_not_cover_what_is_drawn(names: int, tmp_path: Path) -> None:
    """A few lines stand inside above the data, many beside both panels."""
    with draw_into(tmp_path) as figures:
        figure = new_figure(8, 4)
        panels = list(figure.subplots(1, 2))
        for axes in panels:
            for number in range(names):
                axes.plot([0, 1], [number, number], label=f"a tagger with a name, {number}")
        place_legends(panels, ["efficiency 50 %", "efficiency 80 %"])
        figures.save(figure, "legends")
    legends = [axes.get_legend() for axes in panels]
    assert [legend is not None for legend in legends] == [names == 4] * 2
    top = panels[0].transData.transform((0, names - 1))[1]
    if names == 4:
        assert all(legend.get_window_extent().y0 > top for legend in legends if legend is not None)
        return
    (outside,) = figure.legends
    box = outside.get_window_extent()
    assert box.x0 > max(axes.get_window_extent().x1 for axes in panels)
    assert (box.x1 <= figure.bbox.x1, box.y0 >= 0, box.y1 <= figure.bbox.y1) == (True, True, True)
    titles = [axes.texts[0] for axes in panels]
    assert [title.get_text() for title in titles] == ["efficiency 50 %", "efficiency 80 %"]
    assert all(title.get_window_extent().y0 > top for title in titles)
