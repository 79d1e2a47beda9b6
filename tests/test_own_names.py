"""Data sets with variations of one's own, through ``rs3l pair``, ``rs3l analyze`` and ``rs3l fit`` by the same names.

``alphaS120`` is described by its files, which the fileset does not repeat. Of ``mpiOff`` nothing is known but the name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import uproot
from boost_histogram.serialization import from_uhi
from uhi.io import from_sparse

from rs3l_gnn.conventions import FitError, own_variation, parse_config
from rs3l_gnn.data import PairConfig, pair, read_views
from rs3l_gnn.fits import FitConfig, fit
from rs3l_gnn.processors import AnalysisConfig, analyze

SAMPLES = ("qcd", "hbb")
PLACES = {"nominal": "nominal", "alphaS120": "alphaSDown", "mpiOff": "mpiOffUp"}
SETTINGS = ("TimeShower:alphaSvalue=0.120", "TimeShower:pTmin=0.6")
ALPHA_S = own_variation("alphaS120", settings=SETTINGS, source="alphaS", direction="Down")


@pytest.fixture(scope="module")
def folder(toy_sample: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two samples of three data sets, and their fileset."""
    out = tmp_path_factory.mktemp("own")
    document = {}
    for sample in SAMPLES:
        toys = toy_sample(sample)
        for name, made_as in (("nominal", "nominal"), ("alphaS120", ALPHA_S), ("mpiOff", "fsrRenHi")):
            file = toys.write(out / f"{sample}_{name}.root", made_as)
            more = {} if name == "nominal" else {"variation": name, "resimulated_of": f"{sample}_nominal"}
            metadata = {"sample": sample, "process": sample, "xsec": 1.0, **more}
            document[f"{sample}_{name}"] = {"files": {file.name: "Events"}, "metadata": metadata}
    (out / "fileset.json").write_text(json.dumps(document))
    return out


@pytest.fixture(scope="module")
def histograms(folder: Path) -> Path:
    """Output of the analysis."""
    config = {
        "filesets": [folder / "fileset.json"],
        "taggers": {"n2": "n2"},
        "channels": {"signal": "50 < mass < 150"},
        "run": {"executor": "iterative"},
    }
    analyze(AnalysisConfig.model_validate(config), folder / "analysis")
    return folder / "analysis" / "histograms.json"


def _count(folder: Path, sample: str, name: str) -> int:
    """Jets above 450 GeV with a mass between 50 and 150 GeV, counted in the ROOT file."""
    tree = uproot.open(f"{folder / f'{sample}_{name}.root'}:Events")
    pt, mass = (tree[f"FatJet_{field}"].array().to_list() for field in ("pt", "msoftdrop"))
    return sum(jets[0] > 450 and 50 < m[0] < 150 for jets, m in zip(pt, mass, strict=True) if jets)


def _fit(histograms: Path, output: Path, **more: Any) -> dict[str, Any]:
    """A fit with one bin at 100 / fb; its workspace."""
    block = {
        "inputs": str(histograms),
        "histogram": "pt",
        "samples": {"hbb": {"signal": True}, "qcd": {}},
        "rebin": {"edges": [400, 1900]},
        "luminosity": {"value": 100.0},
        "exclude": ["ps*"],
        "inference": {"ranking": False, "scan": False, "limit": False, "significance": False},
        "plots": False,
        **more,
    }
    fit(FitConfig.model_validate({"fit": block}), output)
    workspace: dict[str, Any] = json.loads((output / "workspace.json").read_text())
    return workspace


def test_pair(folder: Path) -> None:
    pair(
        parse_config(PairConfig, {"events": {"filesets": [str(folder / "fileset.json")]}}, where="test"),
        folder / "v.h5",
    )
    views = read_views(folder / "v.h5")
    assert {variation.name: variation.axis_name for variation in views.variations} == PLACES
    assert next(variation for variation in views.variations if variation.name == "alphaS120") == ALPHA_S


def test_analyze(folder: Path, histograms: Path) -> None:
    document = json.loads(histograms.read_text())
    assert set(PLACES.values()) <= set(document["variations"])
    assert document["variations"]["alphaSDown"]["settings"] == list(SETTINGS)
    assert document["variations"]["mpiOffUp"]["two_sided"] is False
    pt: Any = hist.Hist(from_uhi(from_sparse(document["histograms"]["pt"])))
    for sample in SAMPLES:
        for name, place in PLACES.items():
            found = pt[{"dataset": sample, "variation": place}].sum(flow=True).value
            assert found == pytest.approx(_count(folder, sample, name) / 60, rel=1e-6)


def test_fit(folder: Path, histograms: Path, tmp_path: Path) -> None:
    with pytest.raises(FitError, match="'mpiOff' has mpiOffUp but no down side, because it compares two models"):
        _fit(histograms, tmp_path / "none", exclude=["ps*", "alphaS"])
    workspace = _fit(histograms, tmp_path / "fit", one_sided="symmetrize")
    (channel,) = workspace["channels"]
    for sample in channel["samples"]:
        n = {name: _count(folder, sample["name"], name) for name in PLACES}
        sides = {entry["name"]: entry["data"] for entry in sample["modifiers"] if entry["type"] == "normsys"}
        assert sides["mpiOff"]["hi"] == pytest.approx(n["mpiOff"] / n["nominal"], rel=1e-5)
        assert sides["alphaS"]["lo"] == pytest.approx(n["alphaS120"] / n["nominal"], rel=1e-5)


def test_pseudo_data_by_the_name_of_the_variation(folder: Path, histograms: Path, tmp_path: Path) -> None:
    data = {"kind": "variation", "variation": "mpiOff"}
    workspace = _fit(histograms, tmp_path / "fit", one_sided="symmetrize", data=data)
    expected = sum(_count(folder, sample, "mpiOff") for sample in SAMPLES) / 60 * 1000 * 100
    assert np.sum(workspace["observations"][0]["data"]) == pytest.approx(expected, rel=1e-5)
