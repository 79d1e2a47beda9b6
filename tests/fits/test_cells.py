from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.fits.cells import Cell, RunHistogram, covary_weights, fold_flow


def test_flow_moves_on_every_axis() -> None:
    content = np.arange(16.0).reshape(4, 4)
    moved = fold_flow(content, (0, 1), (True, True), "move")
    assert moved.tolist() == [[0 + 1 + 4 + 5, 2 + 3 + 6 + 7], [8 + 9 + 12 + 13, 10 + 11 + 14 + 15]]
    assert fold_flow(content, (0, 1), (True, True), "drop").tolist() == [[5, 6], [9, 10]]
    assert fold_flow(content, (1,), (False, True), "move").shape == (4, 3)


def test_weights_share_their_events_with_nominal() -> None:
    nominal, weighted = (Cell(np.full(2, v), np.array(w)) for v, w in ((1.0, [0.01, 0.04]), (1.2, [0.0144, 0.04])))
    cells = {("qcd", "sr", "nominal"): nominal, ("qcd", "sr", "psISRUp"): weighted, ("qcd", "sr", "jesUp"): weighted}
    cut = RunHistogram("score", np.array([0.0, 0.5, 1.0]), ("sr",), ("nominal", "psISRUp", "jesUp"), cells)
    found = covary_weights(cut, {"psISRUp": {"kind": "weight"}, "jesUp": {"kind": "momentum"}}).cells
    assert found["qcd", "sr", "psISRUp"].covariance == pytest.approx([0.012, 0.04])
    # A shifted calibration moves jets between bins: nothing is known without the events.
    assert found["qcd", "sr", "jesUp"].covariance is None
