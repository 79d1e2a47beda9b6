"""What formats have in common: names of branches, units, and candidates in the units of this package by hand."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.conventions import MissingBranchError
from rs3l_gnn.data import get_format
from rs3l_gnn.data.event_format import collection_of, find_branch, require_fields, stored_energy

EVENTS = ak.zip(
    {"FatJet": ak.zip({"pt": [[1.0], []]}), "Event": ak.zip({"Weight": [[2.0], [3.0]]}), "run": [4, 5]}, depth_limit=1
)


def test_energies_are_those_of_the_mass_shell() -> None:
    """3 GeV at eta 0 and a mass of 4 GeV are 5 GeV; a rounded mass below zero is none."""
    pt, eta, mass = np.array([3.0, 3.0, 2.0]), np.array([0.0, 0.0, np.arccosh(2.0)]), np.array([4.0, -0.002, 3.0])
    np.testing.assert_allclose(stored_energy(pt, eta, mass), [5.0, 3.0, 5.0], rtol=1e-12)


@pytest.mark.parametrize(
    ("branch", "collection"),
    [("FatJet_tau2", "FatJet"), ("Jet/Jet.PT", "Jet"), ("run", "run"), ("GenPart_genPartIdxMother", "GenPart")],
)
def test_collections_of_branches(branch: str, collection: str) -> None:
    assert collection_of(branch) == collection


def test_branches_are_found_inside_and_outside_of_collections() -> None:
    assert find_branch(EVENTS, "FatJet_pt").to_list() == [[1.0], []]
    assert find_branch(EVENTS, "Event.Weight").to_list() == [[2.0], [3.0]]
    assert find_branch(EVENTS, "run").to_list() == [4, 5]
    for absent in ("FatJet_eta", "Jet_pt", "event"):
        with pytest.raises(MissingBranchError, match=f"lack the branch {absent}; got Event, FatJet, run"):
            find_branch(EVENTS, absent)


def test_fields_that_are_absent_are_named() -> None:
    require_fields("the jets lack", EVENTS["FatJet"], ["pt"])
    with pytest.raises(MissingBranchError, match="the jets lack eta, mass; got pt"):
        require_fields("the jets lack", EVENTS["FatJet"], ["pt", "eta", "mass"])


def test_candidates_are_in_gev_and_mm() -> None:
    """PFNano keeps centimetres, and -1 in both where there is no track."""
    fields = {
        "pt": [[3.0, 10.0], [2.0]],
        "eta": [[0.0, 1.0], [0.0]],
        "phi": [[0.1, 0.2], [0.3]],
        "mass": [[4.0, 0.0], [0.0]],
        "charge": [[1, 0], [-1]],
        "pdgId": [[211, 22], [11]],
        "d0": [[0.02, -1.0], [-1.0]],
        "dz": [[-1.0, -1.0], [0.5]],
    }
    chosen = get_format("pfnano").particles(ak.zip(fields), np.array([2, 0, 1]))
    np.testing.assert_allclose(chosen.pt, [2, 3, 10])
    np.testing.assert_allclose(chosen.energy, [2, 5, 10 * np.cosh(1)])
    np.testing.assert_allclose(chosen.d0, [-10, 0.2, 0])
    np.testing.assert_allclose(chosen.dz, [5, -10, 0])
    assert (chosen.charge.tolist(), chosen.pdgid.tolist()) == ([-1, 1, 0], [11, 211, 22])


def test_branches_of_tables() -> None:
    form = get_format("pfnano")
    assert form.branches(["pt", "eta"], candidates=False) == [
        "run",
        "luminosityBlock",
        "event",
        "FatJet_pt",
        "FatJet_eta",
    ]
    whole = form.branches([], candidates=True, puppi=True)
    assert {"PFCands_pt", "PFCands_puppiWeight", "FatJetPFCands_jetIdx", "FatJetPFCands_pFCandsIdx"} < set(whole)
    assert "PFCands_puppiWeight" not in form.branches([], candidates=True)
    assert form.jet_branch("tau2", ["FatJet_tau2"]) == "FatJet_tau2"
    assert form.jet_branch("tau2", ["FatJet_tau1"]) is None
    assert form.radius(()) == 0.8
