"""JetClass as its files are (arXiv:2202.03772): one entry a jet, Cartesian momenta, flags in place of PDG numbers."""

from __future__ import annotations

import math
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.data.event_tables import read_events
from rs3l_gnn.data.format_registry import format_of

_FLAGS = ("isChargedHadron", "isNeutralHadron", "isPhoton", "isElectron", "isMuon")


def test_jets_and_candidates_by_hand(tmp_path: Path) -> None:
    parts = [  # px, py, pz, energy, charge, d0, which flag
        [(3.0, 4.0, 12.0, 13.0, 1, 0.25, "isMuon"), (-6.0, 8.0, 0.0, 11.0, 0, 0.0, "isPhoton")],
        [(0.0, 2.0, -1.0, 4.0, -1, -1.5, "isChargedHadron")],
    ]
    columns = {
        name: ak.Array([[part[place] for part in jet] for jet in parts])
        for place, name in enumerate(("px", "py", "pz", "energy", "charge", "d0val"))
    }
    flags = {flag: ak.Array([[int(part[6] == flag) for part in jet] for jet in parts]) for flag in _FLAGS}
    candidates = {f"part_{name}": values for name, values in {**columns, **flags, "dzval": columns["d0val"]}.items()}
    jets = {"pt": [600.0, 700.0], "eta": [0.5, -1.0], "phi": [1.0, 2.0], "energy": [900.0, 1200.0]}
    jets["sdmass"] = [80.0, 125.0]
    tree = {**candidates, **{f"jet_{name}": np.array(values) for name, values in jets.items()}}
    with uproot.recreate(tmp_path / "jets.root") as file:
        file.mktree("tree", {name: v.dtype if isinstance(v, np.ndarray) else v.type for name, v in tree.items()})
        file["tree"].extend(tree)

    opened = uproot.open(tmp_path / "jets.root")["tree"]
    form = format_of(opened.keys())
    assert (form.name, form.tree, form.radius(opened.keys())) == ("jetclass", "tree", 0.8)
    events = read_events(opened, form, form.branches(["pt", "msoftdrop"], candidates=True))
    read = form.jets(events)
    assert read.pt.to_list() == [[600.0], [700.0]]
    assert read.msoftdrop.to_list() == [[80.0], [125.0]]
    assert read.mass[0, 0] == pytest.approx(math.sqrt(900**2 - (600 * math.cosh(0.5)) ** 2))
    found = form.candidates(events)
    assert found.pt.to_list() == [[5.0, 10.0], [2.0]]
    assert found.eta[0, 0] == pytest.approx(math.asinh(12 / 5))
    assert found.phi[0, 1] == pytest.approx(math.atan2(8, -6))
    assert found.mass[0, 1] == pytest.approx(math.sqrt(121 - 100))
    assert found.charge.to_list() == [[1, 0], [-1]]
    assert np.abs(ak.flatten(found.pdgId)).to_list() == [13, 22, 211]
    assert found.d0.to_list() == [[0.25, 0.0], [-1.5]]
