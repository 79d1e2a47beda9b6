"""All figures: there, with something on them."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.image import imread

from rs3l_gnn.evaluation import EvaluateConfig, evaluate


def test_every_figure_is_there_and_not_empty(evaluated: Path, metrics: dict[str, Any]) -> None:
    expected = {"roc", "rejection", "score_n2", "score_one", "score_two", "wasserstein_qcd", "wasserstein_higgs"}
    expected |= {"rates_qcd", "rates_higgs", "curve_labels", "curve_labels_auc", "curve_labels_wasserstein"}
    expected |= {"table_ablation", "latent_one", "latent_two", "cosine_one", "cosine_two"}
    expected |= {"responses_qcd", "responses_higgs"}
    assert set(metrics["plots"]) == {f"{name}.{suffix}" for name in expected for suffix in ("png", "pdf")}
    assert {path.name for path in (evaluated / "plots").iterdir()} == set(metrics["plots"])
    for name in metrics["plots"]:
        path = evaluated / "plots" / name
        if path.suffix == ".pdf":
            assert path.read_bytes().startswith(b"%PDF")
            assert b"CreationDate" not in path.read_bytes()
            continue
        pixels = imread(path)
        assert min(pixels.shape[:2]) > 250
        # Curves in colour, not only black axes.
        assert (np.ptp(pixels[..., :3], axis=2) > 0.2).sum() > 100, name


def test_histories_are_drawn(config: EvaluateConfig, tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,loss,val_loss\n1,2.0,2.1\n2,1.5,\n3,1.2,1.6\n")
    settings = {"views": config.views, "bootstrap": 2, "variations": [], "histories": {"a": tmp_path / "history.csv"}}
    evaluate(EvaluateConfig.model_validate(settings), tmp_path / "out")
    assert (tmp_path / "out/plots/loss.png").is_file()
