"""A label of the user's own from the configuration to the report of pairs."""

from __future__ import annotations

import json
from pathlib import Path

import uproot

from rs3l_gnn.conventions import jettype_numbers, parse_config
from rs3l_gnn.data import PairConfig, pair, read_views
from rs3l_gnn.simulation import SimulationConfig, simulate
from rs3l_gnn.workflows.inspection import describe


def test_from_simulate_to_pair(tmp_path: Path) -> None:
    document = {
        "samples": {name: {"process": name, "events": 8, "pt_hat_min": 500.0} for name in ("hbb", "wqq")},
        "labels": {"H_TO_B": {"pdg_id": 25, "daughters": [[5, 5]], "within": "H_BB", "description": "for a test"}},
        "variations": ["seed"],
        "shower_weights": False,
        "workers": 1,
    }
    out = simulate(parse_config(SimulationConfig, document, where="test"), tmp_path / "simulation").output
    report = pair(PairConfig(directories=(out,)), tmp_path / "views.h5")
    assert report.samples["hbb"].labels == {"H_TO_B": report.samples["hbb"].matched}
    assert set(report.samples["wqq"].labels) <= {"W_UD", "W_CS"}
    stored = json.loads((tmp_path / "views.report.json").read_text())["samples"]["hbb"]["labels"]
    assert stored == report.samples["hbb"].labels
    views = read_views(tmp_path / "views.h5")
    assert [(label.name, label.within, label.description) for label in views.labels] == [
        ("H_TO_B", "H_BB", "for a test")
    ]
    # The number in the ROOT file is the one that the label has in the views, and H_BB stands for it.
    with uproot.open(out / "hbb" / "nominal_0000.root") as file:
        kinds = {kind for event in file["Events"]["FatJet_jettype"].array().tolist() for kind in event}
    assert views.labels[0].number in kinds
    assert views.labels[0].number in jettype_numbers(["H_BB"], views.labels)
    assert describe(tmp_path / "views.h5")["jet types"]["H_TO_B"] == sum(views.sample == 0)
