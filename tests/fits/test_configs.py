"""The shipped configurations load, and fit a run with their names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import load_config
from rs3l_gnn.fits import FitConfig

Written = Callable[..., dict[str, Any]]

FOLDER = Path(__file__).parents[2] / "configs" / "fit"


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.yaml")))
def test_shipped_configuration(write_run: Callable[..., Path], tmp_path: Path, name: str, written: Written) -> None:
    overrides = [
        f"inputs={write_run(n=8000, bins=80)}",
        "channels=[sr]",
        "plots=false",
        "rebin.efficiency_tolerance=0.05",
        "inference={ranking: false, scan: false, limit: false, significance: false}",
    ]
    if name == "comparison.yaml":
        overrides += ["comparison.taggers=[rs3l]", "comparison.replicas=2", "exclude=[]"]
        (document,) = written(load_config(FitConfig, FOLDER / name, overrides), tmp_path / "out")["taggers"].values()
        assert set(document["bias"]) == {"altHad", "seed"}
    else:
        document = written(load_config(FitConfig, FOLDER / name, overrides), tmp_path / "out")
    assert document["mu_error"] > document["mu_error_shower"] >= 0
    assert ("bias_error" in document) == (name in ("comparison.yaml", "zh_hbb_pseudodata.yaml"))
