"""Scores of exported networks: ours against the network, weaver's against a loop over momenta."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rs3l_gnn.conventions import (
    KINEMATIC_FEATURES,
    Candidates,
    CheckpointError,
    InvalidDataError,
    JetAxes,
    JetDomain,
    candidate_features,
)
from rs3l_gnn.models import ExportedNetwork, ExportedTagger, Head, HeadConfig, Tagger
from rs3l_gnn.models.export import export


def _own(tmp_path: Path, make_encoder: Callable[..., Any], formats: Any, **head: Any) -> Tagger:
    tagger = Tagger(
        make_encoder(k=4, layers=1, width=16, features=KINEMATIC_FEATURES),
        Head(HeadConfig(hidden=(4,), **head)),
        classes=("qcd", "hbb", "top") if head else None,
    )
    tagger.encoder.domain = JetDomain(radius=0.8, pt_min=300.0)
    export(tagger, tmp_path / "out", formats=formats)
    return tagger


@pytest.mark.parametrize(("head", "formats"), [({}, ["torchscript"]), ({"n_classes": 3}, ["onnx", "torchscript"])])
def test_our_own(
    tmp_path: Path, make_encoder: Callable[..., Any], make_jets: Callable[..., Any], head: Any, formats: list[str]
) -> None:
    pytest.importorskip("onnxruntime")
    tagger = _own(tmp_path, make_encoder, formats, **head)
    features, offsets = make_jets()
    digests = set()
    for kind in formats:
        name = {"onnx": "model.onnx", "torchscript": "model.pt"}[kind]
        config = ExportedNetwork.model_validate({"kind": kind, "file": tmp_path / "out" / name})
        exported = ExportedTagger(config)
        assert exported.classes == tagger.classes
        assert exported.features == KINEMATIC_FEATURES
        assert exported.domain == tagger.encoder.domain
        assert ExportedTagger(config.model_copy(update={"pt_min": 400.0})).domain.pt_min == 400
        scores = exported.score(features, offsets, np.zeros((len(offsets) - 1, 2)))
        expected = tagger.score(features, offsets)
        assert scores.shape == expected.shape
        assert np.abs(scores - expected).max() < 2e-6
        digests.add(exported.digest)
    assert len(digests) == len(formats)


def _momenta(counts: tuple[int, ...]) -> tuple[list[dict[str, float]], list[list[dict[str, float]]]]:
    rng = np.random.default_rng(7)
    jets = [
        {"pt": pt, "eta": eta, "phi": phi, "energy": pt * np.cosh(eta) * 1.01}
        for pt, eta, phi in zip([500, 600, 700, 450], [0.5, -1.2, -0.1, 2.0], [3.1, -3.1, 0.2, 1.0], strict=True)
    ]
    candidates = []
    for jet, count in zip(jets, counts, strict=True):
        pt, eta, phi = rng.exponential(20, count) + 1, jet["eta"] + rng.normal(0, 0.3, count), rng.normal(0, 0.3, count)
        phi = np.remainder(jet["phi"] + phi + np.pi, 2 * np.pi) - np.pi
        columns = {"pt": pt, "eta": eta, "phi": phi, "energy": pt * np.cosh(eta) * 1.001}
        rows = [{name: float(values[row]) for name, values in columns.items()} for row in range(count)]
        ids = rng.choice([211, -13, 22, 130], count)
        candidates.append(
            [{**row, "pdgId": n, "charge": {211: 1, -13: 1}.get(n, 0)} for row, n in zip(rows, ids, strict=True)]
        )
    return jets, candidates


def _features(jets: list[dict[str, float]], candidates: list[list[dict[str, float]]]) -> tuple[Any, Any, Any]:
    ordered = [sorted(mine, key=lambda c: -c["pt"]) for mine in candidates]
    flat = {name: np.array([c[name] for mine in ordered for c in mine]) for name in candidates[0][0]}
    offsets = np.concatenate([[0], np.cumsum([len(mine) for mine in candidates])])
    zero = np.zeros(offsets[-1])
    rest: Any = {name: flat[name] for name in ("pt", "eta", "phi", "energy", "charge")}
    particles = Candidates(**rest, pdgid=flat["pdgId"].astype(int), d0=zero, dz=zero)
    axes = JetAxes(**{name: np.array([jet[name] for jet in jets]) for name in ("pt", "eta", "phi", "energy")})
    return candidate_features(particles, axes, offsets), offsets, np.stack([axes.eta, axes.phi], axis=1)


@pytest.mark.parametrize("logits", [False, True])
def test_weavers(tmp_path: Path, weaver_network: Any, logits: bool) -> None:
    made = weaver_network.write(tmp_path, logits=logits) if logits else weaver_network
    output = "logits" if logits else "probabilities"
    config = ExportedNetwork(kind="onnx", file=made.file, preprocess=made.preprocess, output=output)
    tagger = ExportedTagger(config)
    assert tagger.classes == weaver_network.classes
    assert set(tagger.features) == {
        *("deta", "dphi", "log_pt", "log_e", "log_e_rel", "delta_r", "charge", "is_muon"),
    }
    jets, candidates = _momenta((30, 3, 12, 1))
    scores = tagger.score(*_features(jets, candidates))
    expected = [weaver_network.score(jet, mine) for jet, mine in zip(jets, candidates, strict=True)]
    np.testing.assert_allclose(scores, expected, atol=3e-6)
    if logits:
        with pytest.raises(InvalidDataError, match=r"gives no probabilities; got .*say output: logits"):
            ExportedTagger(config.model_copy(update={"output": "probabilities"})).score(*_features(jets, candidates))


def test_one_logit(tmp_path: Path) -> None:
    class One(torch.nn.Module):
        def forward(self, features: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
            return (features[:, :, 0] * valid).sum(dim=1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch calls TorchScript deprecated
        torch.jit.save(torch.jit.script(One()), tmp_path / "model.pt")
    features = [{"name": "log_pt", "unit": "log(pT/GeV)"}]
    (tmp_path / "export.json").write_text(json.dumps({"kind": "tagger", "features": features}))
    tagger = ExportedTagger(ExportedNetwork(kind="torchscript", file=tmp_path / "model.pt", output="logits"))
    assert tagger.classes == ("signal",)
    x = np.zeros((4, 15), np.float32)
    x[:, 0] = [0.5, 1.0, -3.0, 60.0]
    scores = tagger.score(x, np.array([0, 2, 3, 3, 4]), np.zeros((4, 2)))
    assert scores == pytest.approx([1 / (1 + np.exp(-1.5)), 1 / (1 + np.exp(3)), 0.5, 1.0])
    with pytest.raises(InvalidDataError, match=r"wrong shape; got \(4, 3\)"):
        tagger.score(x[:, :3], np.array([0, 4]), np.zeros((1, 2)))


def test_a_file_that_changed_since_its_export_is_not_opened(tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    file.write_bytes(b"a program")
    sums = {"model.pt": {"sha256": hashlib.sha256(b"another program").hexdigest()}}
    document = {"kind": "tagger", "features": [{"name": "log_pt"}], "files": sums}
    (tmp_path / "export.json").write_text(json.dumps(document))
    config = ExportedNetwork(kind="torchscript", file=file)
    with pytest.raises(CheckpointError, match=r"model\.pt is not the file that .*export\.json describes"):
        ExportedTagger(config)
    file.write_bytes(b"another program")
    with pytest.raises(CheckpointError, match="is not a TorchScript file"):  # it is opened
        ExportedTagger(config)


def test_what_does_not_fit(tmp_path: Path, weaver_network: Any, make_encoder: Callable[..., Any]) -> None:
    file, preprocess = weaver_network.file, weaver_network.preprocess
    with pytest.raises(
        CheckpointError, match="nothing says what .*model.onnx takes: there is no export.json beside it"
    ):
        ExportedTagger(ExportedNetwork(kind="onnx", file=file))
    two = ExportedTagger(ExportedNetwork(kind="onnx", file=file, preprocess=preprocess, classes=("a", "b")))
    with pytest.raises(
        CheckpointError, match=r"scores of shape \[4, 3\] for 4 jets; allowed: one for each class: a, b"
    ):
        two.score(*_features(*_momenta((2, 3, 4, 5))))
    (tmp_path / "other.json").write_text(json.dumps({"features": 3}))
    with pytest.raises(CheckpointError, match="neither a preprocessing document of weaver-core nor an export.json"):
        ExportedTagger(ExportedNetwork(kind="onnx", file=file, preprocess=tmp_path / "other.json"))
    export(make_encoder(k=4, layers=1, width=16), tmp_path / "out", formats=["torchscript"])
    with pytest.raises(CheckpointError, match="is an encoder, which gives no scores"):
        ExportedTagger(ExportedNetwork(kind="torchscript", file=tmp_path / "out" / "model.pt"))
