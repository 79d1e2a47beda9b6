from __future__ import annotations

import numpy as np

from rs3l_gnn.conventions.plotting import new_figure
from rs3l_gnn.fits.plots.ruler import Ruler


def test_bins_too_narrow_to_see_lie_side_by_side() -> None:
    plain = Ruler.of(np.array([0.0, 0.5, 1.0]))
    assert plain.labels is None
    assert plain.inside(0.5).tolist() == [0.25, 0.75]
    crowded = Ruler.of(np.array([0.0, 0.001, 0.5, 0.9999, 1.0]))
    assert crowded.edges.tolist() == [0, 1, 2, 3, 4]
    assert crowded.labels == ("0", "0.001", "0.5", "0.9999", "1")
    assert crowded.inside(0.25).tolist() == [0.25, 1.25, 2.25, 3.25]


def test_axis_of_fractions() -> None:
    axes = new_figure().subplots()
    Ruler.of_fractions(np.array([1.0, 0.805, 0.0])).draw(axes)
    assert axes.get_xlim() == (0.0, 2.0)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["100 %", "80.5 %", "0 %"]
