"""Taggers whose scores stand in the files, beside networks of our own."""

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

from rs3l_gnn.conventions import ConfigError, MissingBranchError, parse_config
from rs3l_gnn.processors import AnalysisConfig, ProcessorConfig, analyze

RATIO = "FatJet_globalParT3_Xbb / (FatJet_globalParT3_Xbb + FatJet_globalParT3_QCD)"


def _run(tmp_path: Path, file: Path, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    (tmp_path / "fileset.json").write_text(json.dumps({"tt": {"files": {str(file): "Events"}}}))
    config = {"filesets": tmp_path / "fileset.json", "jet": {"pt_min": 170}, "skims": True, **more}
    report = analyze(AnalysisConfig.model_validate(config), tmp_path / "out")
    return report, json.loads((tmp_path / "out" / "histograms.json").read_text())


def _leading(file: Path, *names: str) -> Any:
    with uproot.open(file) as opened:
        arrays = opened["Events"].arrays([*(f"FatJet_{name}" for name in ("pt", "eta", *names)), "genWeight"])
    kept = (arrays.FatJet_pt > 170) & (abs(arrays.FatJet_eta) < 2.5)
    order = ak.argmax(arrays.FatJet_pt[kept], axis=1, keepdims=True)
    found = {name: ak.firsts(arrays[f"FatJet_{name}"][kept][order]) for name in names}
    some = ~np.asarray(ak.is_none(found[names[0]]))
    columns = {name: np.asarray(ak.drop_none(values), dtype=np.float64) for name, values in found.items()}
    return columns, np.asarray(arrays.genWeight, dtype=np.float64)[some]


def test_branches_and_expressions_are_taggers(slim_nano: Path, tmp_path: Path) -> None:
    taggers = {"pnet": "FatJet_particleNet_XbbVsQCD", "globalParT": RATIO, "n2": "n2"}
    channels = {"tagged": "score_globalParT > 0.3", "window": {"cuts": {"score_pnet": [0.1, 1.0]}}}
    report, document = _run(tmp_path, slim_nano, taggers=taggers, channels=channels)
    assert report["complete"] is True
    assert not any(name.startswith(("nPF", "PF")) for name in report["branches"])
    assert document["models"] == {"pnet": ["FatJet_particleNet_XbbVsQCD"], "globalParT": [RATIO], "n2": ["n2"]}
    columns, weight = _leading(slim_nano, "particleNet_XbbVsQCD", "globalParT3_Xbb", "globalParT3_QCD")
    pnet = columns["particleNet_XbbVsQCD"]
    with np.errstate(invalid="ignore"):  # CMS stores 0 for soft jets: 0/0, which fills the overflow
        part = columns["globalParT3_Xbb"] / (columns["globalParT3_Xbb"] + columns["globalParT3_QCD"])
    assert np.isnan(part).any()
    for channel, inside in (("tagged", part > 0.3), ("window", (pnet >= 0.1) & (pnet <= 1))):
        assert inside.sum() > 3
        for name, values in (("pnet", pnet), ("globalParT", part)):
            histogram: Any = hist.Hist(from_uhi(document["histograms"][f"score_{name}"]))
            one = histogram[{"dataset": "tt", "channel": channel, "variation": "nominal"}]
            good = inside & ~np.isnan(values)
            contents, _ = np.histogram(values[good], np.linspace(0, 1, 201), weights=weight[good])
            np.testing.assert_allclose(one.values(), contents, rtol=1e-6)
            np.testing.assert_allclose(one.sum(flow=True).value, weight[inside].sum(), rtol=1e-6)
    skim = ak.from_parquet(tmp_path / "out" / "skims" / "tt.parquet")
    np.testing.assert_allclose(skim.score_globalParT, part, rtol=1e-6)
    np.testing.assert_allclose(skim.score_pnet, pnet, rtol=1e-6)


def test_the_experiments_network_beside_ours(slim_data: Path, tagger_path: Path, tmp_path: Path) -> None:
    """PFNano of CMS, with shifts of candidates: what the file holds does not move, the network's score does."""
    file = slim_data / "cms" / "pfnano.root"
    shift = {"name": "ces", "kind": "energy_scale", "size": 0.001}
    taggers = {"mine": str(tagger_path), "pnet": "FatJet.particleNetMD_Xbb"}
    _, document = _run(tmp_path, file, taggers=taggers, systematics={"candidates": [shift]}, channels={"all": "pt > 0"})
    columns, weight = _leading(file, "particleNetMD_Xbb")
    histogram: Any = hist.Hist(from_uhi(document["histograms"]["score_pnet"]))
    contents, _ = np.histogram(columns["particleNetMD_Xbb"], np.linspace(0, 1, 201), weights=weight)
    assert len(weight) > 5
    for variation in ("nominal", "cesUp", "cesDown"):
        one = histogram[{"dataset": "tt", "channel": "all", "variation": variation}]
        np.testing.assert_allclose(one.values(), contents, rtol=1e-6)
    assert len(document["models"]["mine"][0]) == 64


def test_what_is_neither_is_refused(slim_nano: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingBranchError, match=r"lacks FatJet_pnet of taggers.x .*; a tagger .* default-hbb"):
        _run(tmp_path, slim_nano, taggers={"x": "FatJet_pnet"})
    with pytest.raises(MissingBranchError, match=r"lacks default of taggers.x \('default-hb'\).* one of default"):
        _run(tmp_path, slim_nano, taggers={"x": "default-hb"})
    with pytest.raises(ConfigError, match="x is neither n2, nor a network, nor an expression: .* cannot be read"):
        parse_config(ProcessorConfig, {"taggers": {"x": "FatJet_pnet >"}}, where="here")
    with pytest.raises(ConfigError, match="discriminants name no network: x"):
        document = {"taggers": {"x": "FatJet_pnet"}, "discriminants": {"x": {"signal": ["hbb"]}}}
        parse_config(ProcessorConfig, document, where="here")
    with pytest.raises(ConfigError, match="taggers.x uses score_n2, but jets are scored later"):
        parse_config(ProcessorConfig, {"taggers": {"n2": "n2", "x": "score_n2 / 2"}}, where="here")
