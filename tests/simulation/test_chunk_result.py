from __future__ import annotations

from pathlib import Path

import numpy as np

from rs3l_gnn.simulation.chunk_result import ChunkResult
from rs3l_gnn.simulation.merged_rate import MergedRate
from rs3l_gnn.simulation.weight_sums import WeightSums


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    weights = np.array([1.0, 2.0, 0.1])
    result = ChunkResult(
        sample="zj",
        number=3,
        n_events=4,
        failed=[13],
        reasons=["Error in a step"],
        sumw=3.1,
        merged={"nominal": MergedRate.of(weights, np.array([1.0, 0.0, 0.3]))},
        vetoed={"nominal": 1},
        matched={"nominal": 2, "all": 2, "any": 2},
        seconds={"nominal": 0.125},
        jets={"nominal": 5},
        without_jet={"nothing to look for": 1},
        shower_weights={"fsr:muRfac=2.0": WeightSums.of(weights)},
    )
    result.write(tmp_path / "0003.json")
    assert ChunkResult.read(tmp_path / "0003.json") == result
