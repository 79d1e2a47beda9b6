"""Taggers on jets of another kind than they were trained on, and taggers of several classes, in an analysis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import torch
import uproot
from boost_histogram.serialization import from_uhi

from rs3l_gnn.conventions import ConfigError, JetDomain, parse_config
from rs3l_gnn.inference import jet_inputs
from rs3l_gnn.models import EdgeConvConfig, Head, HeadConfig, Tagger, load_tagger, make_encoder, save_tagger
from rs3l_gnn.processors import AnalysisConfig, analyze


def _tagger(path: Path, domain: JetDomain, classes: tuple[str, ...] = ("signal",)) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        encoder = make_encoder(EdgeConvConfig(width=16, layers=1, k=6, hidden=(8,), dim=4))
        encoder.domain = domain
        n_classes = len(classes)
        save_tagger(path, Tagger(encoder, Head(HeadConfig(n_classes=n_classes), dim=4), classes=classes))
    return path


def _config(toy_directory: Path, tagger: Path, **more: Any) -> AnalysisConfig:
    document = {
        "filesets": toy_directory / "hbb" / "fileset.json",
        "datasets": ["hbb_nominal"],
        "taggers": {"net": str(tagger)},
        "jet": {"pt_min": 400.0},
        "systematics": {"ps_weights": False},
    }
    return AnalysisConfig.model_validate(document | more)


def test_the_report_says_how_jets_differ_from_the_training(toy_directory: Path, tmp_path: Path) -> None:
    trained = JetDomain(radius=1.0, pt_min=520.0, formats=("delphes",), missing_features=())
    tagger = _tagger(tmp_path / "t.safetensors", trained)
    report = analyze(_config(toy_directory, tagger), tmp_path / "out")
    assert report["remarks"] == [
        f"{tagger}: candidates as in pfnano, trained on delphes",
        f"{tagger}: jets of radius 0.8 where the network was trained on 1",
    ]
    with uproot.open(toy_directory / "hbb" / "nominal_0000.root") as file:
        pt = [row[0] for row in file["Events"]["FatJet_pt"].array().to_list() if row and row[0] > 400]
    assert report["jets_below_training_range"] == sum(value < 520 for value in pt) > 0
    same = _tagger(tmp_path / "s.safetensors", JetDomain(radius=0.8, pt_min=450.0, formats=("pfnano",)))
    assert analyze(_config(toy_directory, same), tmp_path / "same")["remarks"] == []


def test_a_tagger_of_several_classes_fills_its_discriminant(toy_directory: Path, tmp_path: Path) -> None:
    tagger = _tagger(tmp_path / "t.safetensors", JetDomain(), ("qcd", "hbb", "wqq"))
    with pytest.raises(ConfigError, match="tagger net gives a score for each of qcd, hbb, wqq; name those"):
        analyze(_config(toy_directory, tagger), tmp_path / "out")
    with pytest.raises(ConfigError, match="discriminants name no tagger: other"):
        _load({"other": {"signal": ["hbb"]}}, toy_directory, tagger)
    chosen = {"net": {"signal": ["hbb"], "background": ["qcd"]}}
    analyze(_load(chosen, toy_directory, tagger), tmp_path / "out")
    document = json.loads((tmp_path / "out" / "histograms.json").read_text())
    histogram = from_uhi(document["histograms"]["score_net"])
    with uproot.open(toy_directory / "hbb" / "nominal_0000.root") as file:
        arrays = file["Events"].arrays()
    scores = []
    for event in arrays:
        if len(event["FatJet_pt"]) == 0 or not event["FatJet_pt"][0] > 400:
            continue
        jets = [[{name: event[f"FatJet_{name}"][0] for name in ("pt", "eta", "phi", "mass")}]]
        names = ("pt", "eta", "phi", "mass", "charge", "pdgId", "d0", "dz")
        rows = [{name: event[f"PFCands_{name}"][i] for name in names} for i in range(len(event["PFCands_pt"]))]
        inputs = jet_inputs(ak.Array(jets), ak.Array([[rows]]))
        p = load_tagger(tagger).score(inputs.features, inputs.offsets)[0]
        scores.append(p[1] / (p[0] + p[1]))
    edges = np.linspace(0, 1, 201)
    got = histogram.values().reshape(-1, 200).sum(axis=0) * 60  # 60 events share 1 pb
    np.testing.assert_allclose(got, np.histogram(scores, edges)[0], atol=1e-6)


def _load(discriminants: dict[str, Any], toy_directory: Path, tagger: Path) -> AnalysisConfig:
    return parse_config(
        AnalysisConfig, _config(toy_directory, tagger).model_dump() | {"discriminants": discriminants}, where="test"
    )
