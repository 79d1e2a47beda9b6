"""Exported files give the model's numbers."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rs3l_gnn.conventions import FEATURE_NAMES, KINEMATIC_FEATURES, CheckpointError, OutputError
from rs3l_gnn.models import Encoder, Head, HeadConfig, Tagger, save_tagger
from rs3l_gnn.models.export import export
from rs3l_gnn.models.padded import padded_batch
from rs3l_gnn.models.unpadded import UnpaddedNetwork

MakeEncoder = Callable[..., Encoder]
MakeJets = Callable[..., Any]


@pytest.mark.parametrize("settings", [{}, {"k": 5, "width": 40}, {"backbone": "transformer", "width": 32}])
def test_padded_network_equals_the_ragged_one(
    settings: dict[str, Any], make_encoder: MakeEncoder, make_jets: MakeJets
) -> None:
    encoder = make_encoder(**settings)
    features, offsets = make_jets()
    x, valid = padded_batch(features, offsets)
    with torch.no_grad():
        z = encoder.padded()(torch.from_numpy(x), torch.from_numpy(valid)).numpy()
        x[~valid] = 1000.0
        rubbish = encoder.padded()(torch.from_numpy(x), torch.from_numpy(valid)).numpy()
    expected = encoder.embed(features, offsets)
    assert np.abs(z - expected).max() < 2e-6 * np.abs(expected).max()
    assert np.abs(rubbish - expected).max() < 2e-6 * np.abs(expected).max()


def test_padded_batch_of_nothing() -> None:
    x, valid = padded_batch(np.empty((0, 15)), np.array([0, 0]))
    assert x.shape == (1, 1, 15)
    assert not valid.any()


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")  # coffea takes nothing newer
@pytest.mark.filterwarnings("ignore:No format checks were performed on input")  # the wrapper's own hint
def test_torchscript_runs_in_the_wrapper_of_coffea(
    tmp_path: Path, make_encoder: MakeEncoder, make_jets: MakeJets
) -> None:
    ml_tools: Any = pytest.importorskip("coffea.ml_tools")
    import awkward as ak

    tagger = Tagger(make_encoder(k=4, layers=1, features=KINEMATIC_FEATURES), Head(HeadConfig(hidden=(4,))))
    save_tagger(tmp_path / "tagger.safetensors", tagger)
    report = export(tmp_path / "tagger.safetensors", tmp_path / "out", formats=["torchscript"])
    assert report == json.loads((tmp_path / "out" / "export.json").read_text())
    assert report["kind"] == "tagger"
    assert report["digest"] == tagger.digest
    assert report["files"]["model.pt"]["max_difference"] < 1e-6
    assert [feature["name"] for feature in report["features"]] == list(KINEMATIC_FEATURES)

    class Wrapper(ml_tools.torch_wrapper):  # type: ignore[misc]  # coffea is untyped
        def prepare_awkward(self, jets: Any) -> tuple[tuple[Any, Any], dict[str, Any]]:
            n = int(ak.max(ak.num(jets), initial=1))
            padded = ak.fill_none(ak.pad_none(jets, n), [0.0] * len(KINEMATIC_FEATURES), axis=1)
            valid = ak.local_index(padded, axis=1) < ak.num(jets)
            return (ak.values_astype(padded, np.float32), valid), {}

    features, offsets = make_jets(columns=len(KINEMATIC_FEATURES))
    jets = ak.unflatten(ak.from_numpy(features), np.diff(offsets))
    score = Wrapper(str(tmp_path / "out" / "model.pt"))(jets)
    assert np.allclose(ak.to_numpy(score), tagger.score(features, offsets), atol=1e-6)


def test_features_in_another_order_are_exported_as_they_are_listed(
    tmp_path: Path, make_encoder: MakeEncoder, make_jets: MakeJets
) -> None:
    encoder = make_encoder(k=4, layers=1, width=32, features=FEATURE_NAMES[::-1])
    report = export(encoder, tmp_path / "out", formats=["torchscript"])
    assert [feature["name"] for feature in report["features"]] == list(FEATURE_NAMES[::-1])
    features, offsets = make_jets()
    x, valid = padded_batch(features[:, ::-1], offsets)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch calls TorchScript deprecated
        loaded = torch.jit.load(tmp_path / "out" / "model.pt")  # type: ignore[no-untyped-call]  # torch
    z = loaded(torch.from_numpy(x), torch.from_numpy(valid)).detach().numpy()
    expected = encoder.embed(features, offsets)
    assert np.abs(z - expected).max() < 2e-6 * np.abs(expected).max()


def test_features_beyond_the_papers_are_exported(
    tmp_path: Path, make_encoder: MakeEncoder, make_jets: MakeJets
) -> None:
    encoder = make_encoder(k=4, layers=1, width=32, features=["puppi_weight", "nano"])
    report = export(encoder, tmp_path / "out", formats=["torchscript"])
    assert [feature["name"] for feature in report["features"][:2]] == ["puppi_weight", "log_pt"]
    features, offsets = make_jets(columns=14)
    x, valid = padded_batch(features, offsets)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch calls TorchScript deprecated
        loaded = torch.jit.load(tmp_path / "out" / "model.pt")  # type: ignore[no-untyped-call]  # torch
    z = loaded(torch.from_numpy(x), torch.from_numpy(valid)).detach().numpy()
    expected = encoder.embed(features, offsets)
    assert np.abs(z - expected).max() < 2e-6 * np.abs(expected).max()


@pytest.mark.parametrize("format_", ["onnx", "torch"])
def test_other_formats(format_: Any, tmp_path: Path, make_encoder: MakeEncoder) -> None:
    pytest.importorskip("onnxruntime")
    encoder = make_encoder(k=4, layers=1, width=32)
    report = export(encoder, tmp_path / "out", formats=[format_])
    (name,) = report["files"]
    assert (tmp_path / "out" / name).is_file()
    assert report["files"][name]["max_difference"] < 2e-6


@pytest.mark.slow
def test_every_format_of_the_published_encoder(shared_data: Path, tmp_path: Path) -> None:
    report = export(shared_data / "published" / "mar20_run0.pt", tmp_path / "out")
    assert set(report["files"]) == {"model.onnx", "model.pt", "model.pt2"}
    assert all(file["max_difference"] < 2e-5 for file in report["files"].values())
    reference = np.load(shared_data / "published" / "mar20_run0_reference.npz")
    import onnxruntime

    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx", providers=["CPUExecutionProvider"])
    features, valid = padded_batch(reference["features"], reference["offsets"])
    z = session.run(["embedding"], {"features": features, "valid": valid})[0].astype(np.float64)
    expected = reference["embedding"]
    cosine = (z * expected).sum(axis=1) / np.linalg.norm(z, axis=1) / np.linalg.norm(expected, axis=1)
    assert (1 - cosine).max() < 1e-6


def test_difference_from_the_model_is_an_error(
    tmp_path: Path, make_encoder: MakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = UnpaddedNetwork.forward
    monkeypatch.setattr(
        UnpaddedNetwork, "forward", lambda self, features, valid: forward(self, features, valid) * 1.001
    )
    with pytest.raises(CheckpointError, match=r"model.pt2 gives other numbers .* a difference of \d\.\de-04"):
        export(make_encoder(k=2, layers=1, width=32), tmp_path / "out", formats=["torch"])
    assert not list(tmp_path.iterdir())


def test_refusals(tmp_path: Path, make_encoder: MakeEncoder) -> None:
    with pytest.raises(CheckpointError, match="allowed: onnx, torchscript, torch"):
        export(make_encoder(), tmp_path / "out", formats=["tensorflow"])  # type: ignore[list-item]  # what is tested
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        export(make_encoder(), tmp_path / "out")
    assert len(FEATURE_NAMES) == 15
