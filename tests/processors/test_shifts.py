"""Jet momenta and candidates under their uncertainties."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest
from boost_histogram.serialization import from_uhi
from coffea.nanoevents import NanoEventsFactory

from rs3l_gnn.conventions import KINEMATIC_FEATURES, InvalidDataError
from rs3l_gnn.data import EventTables
from rs3l_gnn.inference import JetInputs, JetTagger
from rs3l_gnn.processors import AnalysisConfig, JetSchema, analyze
from rs3l_gnn.processors.selection import nominal_view
from rs3l_gnn.processors.shifts import shift_candidates
from rs3l_gnn.processors.systematics_config import CandidateShift

PREFIX = "Summer22_22Sep2023"


def _events(path: Path) -> Any:
    return NanoEventsFactory.from_root({str(path): "Events"}, schemaclass=JetSchema, mode="virtual").events()


def _jet(pt: list[float], pdgid: list[int]) -> tuple[Any, Any, Any, Any]:
    n = len(pt)
    candidates = ak.Array(
        [
            [
                {"pt": p, "eta": 0.0, "phi": 0.1 * i, "mass": 0.0, "pdgId": k}
                for i, (p, k) in enumerate(zip(pt, pdgid, strict=True))
            ]
        ]
    )
    px, py = sum(p * np.cos(0.1 * i) for i, p in enumerate(pt)), sum(p * np.sin(0.1 * i) for i, p in enumerate(pt))
    jet_pt = float(np.hypot(px, py))
    mass = float(np.sqrt(sum(pt) ** 2 - jet_pt**2))
    jets = ak.Array(
        [[{"pt": jet_pt, "eta": 0.0, "phi": float(np.arctan2(py, px)), "mass": mass, "msoftdrop": mass / 2}]]
    )
    links = ak.Array([[{"jetIdx": 0, "candIdx": i} for i in range(n)]])
    return jets, candidates, links, nominal_view(jets)


def _tables(jets: Any, candidates: Any, links: Any) -> EventTables:
    """As in NanoAOD 15, whose charges come from the PDG numbers."""
    events = {"FatJet": jets, "PFCand": candidates, "FatJetPFCand": links}
    return EventTables(ak.zip(events, depth_limit=1))


def test_an_energy_scale_moves_the_jet_with_its_candidates() -> None:
    jets, candidates, links, view = _jet([300.0, 200.0, 100.0], [211, 22, 130])
    shift = CandidateShift(name="ces", kind="energy_scale", size=0.02)
    event = np.array([7], dtype=np.uint64)
    up = shift_candidates(_tables(jets, candidates, links), view, shift, variation="cesUp", size=0.02, event=event)
    # Everything scaled by one factor: so is the jet, and so are both masses.
    assert up.view.pt == pytest.approx(1.02 * view.pt)
    assert up.view.mass == pytest.approx(1.02 * view.mass)
    assert up.jets.phi.to_list()[0] == pytest.approx(jets.phi.to_list()[0])
    photon = CandidateShift(name="ces", kind="energy_scale", size=0.02, particles="photon")
    some = shift_candidates(
        _tables(jets, candidates, links), view, photon, variation="cesDown", size=-0.02, event=event
    )
    assert some.candidates.pt.to_list()[0] == pytest.approx([300, 196, 100])
    px = 300 + 196 * np.cos(0.1) + 100 * np.cos(0.2)
    py = 196 * np.sin(0.1) + 100 * np.sin(0.2)
    assert some.view.pt[0] == pytest.approx(np.hypot(px, py))


def test_a_corrected_jet_moves_by_the_share_of_its_candidates() -> None:
    jets, candidates, links, _ = _jet([100, 50, 30], [211, 22, 130])
    corrected = ak.with_field(jets, jets.pt / 0.8, "pt")
    corrected = ak.with_field(
        ak.with_field(corrected, jets.mass / 0.8, "mass"), ak.full_like(jets.pt, 0.2), "rawFactor"
    )
    view, shift = nominal_view(corrected), CandidateShift(name="ces", kind="energy_scale", size=0.02)
    event = np.zeros(1, np.uint64)
    up = shift_candidates(_tables(corrected, candidates, links), view, shift, variation="cesUp", size=0.02, event=event)
    # All candidates are 2 % harder, and so is the jet, before and after corrections.
    assert up.view.pt[0] / view.pt[0] == pytest.approx(1.02, abs=1e-6)
    assert up.jets.pt[0, 0] == pytest.approx(1.02 * jets.pt[0, 0], rel=1e-6)


def test_a_smeared_view_stays_smeared_under_a_change_of_its_candidates() -> None:
    jets, candidates, links, view = _jet([300.0, 200.0, 100.0], [211, 22, 130])
    smeared = replace(view, pt=1.1 * view.pt, mass=1.1 * view.mass)
    shift = CandidateShift(name="ces", kind="energy_scale", size=0.02)
    event = np.array([7], dtype=np.uint64)
    up = shift_candidates(_tables(jets, candidates, links), smeared, shift, variation="cesUp", size=0.02, event=event)
    assert up.view.pt == pytest.approx(1.02 * 1.1 * view.pt)
    assert up.view.mass == pytest.approx(1.02 * 1.1 * view.mass)
    # The network sees the jet as it was measured.
    assert up.jets.pt.to_numpy()[0] == pytest.approx(1.02 * view.pt)


def test_lost_tracks_leave_the_jet() -> None:
    jets, candidates, links, view = _jet([10.0] * 400, [211] * 200 + [22] * 200)
    shift = CandidateShift(name="trk", kind="tracking_efficiency", size=0.1)
    event = np.array([7], dtype=np.uint64)
    lost = shift_candidates(_tables(jets, candidates, links), view, shift, variation="trkUp", size=0.1, event=event)
    gone = lost.links.jetIdx.to_numpy()[0] < 0
    assert 8 <= gone.sum() <= 35
    assert not gone[200:].any()
    again = shift_candidates(_tables(jets, candidates, links), view, shift, variation="trkUp", size=0.1, event=event)
    assert np.array_equal(again.links.jetIdx.to_numpy()[0] < 0, gone)
    kept = ~gone
    angle = 0.1 * np.arange(400)
    expected = np.hypot((10 * np.cos(angle))[kept].sum(), (10 * np.sin(angle))[kept].sum())
    assert lost.view.pt[0] == pytest.approx(expected, rel=1e-6)
    bad = ak.zip({"jetIdx": links.jetIdx + 1, "candIdx": links.candIdx})
    with pytest.raises(InvalidDataError, match="does not exist"):
        shift_candidates(_tables(jets, candidates, bad), view, shift, variation="trkUp", size=0.1, event=event)


def test_the_networks_run_once_for_jets_and_again_for_candidates(
    slim_data: Path, make_tagger: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NanoAOD v15 with every kind of systematic: momenta reuse the scores, candidates do not."""
    pytest.importorskip("correctionlib")
    passes: list[int] = []
    class_scores = JetTagger.class_scores

    def counted(self: JetTagger, inputs: JetInputs, **more: Any) -> Any:
        passes.append(inputs.n_jets)
        return class_scores(self, inputs, **more)

    monkeypatch.setattr(JetTagger, "class_scores", counted)
    fileset = tmp_path / "fileset.json"
    file = slim_data / "cms" / "nano_tt_v15.root"
    fileset.write_text(json.dumps({"tt": {"files": {str(file): "Events"}, "metadata": {"xsec": 800.0}}}))
    tagger = make_tagger(features=KINEMATIC_FEATURES)
    document = {
        "filesets": [fileset],
        "taggers": {"kinematic": str(tagger)},
        "jet": {"pt_min": 200},
        "score": {"bins": 20, "start": 0, "stop": 1},
        "systematics": {
            "ps_order": ["isr:muRfac=2", "fsr:muRfac=2", "isr:muRfac=0.5", "fsr:muRfac=0.5"],
            "momenta": {
                "file": slim_data / "cms" / "jet_jerc_Summer22_V3.json.gz",
                "scale": {"jesTotal": f"{PREFIX}_V3_MC_Total_AK4PFPuppi"},
                "resolution": f"{PREFIX}_JRV1_MC_PtResolution_AK4PFPuppi",
                "resolution_factor": f"{PREFIX}_JRV1_MC_ScaleFactor_AK4PFPuppi",
                "other_radius": True,
            },
            "candidates": [
                {"name": "ces", "kind": "energy_scale", "size": 0.01},
                {"name": "trk", "kind": "tracking_efficiency", "size": 0.05},
            ],
        },
    }
    report = analyze(AnalysisConfig.model_validate(document), tmp_path / "out")
    assert len(passes) == 1 + 3  # one for nominal, JES and JER together, one for each change of the candidates
    written = json.loads((tmp_path / "out" / "histograms.json").read_text())
    shifts = {"jesTotal", "jer", "ces"}
    assert set(written["variations"]) == {
        "nominal",
        "trkUp",
        *(f"{name}{side}" for name in (*shifts, "psISR", "psFSR") for side in ("Up", "Down")),
    }
    events = _events(file)
    whole: Any = hist.Hist(from_uhi(written["histograms"]["score_kinematic"]))
    filled = {name: whole[{"dataset": "tt", "variation": name}].sum(flow=True).value for name in written["variations"]}
    assert filled["jesTotalUp"] >= filled["jesTotalDown"] > 0
    assert report["jets_below_training_range"] > 0
    assert report["jets"] <= ak.sum(ak.num(events.FatJet.pt))
