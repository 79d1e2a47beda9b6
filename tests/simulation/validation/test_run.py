from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from rs3l_gnn.conventions import InputFileError, OutputError, PlotStyle
from rs3l_gnn.simulation import SimulationSummary
from rs3l_gnn.simulation.validation import (
    VARIABLES,
    PlotReport,
    Variable,
    mean_shift,
    plot_simulation,
    read_anchor_jets,
    run,
)


def test_figures_and_tables_of_every_sample(
    small: SimulationSummary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two variables; the others are drawn below."""
    chosen = [variable for variable in VARIABLES if variable.name in ("msoftdrop", "pt")]
    assert len(chosen) == 2
    monkeypatch.setattr(run, "VARIABLES", chosen)
    report = plot_simulation(small.output, tmp_path / "plots", style=PlotStyle(label="cms", energy=13.0))
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {*report.figures, *report.tables}
    for sample in ("hbb", "qcd"):
        _require_figures(report, sample, chosen)
    with (tmp_path / "plots" / "means.csv").open(newline="") as stream:
        rows = {(row["sample"], row["variation"], row["variable"]): row for row in csv.DictReader(stream)}
    assert len(rows) == 2 * 2 * len(chosen)
    views = [read_anchor_jets(small.output / "qcd", name) for name in ("nominal", "fsrDefDown")]
    expected = mean_shift(views[0], views[1], "msoftdrop")
    row = rows["qcd", "fsrDefDown", "msoftdrop"]
    assert (float(row["shift"]), float(row["error"])) == (expected.shift, expected.error)
    with pytest.raises(OutputError, match="exists already"):
        plot_simulation(small.output, tmp_path / "plots")


def _require_figures(report: PlotReport, sample: str, variables: Sequence[Variable]) -> None:
    for variable in variables:
        assert f"{sample}_{variable.name}.png" in report.figures
        assert f"{sample}_{variable.name}.pdf" in report.figures
        assert f"{sample}_{variable.name}_weights.png" in report.figures
    assert f"{sample}_balance.pdf" in report.figures


def test_one_sample_alone(small: SimulationSummary, tmp_path: Path) -> None:
    report = plot_simulation(small.output / "qcd", tmp_path / "plots")
    assert {key[0] for key in report.shifts} == {"qcd"}
    _require_figures(report, "qcd", VARIABLES)
    with (tmp_path / "plots" / "means.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 2 * len(VARIABLES)


def test_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="holds no finished simulation"):
        plot_simulation(tmp_path, tmp_path / "plots")
    assert not list(tmp_path.iterdir())
