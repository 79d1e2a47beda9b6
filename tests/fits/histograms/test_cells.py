from __future__ import annotations

import numpy as np

from rs3l_gnn.fits.histograms.cells import fold_flow


def test_flow_moves_on_every_axis() -> None:
    content = np.arange(16.0).reshape(4, 4)
    moved = fold_flow(content, (0, 1), (True, True), "move")
    assert moved.tolist() == [[0 + 1 + 4 + 5, 2 + 3 + 6 + 7], [8 + 9 + 12 + 13, 10 + 11 + 14 + 15]]
    assert fold_flow(content, (0, 1), (True, True), "drop").tolist() == [[5, 6], [9, 10]]
    assert fold_flow(content, (1,), (False, True), "move").shape == (4, 3)
