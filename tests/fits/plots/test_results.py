from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rs3l_gnn.conventions.plotting import Figures, draw_into
from rs3l_gnn.fits import FitConfig, FitResult, fit
from rs3l_gnn.fits.plots.results import draw_results


@pytest.fixture
def result(write_run: Callable[..., Path], make_config: Callable[..., FitConfig], tmp_path: Path) -> FitResult:
    return fit(
        make_config(write_run(), inference={"toys": 3, "scan_points": 3, "significance": False}), tmp_path / "fit"
    )


def test_pictures_show_the_numbers_under_readable_names(
    result: FitResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, Figure] = {}

    def keep(self: Figures, figure: Figure, name: str) -> str:
        drawn[name] = figure
        return name

    monkeypatch.setattr(Figures, "save", keep)
    backend, open_figures, style = mpl.get_backend(), plt.get_fignums(), dict(mpl.rcParams)
    with draw_into(tmp_path / "plots") as figures:
        draw_results(figures, result)
    # cabinetry draws with pyplot and sets a style; neither is left behind.
    assert (mpl.get_backend(), plt.get_fignums()) == (backend, open_figures)
    assert dict(mpl.rcParams) == style
    assert set(drawn) == {"errors", "pulls", "correlation", "ranking", "scan", "limit", "toys"}
    names = {name: [tick.get_text() for tick in figure.axes[0].get_yticklabels()] for name, figure in drawn.items()}
    assert names["pulls"] == ["FSR scale", "other fragmentation", "luminosity", "rate of wqq"]
    assert names["correlation"] == ["signal strength", *names["pulls"]]
    assert {"simulation, sr, bin 1", *names["pulls"]} == {n for n in names["ranking"] if "bin" not in n or "1" in n}
    bars = {bar.get_width() for bar in drawn["errors"].axes[0].patches if isinstance(bar, Rectangle)}
    assert bars == {result.mu_error, *result.mu_errors.values()}
    scan = result.inference.scan
    assert scan is not None
    np.testing.assert_array_equal(drawn["scan"].axes[0].lines[-1].get_ydata(), scan.delta_nlls)
