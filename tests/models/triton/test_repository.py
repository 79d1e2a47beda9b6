"""A model repository: its configuration as Triton's own schema reads it, and numbers of the graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    Candidates,
    CheckpointError,
    JetAxes,
    OutputError,
    candidate_features,
)
from rs3l_gnn.models import EdgeConvConfig, Head, HeadConfig, Tagger, load_tagger, make_encoder
from rs3l_gnn.models.triton.candidates import candidates_of, padded_candidates
from rs3l_gnn.models.triton.repository import write_repository

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def _events(counts: list[int], seed: int = 3) -> tuple[Candidates, JetAxes, NDArray[np.int64]]:
    """Invented candidates and jets at any angle, with tracks far away, photons of both numbers, an unknown particle."""
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    n = int(offsets[-1])
    jet = np.repeat(np.arange(len(counts)), counts)
    bounds = ((450.0, 900.0), (-2.0, 2.0), (-np.pi, np.pi), (900.0, 1200.0))
    axes = JetAxes(*(rng.uniform(low, high, len(counts)).astype(np.float32) for low, high in bounds))
    pt = (rng.exponential(10, n) + 1).astype(np.float32)
    eta = (axes.eta[jet] + rng.normal(0, 0.3, n)).astype(np.float32)
    phi = ((axes.phi[jet] + rng.normal(0, 0.3, n) + np.pi) % (2 * np.pi) - np.pi).astype(np.float32)
    number = rng.choice([22, 2, 13, -13, 11, 211, -211, 130, 2112, 0], n)
    charge = np.where(np.isin(number, (13, 211)), 1, np.where(np.isin(number, (-13, 11, -211)), -1, 0))
    d0, dz = (np.where(charge != 0, rng.standard_cauchy(n), 0.0).astype(np.float32) for _ in range(2))
    energy = (pt * np.cosh(eta)).astype(np.float32)
    return Candidates(pt, eta, phi, energy, charge, number, d0, dz), axes, offsets


def _request(candidates: Candidates, axes: JetAxes, offsets: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    columns: list[NDArray[Any]] = [candidates.pt, candidates.eta, candidates.phi, candidates.energy]
    columns += [candidates.charge, candidates.pdgid, candidates.d0, candidates.dz]
    padded, valid = padded_candidates(np.stack(columns, axis=1).astype(np.float32), offsets)
    jets = np.stack([axes.pt, axes.eta, axes.phi, axes.energy], axis=1).astype(np.float32)
    return {"candidates": padded, "jets": jets, "valid": valid}


@pytest.fixture(scope="module")
def folder(tagger_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_repository(tagger_path, tmp_path_factory.mktemp("triton"), name="hbb")


def test_triton_reads_the_configuration(folder: Path, tagger_path: Path) -> None:
    text_format = pytest.importorskip("google.protobuf.text_format")
    schema = pytest.importorskip("tritonclient.grpc.model_config_pb2")
    config = text_format.Parse((folder / "config.pbtxt").read_text(), schema.ModelConfig())
    assert (config.name, config.backend, config.max_batch_size) == ("hbb", "onnxruntime", 256)
    assert [(entry.name, list(entry.dims)) for entry in config.input] == [
        ("candidates", [-1, 8]),
        ("jets", [4]),
        ("valid", [-1]),
    ]
    assert [(entry.name, list(entry.dims)) for entry in config.output] == [("score", [1])]
    assert list(config.dynamic_batching.preferred_batch_size) == [64, 256]
    warm = config.model_warmup[0].inputs
    assert {name: list(warm[name].dims) for name in warm} == {"candidates": [32, 8], "jets": [4], "valid": [32]}
    document = json.loads(config.parameters["rs3l"].string_value)
    assert document["digest"] == load_tagger(tagger_path).digest
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [
        "1/model.onnx",
        "config.pbtxt",
        "export.json",
    ]


@pytest.mark.parametrize("counts", [[1], [5, 0, 30, 24], [100, 23, 25, 1, 0, 60, 24]], ids=str)
def test_candidates_give_the_scores_of_the_model(folder: Path, tagger_path: Path, counts: list[int]) -> None:
    import onnxruntime

    candidates, axes, offsets = _events(counts)
    session = onnxruntime.InferenceSession(str(folder / "1" / "model.onnx"), providers=["CPUExecutionProvider"])
    found = session.run(None, _request(candidates, axes, offsets))[0]
    expected = load_tagger(tagger_path).score(candidate_features(candidates, axes, offsets), offsets)
    assert found.shape == (len(counts), 1)
    assert np.abs(found[:, 0] - expected).max() < 5e-5
    assert np.ptp(expected) > 1e-3 or len(counts) == 1


def test_padding_changes_nothing(folder: Path) -> None:
    """Neither its length nor what stands in it: zeros, as the server's warm-up sends them, or anything else."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / "1" / "model.onnx"), providers=["CPUExecutionProvider"])
    short = _request(*_events([7, 12]))
    more = {
        "candidates": np.pad(short["candidates"], ((0, 0), (0, 20), (0, 0)), constant_values=1.0),
        "jets": short["jets"],
        "valid": np.pad(short["valid"], ((0, 0), (0, 20))),
    }
    assert np.allclose(session.run(None, short)[0], session.run(None, more)[0], atol=1e-6)
    empty = {"candidates": np.zeros((1, 32, 8), np.float32), "jets": np.zeros((1, 4), np.float32)}
    assert np.isfinite(session.run(None, {**empty, "valid": np.zeros((1, 32), bool)})[0]).all()


def test_features_go_there_and_back() -> None:
    """Candidates made from features have these features: what a client with features alone sends."""
    candidates, axes, offsets = _events([3, 0, 40])
    features = candidate_features(candidates, axes, offsets)
    rows, jets = candidates_of(features, offsets)
    columns = dict(zip(("pt", "eta", "phi", "energy", "charge", "pdgid", "d0", "dz"), rows.T, strict=True))
    again = candidate_features(Candidates(**columns), JetAxes(*jets.T), offsets)
    assert np.abs(again - features).max() < 2e-5
    assert again[:, FEATURE_NAMES.index("is_muon")].sum() > 0


@pytest.mark.slow
def test_several_classes_and_encoders(tmp_path: Path) -> None:
    from rs3l_gnn.models import save_encoder

    encoder = make_encoder(EdgeConvConfig(width=8, hidden=(8,), dim=4, layers=1, k=4))
    head = Head(HeadConfig(hidden=(), n_classes=3), dim=4)
    write_repository(Tagger(encoder, head, classes=("a", "b", "c")), tmp_path / "models", name="three")
    assert "dims: [ 3 ]" in (tmp_path / "models" / "three" / "config.pbtxt").read_text()
    save_encoder(tmp_path / "plain.safetensors", encoder)
    folder = write_repository(tmp_path / "plain.safetensors", tmp_path / "models")
    assert folder.name == "plain"
    assert 'name: "embedding" data_type: TYPE_FP32 dims: [ 4 ]' in (folder / "config.pbtxt").read_text()


def test_what_cannot_be_is_refused(folder: Path, tagger_path: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="hbb"):
        write_repository(tagger_path, folder.parent, name="hbb")
    with pytest.raises(CheckpointError, match="needs a name of letters"):
        write_repository(tagger_path, tmp_path, name="../up")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_command(tagger_path: Path, tmp_path: Path) -> None:
    from rs3l_gnn.cli import app, load_verbs

    load_verbs()
    done = CliRunner().invoke(app, ["export", str(tagger_path), "--triton", str(tmp_path / "models"), "--name", "x"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "models" / "x" / "1" / "model.onnx").is_file()
