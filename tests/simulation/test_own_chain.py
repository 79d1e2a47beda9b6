"""Own variations, Sherpa, R = 1.0 and labels of tops from one YAML, by the commands of a user, to pairs and to a fit.

A minute on two cores, so these tests run with ``-m slow``.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import cabinetry
import numpy as np
import pyhf
import pytest
import uproot
import yaml
from numpy.typing import NDArray
from typer.testing import CliRunner

from rs3l_gnn.cli import app
from rs3l_gnn.data import read_views

pytestmark = pytest.mark.slow

VERBS = ("simulate", "pair", "evaluate", "analyze", "fit")
for _verb in VERBS:
    import_module(f"rs3l_gnn.cli.{_verb}")

LUMINOSITY = 138.0  # 1/fb
OWN = ("nominal", "alphaSUp", "alphaSDown")
EDGES = (0.0, 60.0, 120.0, 300.0)  # of the soft-drop mass, GeV


def _run(*arguments: object) -> None:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output


def _yaml(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture(scope="module")
def simulated(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with ``sim``, the output of ``rs3l simulate``."""
    pytest.importorskip("pyhepmc", reason="the extra 'hepmc' is not installed")
    folder = tmp_path_factory.mktemp("own")
    lhe, events = (str(shared_data / "sherpa" / f"sherpa-3.0.3-Zj.{kind}.gz") for kind in ("lhe", "hepmc"))
    document = {
        "samples": {
            "tt": {"process": "tt", "events": 120, "pt_hat_min": 450.0},
            "zj": {"lhe": lhe, "decays": "keep", "hepmc": {"sherpa": {"path": events, "description": "Sherpa 3"}}},
        },
        "variations": {
            "alphaSUp": {"settings": ["TimeShower:alphaSvalue=0.130"]},
            "alphaSDown": {"settings": ["TimeShower:alphaSvalue=0.106"]},
        },
        "jets": {"radius": 1.0, "pt_min": 400.0},
        "labels": {"TOP_BLNU": {"pdg_id": 6, "products": [[5, "l", "nu"]]}},
        "shower_weights": "none",
    }
    _run("simulate", _yaml(folder / "own.yaml", document), "--output", folder / "sim")
    return folder


def test_pairs_and_metrics(simulated: Path, tmp_path: Path) -> None:
    out = tmp_path / "views.h5"
    _run("pair", "-i", simulated / "sim", "--output", out)
    _run(
        *("evaluate", "--output", tmp_path / "result"),
        *("--set", f"views=[{out}]", "--set", "splits={train: 0, validation: 0, test: 1}"),
        *("--set", "signal={name: top, jettypes: [TOP_BQQ, TOP_BQ]}", "--set", "bootstrap=50"),
    )
    views = read_views(out)
    by_sample = {
        sample: {one.name for one in views.variations if (views.vartype[views.sample == number] == one.vartype).any()}
        for number, sample in enumerate(views.samples)
    }
    assert by_sample == {"tt": set(OWN), "zj": {*OWN, "sherpa"}}
    report = json.loads(out.with_suffix(".report.json").read_text())["samples"]
    assert max(report["tt"]["labels"], key=report["tt"]["labels"].get) == "TOP_BQQ"
    assert set(report["zj"]["labels"]) <= {"Q", "C", "B", "GG"}
    metrics = json.loads((tmp_path / "result" / "metrics.json").read_text())
    assert {"alphaSUp", "alphaSDown", "sherpa"} <= set(json.dumps(metrics).replace('"', " ").split())


def _counted(folder: Path, variation: str) -> NDArray[np.float64]:
    """Events by the soft-drop mass of their jet of largest pT, at the luminosity, from the ROOT files by a loop."""
    metadata = json.loads((folder / "fileset.json").read_text())[f"{folder.name}_nominal"]["metadata"]
    counts = np.zeros(len(EDGES) - 1)
    with uproot.open(folder / f"{variation}_0000.root") as file:
        events = file["Events"].arrays(["genWeight", "FatJet_pt", "FatJet_msoftdrop"]).to_list()
    for event in events:
        if event["FatJet_pt"]:
            _, mass = max(zip(event["FatJet_pt"], event["FatJet_msoftdrop"], strict=True))
            # What lies beyond the last edge is in the last bin.
            counts[sum(mass >= edge for edge in EDGES[1:-1])] += event["genWeight"]
    scaled: NDArray[np.float64] = counts * metadata["xsec"] * 1000 * LUMINOSITY / metadata["sumw"]
    return scaled


# pyhf 0.7.6 validates its schema through a class that jsonschema calls deprecated.
@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
def test_own_variations_as_nuisances_of_a_fit(simulated: Path, tmp_path: Path) -> None:
    """What pyhf expects at +-1 of each nuisance are the jets counted in the files of that view."""
    sim = simulated / "sim"
    analysis = {
        "filesets": [str(sim / name / "fileset.json") for name in ("tt", "zj")],
        "taggers": {"n2": "n2"},
        "jet": {"choice": "leading", "pt_min": 400.0},
        "run": {"executor": "iterative"},
    }
    _run("analyze", _yaml(tmp_path / "analyze.yaml", analysis), "--output", tmp_path / "analysis")
    fit = {
        "inputs": str(tmp_path / "analysis" / "histograms.json"),
        "histogram": "mass",
        "samples": {"tt": {"signal": True}, "zj": {}},
        "rebin": {"edges": list(EDGES)},
        "luminosity": {"value": LUMINOSITY, "uncertainty": 0.016},
        "one_sided": "symmetrize",
        "problems": {"missing_variation": "nominal"},  # Sherpa has no view of the tops
        "inference": {"ranking": False, "scan": False, "limit": False, "significance": False},
        "plots": False,
    }
    _run("fit", _yaml(tmp_path / "fit.yaml", fit), "--output", tmp_path / "fit")
    model = pyhf.Workspace(json.loads((tmp_path / "fit" / "workspace.json").read_text())).model()

    def expected(**values: float) -> NDArray[np.float64]:
        # Not suggested_init: minimisers start beside nominal.
        point = np.array(cabinetry.model_utils.asimov_parameters(model))
        for name, value in values.items():
            point[model.config.par_slice(name)] = value
        return np.asarray(model.expected_data(point, include_auxdata=False))

    tt, zj = ({name: _counted(sim / sample, name) for name in OWN} for sample in ("tt", "zj"))
    sherpa = _counted(sim / "zj", "sherpa")
    assert expected() == pytest.approx(tt["nominal"] + zj["nominal"], rel=1e-6)
    assert expected(alphaS=1) == pytest.approx(tt["alphaSUp"] + zj["alphaSUp"], rel=1e-6)
    assert expected(alphaS=-1) == pytest.approx(tt["alphaSDown"] + zj["alphaSDown"], rel=1e-6)
    assert expected(sherpa=1) == pytest.approx(tt["nominal"] + sherpa, rel=1e-6)
    found = json.loads((tmp_path / "fit" / "fit.json").read_text())
    assert found["groups"]["shower"] == ["alphaS", "sherpa"]
    assert found["mu"] == pytest.approx(1.0, abs=1e-3)  # Asimov data
    assert 0 < found["mu_errors"]["shower"] < found["mu_error"]
