from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import InputFileError, OutputError
from rs3l_gnn.simulation import SimulationSummary
from rs3l_gnn.simulation.validation import plot_validation, read_anchor_jets


def test_anchor_jets_are_those_of_the_summary(small: SimulationSummary) -> None:
    for variation in ("nominal", "fsrDefDown"):
        jets = read_anchor_jets(small.output / "hbb", variation)
        assert len(jets.pt) == small.samples["hbb"].matched[variation]
        assert (np.diff(jets.event) > 0).all()
        assert (jets.pt > 450).all()
        assert sum(jets.fractions.values()) == pytest.approx(1.0, abs=1e-6)
        assert jets.multiplicity.min() > 5
        assert (jets.d0 >= 0).all()
        assert 0.01 < np.median(jets.d0) < 0.1  # mm


def test_plots(small: SimulationSummary, tmp_path: Path) -> None:
    image = tmp_path / "validation.png"
    plot_validation(small.output, image)
    assert image.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(OutputError, match="exists already"):
        plot_validation(small.output, image)
    with pytest.raises(OutputError, match="cannot draw"):
        plot_validation(small.output, tmp_path / "validation.docx")


def test_nothing_to_draw(small: SimulationSummary, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="holds no finished simulation"):
        plot_validation(tmp_path, tmp_path / "validation.png")
    with pytest.raises(InputFileError, match="holds no files of the variation 'herwig'"):
        read_anchor_jets(small.output / "hbb", "herwig")
