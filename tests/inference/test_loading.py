"""Networks by name or file, with and without torch's modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rs3l_gnn
from rs3l_gnn import models
from rs3l_gnn.conventions import CheckpointError
from rs3l_gnn.models.frozen import FrozenEncoder, FrozenTagger

HEAVY = ("torch", "pydantic", "h5py", "coffea", "uproot", "dask", "matplotlib", "pandas", "typer")
"""Not of the light part. numba and awkward look for scipy and yaml, and use them where they are."""


def test_shipped_networks_need_no_torch_and_give_its_bits() -> None:
    rng = np.random.default_rng(0)
    features, offsets = rng.normal(size=(90, 15)).astype(np.float32), np.array([0, 40, 40, 90])
    tagger = rs3l_gnn.load_tagger("default-hbb")
    assert isinstance(tagger, FrozenTagger)
    assert np.array_equal(tagger.score(features, offsets), models.load_tagger("default-hbb").score(features, offsets))
    encoder = rs3l_gnn.load_encoder("default")
    assert isinstance(encoder, FrozenEncoder)
    assert np.array_equal(encoder.embed(features, offsets), models.load_encoder("default").embed(features, offsets))
    assert isinstance(rs3l_gnn.load_encoder("default-hbb"), FrozenEncoder)


def test_other_backbones_come_with_torch(tmp_path: Path) -> None:
    network = models.make_encoder(models.TransformerConfig(width=16, layers=1))
    models.save_encoder(tmp_path / "encoder.safetensors", network)
    loaded = rs3l_gnn.load_encoder(tmp_path / "encoder.safetensors")
    assert isinstance(loaded, models.Encoder)
    assert loaded.digest == network.digest


def test_an_encoder_is_no_tagger() -> None:
    with pytest.raises(CheckpointError, match="default holds an encoder without a head; fine-tune it first"):
        rs3l_gnn.load_tagger("default")


def _loaded_by(code: str) -> set[str]:
    line = f"{code}\nimport sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)  # noqa: S603  # our own code
    return set(result.stdout.split())


def test_features_formats_checkpoints_and_scores_load_nothing_heavy() -> None:
    """The light part is closed: what a score takes, from event records on."""
    code = """
import awkward as ak, numpy as np
import rs3l_gnn
from rs3l_gnn.conventions import FEATURES, candidate_features
from rs3l_gnn.data import FORMATS, EventTables, get_format
from rs3l_gnn.inference import Discriminant, JetTagger, event_inputs, jet_inputs, shipped_networks
jets = ak.Array([[{"pt": 500.0, "eta": 0.1, "phi": 3.1, "mass": 90.0}], []])
part = {"eta": 0.1, "phi": -3.1, "mass": 0.1, "pdgId": 211, "charge": 1, "d0": 0.01, "dz": -0.02}
candidates = ak.Array([[[{"pt": 100.0, **part}, {"pt": 50.0, **part}]], []])
tagger = JetTagger("default-hbb")
assert 0 <= tagger(jets, candidates)[0, 0] <= 1
assert tagger.embed(jets, candidates).ndim == 3
rs3l_gnn.load_encoder("default").embed(np.zeros((3, 15), np.float32), np.array([0, 1, 3]))
assert list(FORMATS.parts) and shipped_networks() and get_format("jetclass").name == "jetclass"
"""
    assert _loaded_by(code) == set()


def test_bare_imports_load_nothing_heavy() -> None:
    assert _loaded_by("import rs3l_gnn.inference, rs3l_gnn.data, rs3l_gnn.conventions, rs3l_gnn.models") == set()
