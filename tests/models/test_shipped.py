"""The weights that come with the package."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import rs3l_gnn
from rs3l_gnn.conventions import CheckpointError
from rs3l_gnn.models import inspect_checkpoint, shipped_names

WEIGHTS = Path(rs3l_gnn.__file__).parent / "models" / "weights"


def test_they_are_small_and_each_has_a_card() -> None:
    assert {"default", "default-hbb", "default-wqq"} <= set(shipped_names())
    assert {path.suffix for path in WEIGHTS.iterdir()} == {".safetensors", ".md"}
    assert {path.stem for path in WEIGHTS.iterdir()} == set(shipped_names())
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 6_000_000
    for name in shipped_names():
        assert (WEIGHTS / f"{name}.md").read_text(encoding="utf-8").startswith(f"# {name}\n")
        assert inspect_checkpoint(WEIGHTS / f"{name}.safetensors")["provenance"]["seeds"]


def test_they_load_by_name() -> None:
    offsets = np.array([0, 2, 5])
    for name in shipped_names():
        encoder, said = rs3l_gnn.load_encoder(name), inspect_checkpoint(name)
        features = np.zeros((5, len(said["features"])), dtype=np.float32)
        z = encoder.embed(features, offsets)
        assert z.shape == (2, encoder.config.dim)
        assert z.dtype == np.float32
        if said["kind"] == "tagger":
            p = rs3l_gnn.load_tagger(name).score(features, offsets)
            classes = said.get("classes") or ["signal"]
            assert p.shape == ((2,) if len(classes) == 1 else (2, len(classes)))
            assert p.dtype == np.float32
            assert ((p >= 0) & (p <= 1)).all()


def test_their_jets_are_those_of_their_cards() -> None:
    for name in shipped_names():
        encoder = rs3l_gnn.load_encoder(name)
        domain = encoder.domain
        assert domain.radius is not None
        assert domain.pt_min is not None
        assert not set(domain.missing_features or ()) & set(encoder.config.features)
        assert inspect_checkpoint(name)["domain"] == domain.record()
    assert "jets above 450 GeV" in (WEIGHTS / "default.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["hbb", "wqq"])
def test_cards_state_what_the_study_measured_with_these_very_files(name: str) -> None:
    numbers = json.loads((Path(__file__).parents[2] / "docs" / "study" / "first.json").read_text())[name]
    weights = WEIGHTS / f"default-{name}.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == numbers["sha256"][f"finetune/{name}-all-floating-1"]
    tagging = numbers["tagging"]["rs3l"]
    card = (WEIGHTS / f"default-{name}.md").read_text(encoding="utf-8")
    assert f"| AUC | {tagging['auc_trainings'][0]:.4f} " in card
    for efficiency in ("50", "80"):
        assert f"| 1/FPR at {efficiency} % | {tagging['rejection'][efficiency]['trainings'][0]:.0f} " in card


def test_tagger_knows_higgs_jets_of_another_simulation(shared_data: Path) -> None:
    with np.load(shared_data / "published" / "mar20_run0_reference.npz") as file:
        features, offsets, process = file["features"], file["offsets"], file["process"]
    score = rs3l_gnn.load_tagger("default-hbb").score(features, offsets)
    higgs, qcd = score[process == 1], score[process == 0]
    area = float(np.mean(higgs[:, None] > qcd[None, :]))
    assert area > 0.95, area
    assert np.median(higgs) > 0.5 > np.median(qcd)


def test_unknown_names_list_the_shipped_ones() -> None:
    with pytest.raises(CheckpointError, match=f"allowed: {', '.join(shipped_names())}, "):
        rs3l_gnn.load_encoder("defualt")
