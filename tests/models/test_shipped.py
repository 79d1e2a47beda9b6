"""The weights that come with the package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rs3l_gnn
from rs3l_gnn.conventions import CheckpointError
from rs3l_gnn.models import inspect_checkpoint, shipped_names

WEIGHTS = Path(rs3l_gnn.__file__).parent / "models" / "weights"


def test_they_are_small_and_each_has_a_card() -> None:
    assert shipped_names() == ("default", "default-hbb")
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 2_000_000
    for name in shipped_names():
        assert (WEIGHTS / f"{name}.md").read_text(encoding="utf-8").startswith(f"# {name}\n")
        assert inspect_checkpoint(WEIGHTS / f"{name}.safetensors")["provenance"]["seeds"] == {"seed": 1}


def test_they_load_by_name() -> None:
    features = np.zeros((5, 15), dtype=np.float32)
    offsets = np.array([0, 2, 5])
    z = rs3l_gnn.load_encoder("default").embed(features, offsets)
    p = rs3l_gnn.load_tagger("default-hbb").score(features, offsets)
    assert z.shape == (2, 8)
    assert p.shape == (2,)
    assert z.dtype == p.dtype == np.float32
    assert ((p >= 0) & (p <= 1)).all()


def test_tagger_knows_higgs_jets_of_another_simulation(shared_data: Path) -> None:
    with np.load(shared_data / "published" / "mar20_run0_reference.npz") as file:
        features, offsets, process = file["features"], file["offsets"], file["process"]
    score = rs3l_gnn.load_tagger("default-hbb").score(features, offsets)
    higgs, qcd = score[process == 1], score[process == 0]
    area = float(np.mean(higgs[:, None] > qcd[None, :]))
    assert area > 0.95, area
    assert np.median(higgs) > 0.5 > np.median(qcd)


def test_unknown_names_list_the_shipped_ones() -> None:
    with pytest.raises(CheckpointError, match="default, default-hbb"):
        rs3l_gnn.load_encoder("defualt")
