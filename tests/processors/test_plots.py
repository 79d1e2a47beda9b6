"""Plots are drawn for what an analysis writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.image import imread

from rs3l_gnn.processors import AnalysisConfig, analyze


def test_every_histogram_is_drawn(toy_filesets: list[Path], tmp_path: Path) -> None:
    config = AnalysisConfig.model_validate(
        {
            "filesets": toy_filesets,
            "plots": True,
            "channels": [{"name": "a"}, {"name": "b", "cuts": {"pt": [1e6, None]}}],
        }
    )
    analyze(config, tmp_path / "out")
    drawn = sorted(path.name for path in (tmp_path / "out" / "plots").iterdir())
    assert drawn == sorted(f"{name}_{channel}.png" for name in ("score_n2", "mass", "pt") for channel in ("a", "b"))
    filled, empty = (imread(tmp_path / "out" / "plots" / f"mass_{channel}.png") for channel in ("a", "b"))
    assert filled.shape[:2] == empty.shape[:2]
    coloured = [np.ptp(image[..., :3], axis=2).mean() for image in (filled, empty)]
    assert coloured[0] > 1.5 * coloured[1]
