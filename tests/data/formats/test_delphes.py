"""Delphes files, written with its names: tables, references, cones, and the whole way to a histogram."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from coffea.nanoevents import NanoEventsFactory

from rs3l_gnn.conventions import FEATURE_NAMES, MissingBranchError
from rs3l_gnn.data import EventTables, event_numbers, format_of
from rs3l_gnn.data.formats.delphes import DELPHES, delphes_jet_collection
from rs3l_gnn.inference import event_inputs
from rs3l_gnn.processors import AnalysisConfig, JetSchema, analyze

COLUMN = {name: index for index, name in enumerate(FEATURE_NAMES)}
N_EVENTS = 30


def _collections(seed: int = 3) -> dict[str, Any]:
    """Events with two back-to-back jets at most, each with candidates inside 0.4, and some candidates far away.

    Types as in Delphes' classes: Float_t in GeV and mm, Int_t charges and PDG numbers, Long64_t event numbers.
    """
    rng = np.random.default_rng(seed)
    out: dict[str, list[Any]] = {name: [] for name in ("Event", "FatJet", "EFlowTrack", "EFlowPhoton")}
    out["EFlowNeutralHadron"] = []
    for event in range(N_EVENTS):
        eta = rng.uniform(-1, 1, rng.integers(0, 3))
        phi = 0.3 + np.pi * np.arange(len(eta))
        out["Event"].append([{"Number": 1000 + event, "Weight": 0.5}])
        out["FatJet"].append(
            [
                {"PT": 500.0 - 20 * i, "Eta": e, "Phi": p, "Mass": 80.0}
                for i, (e, p) in enumerate(zip(eta, phi, strict=True))
            ]
        )
        number = 1
        for name in ("EFlowTrack", "EFlowPhoton", "EFlowNeutralHadron"):
            rows = []
            for jet in range(-1, len(eta)):
                for _ in range(rng.integers(1, 8)):
                    place = (eta[jet] + rng.normal(0, 0.1), phi[jet] + rng.normal(0, 0.1)) if jet >= 0 else (4.0, 1.5)
                    momentum = float(rng.exponential(20) + 1)
                    row = {"Eta": place[0], "Phi": (place[1] + np.pi) % (2 * np.pi) - np.pi, "fUniqueID": number}
                    number += 1
                    if name == "EFlowTrack":
                        charge = int(rng.choice([-1, 1]))
                        row |= {"PT": momentum, "Mass": 0.1396, "Charge": charge, "PID": 211 * charge}
                        row |= {"D0": float(rng.normal(0, 0.1)), "DZ": float(rng.normal(0, 0.1))}
                    else:
                        row |= {"ET": momentum, "E": momentum * np.cosh(place[0])}
                    rows.append(row)
            out[name].append(rows)
    return {name: _typed(ak.Array(rows)) for name, rows in out.items()}


def _typed(rows: Any) -> Any:
    integers = {"Charge": np.int32, "PID": np.int32, "fUniqueID": np.uint32, "Number": np.int64}
    return ak.zip({name: ak.values_astype(rows[name], integers.get(name, np.float32)) for name in rows.fields})


@pytest.fixture(scope="module")
def delphes_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("delphes") / "delphes.root"
    content = _collections()
    with uproot.recreate(path) as file:
        file.mktree(
            "Delphes",
            {name: ak.type(table).content for name, table in content.items()},
            counter_name=lambda counted: f"{counted}_size",
            field_name=lambda outer, inner: f"{outer}.{inner}",
        )
        file["Delphes"].extend(content)
    return path


def _events(path: Path, **more: Any) -> Any:
    return NanoEventsFactory.from_root({str(path): "Delphes"}, schemaclass=JetSchema, mode="virtual", **more).events()


def test_candidates_of_a_cone_against_a_loop(delphes_file: Path) -> None:
    events = _events(delphes_file)
    assert format_of(events.fields).name == "delphes"
    assert event_numbers(events).tolist() == list(range(1000, 1000 + N_EVENTS))  # type: ignore[union-attr]  # they have
    inputs = event_inputs(events)
    assert inputs.missing == ()
    content = _collections()
    jet = 0
    for event in range(N_EVENTS):
        for axis in content["FatJet"][event].to_list():
            rows = []
            for name, charge_of in (("EFlowTrack", None), ("EFlowPhoton", 0), ("EFlowNeutralHadron", 0)):
                for row in content[name][event].to_list():
                    dphi = (row["Phi"] - axis["Phi"] + np.pi) % (2 * np.pi) - np.pi
                    if np.hypot(row["Eta"] - axis["Eta"], dphi) < 0.8:
                        charged = charge_of is None
                        rows.append(
                            [
                                row["PT" if charged else "ET"],
                                row["Charge"] if charged else 0,
                                np.tanh(row["D0"]) if charged else 0,
                                np.tanh(row["DZ"]) if charged else 0,
                                name == "EFlowPhoton",
                                name == "EFlowNeutralHadron",
                                charged,
                                dphi,
                            ]
                        )
            rows.sort(key=lambda row: -row[0])
            mine = inputs.features[inputs.offsets[jet] : inputs.offsets[jet + 1]].astype(np.float64)
            names = ["charge", "tanh_d0", "tanh_dz", "is_photon", "is_neutral_hadron", "is_charged_hadron", "dphi"]
            got = np.stack([np.exp(mine[:, COLUMN["log_pt"]]), *(mine[:, COLUMN[name]] for name in names)], axis=1)
            np.testing.assert_allclose(got, np.array(rows, dtype=float), atol=2e-5, rtol=1e-5)
            jet += 1
    assert jet == inputs.n_jets > 10


def test_references_go_before_the_cone() -> None:
    content = _collections()
    tracks = content["EFlowTrack"]
    events = ak.zip(content, depth_limit=1)
    # All jets refer to the far-away tracks, but every second one to an object that is not there.
    lists = []
    for event in range(N_EVENTS):
        far = [int(n) for n, eta in zip(tracks[event].fUniqueID, tracks[event].Eta, strict=True) if eta > 3]
        lists.append([far if index % 2 == 0 else [*far, 9999] for index in range(len(content["FatJet"][event]))])
    references = ak.values_astype(ak.Array(lists), np.int64)
    events["FatJet"] = ak.with_field(content["FatJet"], ak.zip({"refs": references}, depth_limit=3), "Constituents")
    tables = EventTables(events)
    links = DELPHES.links(events, tables.jets, tables.candidates)
    compared = 0
    for event in range(N_EVENTS):
        for index in range(len(content["FatJet"][event])):
            mine = [link["candIdx"] for link in links[event].to_list() if link["jetIdx"] == index]
            etas = np.array([tables.candidates[event].eta[i] for i in mine])
            assert len(mine) > 0
            assert (etas > 3).all() if index % 2 == 0 else (etas < 3).all()
            compared += 1
    assert compared > 10


def test_it_is_analysed_like_any_other_file(delphes_file: Path, tagger_path: Path, tmp_path: Path) -> None:
    fileset = tmp_path / "fileset.json"
    fileset.write_text(json.dumps({"sig": {"files": {str(delphes_file): "Delphes"}, "metadata": {"xsec": 2.0}}}))
    document = {
        "filesets": [fileset],
        "taggers": {"rs3l": str(tagger_path)},
        "systematics": {"candidates": [{"name": "trk", "kind": "tracking_efficiency", "size": 0.3}]},
    }
    report = analyze(AnalysisConfig.model_validate(document | {"run": {"chunksize": 7}}), tmp_path / "out")
    with_jets = sum(len(jets) > 0 for jets in _collections()["FatJet"])
    assert report["cutflow"]["sig"]["jet"]["events"] == with_jets
    assert report["cutflow"]["sig"]["events"]["weights"] == 0.5 * N_EVENTS
    again = analyze(AnalysisConfig.model_validate(document), tmp_path / "whole")
    assert again["chunks"] == 1
    first, second = (json.loads((tmp_path / name / "histograms.json").read_text()) for name in ("out", "whole"))
    assert first["histograms"] == second["histograms"]
    assert set(first["variations"]) == {"nominal", "trkUp"}


@pytest.fixture
def old_delphes(shared_data: Path) -> Path:
    """Ten events as Delphes 3.4.2 wrote them: no masses of tracks, references from jets to their candidates."""
    return shared_data / "delphes" / "delphes342.root"


def test_a_file_that_delphes_wrote_before_tracks_had_a_mass(old_delphes: Path) -> None:
    """Against uproot: the candidates that a jet refers to add up to its momentum, and are the ones of the features."""
    with uproot.open(old_delphes) as file:
        tree = file["Delphes"]
        jets = {name: tree[f"FatJet/FatJet.{name}"].array() for name in ("PT", "Eta", "Phi")}
        numbers = tree["Event/Event.Number"].array()[:, 0].to_list()
        assert "EFlowTrack/EFlowTrack.Mass" not in tree.keys()  # noqa: SIM118 - uproot finds branches by part of a name
    events = _events(old_delphes)
    assert event_numbers(events).tolist() == numbers  # type: ignore[union-attr]  # they have
    inputs = event_inputs(events)
    assert inputs.counts.tolist() == ak.num(jets["PT"]).to_list() == [0, 0, 0, 1, 2, 2, 1, 0, 0, 0]
    assert inputs.missing == ()
    for jet, pt in enumerate(ak.flatten(jets["PT"]).to_list()):
        mine = inputs.features[inputs.offsets[jet] : inputs.offsets[jet + 1]].astype(np.float64)
        momentum = np.exp(mine[:, COLUMN["log_pt"]])
        # Along and across the axis of the jet.
        along = (momentum * np.cos(mine[:, COLUMN["dphi"]])).sum()
        across = (momentum * np.sin(mine[:, COLUMN["dphi"]])).sum()
        assert along == pytest.approx(pt, rel=1e-5)
        assert abs(across) < 1e-3 * pt
    candidates = EventTables(events).candidates
    kinds, mass = (ak.flatten(candidates[name]).to_numpy() for name in ("pdgId", "mass"))
    expected = {11: 0.000511, 13: 0.10566, 22: 0.0, 130: 0.0}
    assert mass == pytest.approx([expected.get(abs(kind), 0.13957) for kind in kinds], rel=1e-5)
    # Collections that coffea cannot make vectors of keep their branches.
    assert ak.num(events.Track.PT).to_list() == ak.num(events.EFlowTrack.PT).to_list()


def test_it_is_analysed(old_delphes: Path, tagger_path: Path, tmp_path: Path) -> None:
    """Counted by hand from the branches: three events with a wide jet above 230 GeV in the acceptance."""
    (tmp_path / "fileset.json").write_text(
        json.dumps({"zz": {"files": {str(old_delphes): "Delphes"}, "metadata": {"xsec": 2.0}}})
    )
    document = {
        "filesets": [tmp_path / "fileset.json"],
        "taggers": {"rs3l": str(tagger_path)},
        "jet": {"pt_min": 230},
        "systematics": {"candidates": [{"name": "trk", "kind": "tracking_efficiency", "size": 0.1}]},
    }
    report = analyze(AnalysisConfig.model_validate(document), tmp_path / "out")
    with uproot.open(old_delphes) as file:
        pt, eta = (file[f"Delphes/FatJet/FatJet.{name}"].array() for name in ("PT", "Eta"))
        weight = file["Delphes/Event/Event.Weight"].array()[:, 0]
    passed = ak.any((pt > 230) & (abs(eta) < 2.5), axis=1)
    flow = report["cutflow"]["zz"]
    assert (flow["events"]["events"], flow["jet"]["events"], int(ak.sum(passed))) == (10, 3, 3)
    assert flow["jet"]["normalised"] == pytest.approx(2.0 * ak.sum(weight[passed]) / ak.sum(weight))


def test_what_is_absent_is_named(delphes_file: Path) -> None:
    events = _events(delphes_file)
    with pytest.raises(MissingBranchError, match="hold no jets; got EFlowTrack"):
        delphes_jet_collection(["EFlowTrack"])
    tracks = events.EFlowTrack[["PT", "Eta", "Phi", "Mass", "Charge", "PID"]]
    other = ak.zip({name: events[name] for name in events.fields} | {"EFlowTrack": tracks}, depth_limit=1)
    with pytest.raises(MissingBranchError, match="EFlowTrack lacks D0, DZ"):
        event_inputs(other)


def test_no_events_and_events_without_jets() -> None:
    events = ak.zip(_collections(), depth_limit=1)
    assert event_inputs(events[:0]).offsets.tolist() == [0]
    empty = events[ak.num(events.FatJet) == 0]
    assert len(empty) > 0
    assert event_inputs(empty).n_jets == 0


def test_the_soft_drop_mass_is_used_where_it_was_computed() -> None:
    collections = _collections()
    jets = collections["FatJet"]
    first = ak.local_index(jets.PT) == 0
    groomed = ak.zip({"x": first * 30.0, "y": first * 40.0, "z": first * 0.0, "t": first * np.hypot(50.0, 70.0)})
    events = ak.zip(collections | {"FatJet": ak.with_field(jets, groomed, "SoftDroppedJet")}, depth_limit=1)
    table = EventTables(events).jets
    flat = ak.flatten(first).to_numpy()
    assert ak.flatten(table.msoftdrop).to_numpy() == pytest.approx(np.where(flat, 70.0, 80.0))
    assert ak.flatten(table.mass).to_numpy() == pytest.approx(np.full(len(flat), 80.0))
    assert 0 < flat.sum() < len(flat)


def test_tracks_without_a_mass_get_that_of_their_kind() -> None:
    collections = _collections()
    tracks = collections["EFlowTrack"]
    kinds = ak.where(ak.local_index(tracks.PT) == 0, -13, tracks.PID)
    without = ak.zip({name: tracks[name] for name in tracks.fields if name != "Mass"} | {"PID": kinds})
    events = ak.zip(collections | {"EFlowTrack": without}, depth_limit=1)
    candidates = EventTables(events).candidates
    muons = abs(candidates.pdgId) == 13
    assert ak.flatten(candidates.mass[muons]).to_numpy() == pytest.approx(0.10566)
    assert ak.flatten(candidates.mass[abs(candidates.pdgId) == 211]).to_numpy() == pytest.approx(0.13957)
    assert ak.all(candidates.mass[candidates.charge == 0] == 0)
    assert ak.sum(muons) > 5
