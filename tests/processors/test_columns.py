"""Names of expressions: branches in any spelling, and jets that follow their hypothesis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from coffea.nanoevents import NanoEventsFactory

from rs3l_gnn.conventions import InvalidDataError, MissingBranchError
from rs3l_gnn.conventions.expressions import parse_expression
from rs3l_gnn.data import EventTables
from rs3l_gnn.processors import JetSchema
from rs3l_gnn.processors.columns import JETS, Columns
from rs3l_gnn.processors.selection import nominal_view
from rs3l_gnn.processors.shifts import shift_candidates
from rs3l_gnn.processors.systematics_config import CandidateShift


def _columns(path: Path, tree: str = "Events") -> Columns:
    events = NanoEventsFactory.from_root({str(path): tree}, schemaclass=JetSchema, mode="virtual").events()
    return Columns(events, nominal_view(EventTables(events, candidates=False).jets))


def test_branches_in_any_spelling(slim_nano: Path) -> None:
    columns = _columns(slim_nano)
    events = columns.events
    for name in ("PuppiMET.pt", "PuppiMET_pt"):
        assert np.array_equal(columns(name).values, np.asarray(events.PuppiMET.pt, dtype=np.float64))
    for name in ("Muon.pt", "Muon_pt"):
        column = columns(name)
        assert column.owner == "Muon"
        assert ak.unflatten(column.values, column.counts).to_list() == events.Muon.pt.to_list()
    assert np.array_equal(columns("nMuon").values, ak.to_numpy(ak.num(events.Muon.pt)))
    assert np.asarray(columns("HLT.AK8PFJet140").values).dtype == bool
    flavour = columns("FatJet_hadronFlavour")
    assert flavour.owner == JETS
    assert np.asarray(flavour.values).dtype == np.float64
    for name, field in (
        ("FatJet.pt", "pt"),
        ("jet.pt", "pt"),
        ("pt", "pt"),
        ("mass", "msoftdrop"),
        ("jet.mass", "mass"),
    ):
        assert np.array_equal(columns(name).values, ak.to_numpy(ak.flatten(events.FatJet[field])))
    assert columns("Muon_pt") is columns("Muon_pt")
    with pytest.raises(MissingBranchError, match="lack the branch Muon.looseI; got Muon_looseId"):
        columns("Muon.looseI")
    with pytest.raises(MissingBranchError, match="the jets have no tau9; got tau"):
        columns("jet.tau9")
    with pytest.raises(MissingBranchError, match="lack the branch Muon"):
        columns("Muon")


def test_jets_follow_their_hypothesis(slim_nano: Path) -> None:
    columns = _columns(slim_nano)
    stored, jets = columns.view, columns.events.FatJet
    moved = columns.under(replace(stored, pt=stored.pt * 1.5, mass=stored.mass * 2))
    for name, factor in (
        ("FatJet_pt", 1.5),
        ("jet.mass", 1.5),
        ("FatJet.msoftdrop", 2),
        ("FatJet.tau1", 1),
        ("pt", 1.5),
    ):
        field = {"pt": "pt"}.get(name, name.replace(".", "_").partition("_")[2])
        np.testing.assert_allclose(moved(name).values, factor * ak.flatten(jets[field]), rtol=1e-6)
    passed = moved.events_where(parse_expression("any(FatJet.pt > 300)"), "here")
    assert passed.tolist() == [any(1.5 * pt > 300 for pt in one) for one in jets.pt]
    assert not np.array_equal(passed, columns.events_where(parse_expression("any(FatJet.pt > 300)"), "here"))


def test_records_follow_their_hypothesis(slim_nano: Path) -> None:
    columns = _columns(slim_nano)
    assert columns.moved_events() is columns.events
    view = replace(columns.view, pt=columns.view.pt * 1.5)
    moved = columns.under(view, {"net": np.full(len(view.pt), 0.25)})
    jets, events = moved.jets(), moved.moved_events()
    for records in (jets, events.FatJet):
        np.testing.assert_allclose(ak.flatten(records.pt), 1.5 * ak.flatten(columns.events.FatJet.pt), rtol=1e-6)
        assert records.tau1.to_list() == columns.events.FatJet.tau1.to_list()
    assert ak.all(jets.score_net == 0.25)
    assert events.Muon.pt.to_list() == columns.events.Muon.pt.to_list()
    # The four-vectors of coffea.
    np.testing.assert_allclose(ak.flatten(jets.px), ak.flatten(jets.pt * np.cos(jets.phi)), rtol=1e-5)


def test_changes_of_candidates_move_the_whole_jet(toy_directory: Path) -> None:
    """All candidates 10 % harder: momentum and masses grow alike, the direction stays."""
    columns = _columns(toy_directory / "hbb" / "nominal_0000.root")
    shift = CandidateShift(name="ces", kind="energy_scale", size=0.1)
    nobody = np.zeros(len(columns.events), dtype=np.uint64)
    shifted = shift_candidates(
        EventTables(columns.events), columns.view, shift, variation="cesUp", size=0.1, event=nobody
    )
    moved, jets = columns.under(shifted.view), columns.events.FatJet
    for field, factor in (("pt", 1.1), ("mass", 1.1), ("msoftdrop", 1.1), ("eta", 1), ("phi", 1), ("n2b1", 1)):
        np.testing.assert_allclose(moved(f"FatJet.{field}").values, factor * ak.flatten(jets[field]), rtol=2e-4)


def test_scores_are_known_by_their_tagger(slim_nano: Path) -> None:
    columns = _columns(slim_nano)
    score = np.where(columns.view.pt > 200, 0.5, np.nan)
    mine = columns.under(columns.view, {"net": score})
    assert mine.jets_where(parse_expression("score_net > 0.4"), "here").tolist() == (columns.view.pt > 200).tolist()
    highest = mine.events_where(parse_expression("max(score_net) > 0.4"), "here")
    assert highest.tolist() == [any(pt > 200 for pt in one) for one in columns.events.FatJet.pt]


def test_delphes(shared_data: Path) -> None:
    columns = _columns(shared_data / "delphes" / "delphes342.root", "Delphes")
    jets = columns.tables.jets
    assert np.array_equal(columns("jet.pt").values, ak.to_numpy(ak.flatten(jets.pt)))
    name = next(
        one for one in ("JetPUPPIAK8", "JetAK8", "FatJet", "ParticleFlowJet08", "Jet") if one in columns.events.fields
    )
    moved = columns.under(replace(columns.view, pt=2 * columns.view.pt))
    np.testing.assert_allclose(moved(f"{name}.PT").values, 2 * ak.flatten(jets.pt))
    other: Any = columns(f"{name}.BTag")
    assert (other.owner, len(other.values)) == (JETS, len(columns.view.pt))
    met = columns.events_where(parse_expression("MissingET.MET > 20"), "here")
    assert met.tolist() == [one > 20 for one in columns.events.MissingET.MET]


def test_what_is_no_number_is_refused() -> None:
    events = ak.zip(
        {"FatJet": ak.zip({name: [[1.0], []] for name in ("pt", "eta", "msoftdrop")}), "nested": [[[1.0]], []]},
        depth_limit=1,
    )
    columns = Columns(events, nominal_view(events.FatJet))
    with pytest.raises(InvalidDataError, match="nested has more than one number for each object"):
        columns("nested")
