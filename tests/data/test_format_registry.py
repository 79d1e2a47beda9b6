"""Formats of event files by name and by what is in a file; another package brings one in one file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import ConfigError, MissingBranchError
from rs3l_gnn.data.format_registry import find_format, format_of, get_format

PLUGIN = """
from rs3l_gnn.data import FlatTreeConfig

FCC = FlatTreeConfig(
    name="fcc",
    jets={"px": "j_x", "py": "j_y", "pz": "j_z", "energy": "j_e"},
    candidates={"pt": "c_pt", "eta": "c_eta", "phi": "c_phi", "pdgId": "c_id", "charge": "c_q"},
    radius=1.5,
).format(title="Jets of our collider", marks=("j_x", "c_q"), tree="jets")
"""
CHILD = """
import json, sys
import uproot
from rs3l_gnn.data.event_tables import read_events
from rs3l_gnn.data.format_registry import find_format, get_format
from rs3l_gnn.workflows.inspection import describe

tree = uproot.open("mine.root:jets")
form = find_format(tree.keys())
events = read_events(tree, form, form.branches(["pt"], candidates=True))
print(json.dumps({
    "name": form.name,
    "same": get_format("fcc") is form,
    "pt": form.jets(events).pt.tolist(),
    "counts": form.candidates(events).pt.to_list(),
    "radius": form.radius(tree.keys()),
    "layout": describe("mine.root")["layout"],
}))
"""


def test_a_format_of_another_package(tmp_path: Path) -> None:
    metadata = tmp_path / "site" / "my_formats-1.0.dist-info"
    metadata.mkdir(parents=True)
    (tmp_path / "site" / "my_formats.py").write_text(PLUGIN)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-formats\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[rs3l_gnn.formats]\nfcc = my_formats:FCC\n")
    candidates = {
        "c_pt": ak.Array([[3.0, 4.0], [5.0]]),
        "c_eta": ak.Array([[0.5, -0.5], [1.0]]),
        "c_phi": ak.Array([[0.0, 1.0], [2.0]]),
        "c_id": ak.Array([[211, 22], [-13]]),
        "c_q": ak.Array([[1, 0], [1]]),
    }
    jets = {"j_x": [3.0, 0.0], "j_y": [4.0, 6.0], "j_z": [1.0, 2.0], "j_e": [10.0, 20.0]}
    tree = {**{name: np.array(values) for name, values in jets.items()}, **candidates}
    with uproot.recreate(tmp_path / "mine.root") as file:
        file.mktree("jets", {name: v.dtype if isinstance(v, np.ndarray) else v.type for name, v in tree.items()})
        file["jets"].extend(tree)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(  # noqa: S603  # our own interpreter and code
        [sys.executable, "-c", CHILD], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {
        "name": "fcc",
        "same": True,
        "pt": [[5.0], [6.0]],  # 3-4-5, and along y
        "counts": [[3.0, 4.0], [5.0]],
        "radius": 1.5,
        "layout": "Jets of our collider",
    }


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("FatJet", "PFCands", "FatJetPFCands", "Muon"), "pfnano"),
        (("FatJet", "PFCands", "FatJetPFCands", "hardHash"), "simulated"),
        (("FatJet", "PFCand", "FatJetPFCand"), "nanoaod15"),
        (("EFlowTrack", "EFlowPhoton", "EFlowNeutralHadron", "Jet"), "delphes"),
        (("pfcand_pt", "jet_pt"), "published"),
        (("FatJet", "Muon"), None),
    ],
)
def test_the_format_with_the_most_marks_is_found(names: tuple[str, ...], wanted: str | None) -> None:
    form = find_format(names)
    assert (form and form.name) == wanted


def test_jets_alone_are_a_format_where_they_are_enough() -> None:
    form = find_format(("FatJet", "Muon"), candidates=False)
    assert form is not None
    assert form.name == "nanoaod"
    with pytest.raises(MissingBranchError, match="hold no jets with candidates; got FatJet; allowed: .*FatJetPFCands"):
        format_of(("FatJet", "Muon"))


def test_an_unknown_name_lists_the_formats() -> None:
    with pytest.raises(ConfigError, match="delphes.*pfnano.*published"):
        get_format("miniaod")
