"""Networks of other programs in an analysis and in tables of scores: against loops over momenta."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest
import uproot
from boost_histogram.serialization import from_uhi
from typer.testing import CliRunner

from rs3l_gnn.cli import app
from rs3l_gnn.cli import tag as _tag  # noqa: F401  # registers the verb
from rs3l_gnn.conventions import CheckpointError, InvalidDataError
from rs3l_gnn.inference import ExportedNetwork, JetTagger
from rs3l_gnn.models import load_tagger
from rs3l_gnn.models.export import export
from rs3l_gnn.processors import AnalysisConfig, analyze, tag_files

_IDS = {211: 1, -211: -1, 11: -1, -11: 1, 13: -1, -13: 1}


def _expected(file: Path, network: Any, candidates: str, links: str, index: str) -> list[list[list[float]]]:
    """Scores [event][jet][class], one candidate after another."""
    jets = ("pt", "eta", "phi", "mass", "rawFactor")
    fields = ("pt", "eta", "phi", "mass", "pdgId")
    with uproot.open(file) as opened:
        tree = opened["Events"]
        names = [f"FatJet_{name}" for name in jets] + [f"{candidates}_{name}" for name in fields]
        names += [f"{links}_jetIdx", f"{links}_{index}"]
        events = tree.arrays(names, library="np")
    out = []
    for event in range(len(events["FatJet_pt"])):
        found = []
        for number in range(len(events["FatJet_pt"][event])):
            jet = {name: float(events[f"FatJet_{name}"][event][number]) for name in jets}
            raw = 1 - jet["rawFactor"]  # CMS stores corrected jets
            energy = np.hypot(jet["pt"] * raw * np.cosh(jet["eta"]), max(jet["mass"] * raw, 0.0))
            mine = events[f"{links}_{index}"][event][events[f"{links}_jetIdx"][event] == number]
            rows = [{name: float(events[f"{candidates}_{name}"][event][one]) for name in fields} for one in mine]
            for row in rows:
                row["energy"] = np.hypot(row["pt"] * np.cosh(row["eta"]), max(row["mass"], 0.0))
                row["charge"] = _IDS.get(int(row["pdgId"]), 0)
            found.append(network.score({**jet, "energy": energy}, rows))
        out.append(found)
    return out


def test_analysis_of_pfnano(slim_data: Path, weaver_network: Any, tagger_path: Path, tmp_path: Path) -> None:
    """Weaver's network beside ours, in both of its forms."""
    file = slim_data / "cms" / "pfnano.root"
    export(load_tagger(tagger_path), tmp_path / "exported", formats=["torchscript"])
    (tmp_path / "fileset.json").write_text(json.dumps({"tt": {"files": {str(file): "Events"}}}))
    foreign = {"kind": "onnx", "file": weaver_network.file, "preprocess": weaver_network.preprocess}
    document = {
        "filesets": tmp_path / "fileset.json",
        "jet": {"choice": "all", "pt_min": 170},
        "skims": True,
        "channels": {"tagged": "score_weaver > 0.5"},
        "taggers": {
            "weaver": foreign,
            "ours": str(tagger_path),
            "script": {"kind": "torchscript", "file": tmp_path / "exported" / "model.pt"},
        },
        "discriminants": {"weaver": {"signal": ["label_Hbb"], "background": ["label_QCD"]}},
    }
    report = analyze(AnalysisConfig.model_validate(document), tmp_path / "out")
    assert report["complete"] is True
    skim = ak.from_parquet(tmp_path / "out" / "skims" / "tt.parquet")
    assert len(skim) > 15
    np.testing.assert_allclose(skim.score_script, skim.score_ours, atol=2e-6)
    with uproot.open(file) as opened:
        numbers = opened["Events"]["event"].array(library="np").tolist()
    scores = _expected(file, weaver_network, "PFCands", "FatJetPFCands", "pFCandsIdx")
    classes = [scores[numbers.index(event)][jet] for event, jet in zip(skim.event, skim.jet, strict=True)]
    expected = [hbb / (hbb + qcd) for qcd, hbb, _ in classes]
    np.testing.assert_allclose(skim.score_weaver, expected, atol=1e-5)
    written = json.loads((tmp_path / "out" / "histograms.json").read_text())
    assert {len(digests) for digests in written["models"].values()} == {1}
    assert all(len(digests[0]) == 64 for digests in written["models"].values())
    histogram: Any = hist.Hist(from_uhi(written["histograms"]["score_weaver"]))
    inside = np.asarray(skim.weight if "weight" in skim.fields else np.ones(len(skim)))[np.array(expected) > 0.5]
    assert len(inside) > 0
    filled = histogram[{"dataset": "tt", "channel": "tagged", "variation": "nominal"}].view(flow=True)
    assert (filled["value"] != 0).sum() > 0


def test_a_table_of_nanoaod(slim_data: Path, weaver_network: Any, tmp_path: Path) -> None:
    """On the command line; without charges and impact parameters, which this network does not ask for."""
    file, output = slim_data / "cms" / "nano_tt_v15.root", tmp_path / "scores.parquet"
    arguments = ["tag", str(file), "--tagger", str(weaver_network.file), "--pt-min", "250", "--output", str(output)]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 2
    assert "say what it is: {kind: onnx" in refused.stderr
    more = ["--kind", "onnx", "--preprocess", str(weaver_network.preprocess)]
    result = CliRunner().invoke(app, [*arguments, *more])
    assert result.exit_code == 0, result.output
    table = ak.from_parquet(output)
    assert set(table.in_training_range) == {True}
    scores = _expected(file, weaver_network, "PFCand", "FatJetPFCand", "pfCandIdx")
    for place, name in enumerate(weaver_network.classes):
        expected = [scores[entry][jet][place] for entry, jet in zip(table.entry, table.jet, strict=True)]
        np.testing.assert_allclose(table[f"score_{name}"], expected, atol=1e-5)
    alone = CliRunner().invoke(app, [*arguments, "--preprocess", "x.json", "--force"])
    assert "--preprocess goes with --kind" in alone.stderr


def test_what_the_files_lack(slim_data: Path, weaver_network: Any, tmp_path: Path) -> None:
    document = weaver_network.document()
    document["pf_features"]["var_names"].append("part_d0")
    document["pf_features"]["var_infos"]["part_d0"] = {}
    (tmp_path / "preprocess.json").write_text(json.dumps(document))
    network = ExportedNetwork(kind="onnx", file=weaver_network.file, preprocess=tmp_path / "preprocess.json")
    tagger = JetTagger(network)
    with pytest.raises(InvalidDataError, match="model.onnx needs tanh_d0, which the format of .*nano_tt_v15.root"):
        tag_files([slim_data / "cms" / "nano_tt_v15.root"], tagger, tmp_path / "scores.parquet")
    with pytest.raises(CheckpointError, match=r"model.onnx does not take .*pf_features \[\d+, 6, 12\]"):
        tag_files([slim_data / "cms" / "pfnano.root"], tagger, tmp_path / "scores.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["preprocess.json"]
