"""Pictures: all of them, with something on them, and the drawing library's settings left alone."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.image import imread

from rs3l_gnn.evaluation import EvaluateConfig, evaluate


def test_every_picture_is_there_and_not_empty(evaluated: Path, metrics: dict[str, Any]) -> None:
    expected = {"roc", "score_n2", "score_one", "score_two", "wasserstein_qcd", "wasserstein_higgs"}
    assert {name.removesuffix(".png") for name in metrics["plots"]} == expected
    assert {path.name for path in (evaluated / "plots").iterdir()} == set(metrics["plots"])
    for name in metrics["plots"]:
        pixels = imread(evaluated / "plots" / name)
        assert min(pixels.shape[:2]) > 300
        # Curves in colour, not only black axes.
        assert (np.ptp(pixels[..., :3], axis=2) > 0.3).sum() > 100, name


def test_histories_are_drawn_and_settings_put_back(config: EvaluateConfig, tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,loss,val_loss\n1,2.0,2.1\n2,1.5,\n3,1.2,1.6\n")
    before = dict(mpl.rcParams)
    settings = {"taggers": {}, "bootstrap": 2, "histories": {"pre-training": tmp_path / "history.csv"}}
    document = evaluate(config.model_copy(update=settings), tmp_path / "out")
    assert "loss.png" in document["plots"]
    assert dict(mpl.rcParams) == before
