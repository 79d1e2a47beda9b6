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

from rs3l_gnn.conventions import KINEMATIC_FEATURES, ConfigError, InvalidDataError, MissingBranchError
from rs3l_gnn.inference import JetInputs, JetTagger
from rs3l_gnn.processors import AnalysisConfig, JetSchema, analyze
from rs3l_gnn.processors.config import CandidateShift, MomentumShifts, SystematicsConfig
from rs3l_gnn.processors.selection import nominal_view
from rs3l_gnn.processors.shifts import momentum_views, shift_candidates, shift_records

PREFIX = "Summer22_22Sep2023"


def _events(path: Path) -> Any:
    return NanoEventsFactory.from_root({str(path): "Events"}, schemaclass=JetSchema, mode="virtual").events()


def _momenta(shared_data: Path, **more: Any) -> MomentumShifts:
    options = {
        "file": shared_data / "cms" / "jet_jerc_Summer22_V3.json.gz",
        "scale": {"jesTotal": f"{PREFIX}_V3_MC_Total_AK4PFPuppi"},
        "resolution": f"{PREFIX}_JRV1_MC_PtResolution_AK4PFPuppi",
        "resolution_factor": f"{PREFIX}_JRV1_MC_ScaleFactor_AK4PFPuppi",
    }
    return MomentumShifts.model_validate(options | more)


def test_scale_and_resolution_of_the_real_file(shared_data: Path) -> None:
    correctionlib = pytest.importorskip("correctionlib")
    events = _events(shared_data / "cms" / "nano_tt_v15.root")
    view = nominal_view(events.FatJet)
    config = SystematicsConfig(momenta=_momenta(shared_data, gen_jets=None))
    views = {each.variation: each for each in momentum_views(events, view, config, {})}
    assert list(views) == ["nominal", "jesTotalUp", "jesTotalDown", "jerUp", "jerDown"]
    assert set(views) == {"nominal", *shift_records(config, {})}
    corrections = correctionlib.CorrectionSet.from_file(str(config.momenta.file))  # type: ignore[union-attr]  # set above
    smeared = views["nominal"]
    assert np.std(smeared.pt / view.pt) > 0.01
    for place in range(len(view.pt)):
        unc = corrections[f"{PREFIX}_V3_MC_Total_AK4PFPuppi"].evaluate(smeared.eta[place], smeared.pt[place])
        assert views["jesTotalUp"].pt[place] == pytest.approx(smeared.pt[place] * (1 + unc))
        assert views["jesTotalDown"].mass[place] == pytest.approx(smeared.mass[place] * (1 - unc))
    rho = np.repeat(np.asarray(events.Rho.fixedGridRhoFastjetAll), view.counts)
    spread = {}
    for side, systematic in (("nominal", "nom"), ("jerUp", "up"), ("jerDown", "down")):
        width = []
        for place in range(len(view.pt)):
            r = corrections[f"{PREFIX}_JRV1_MC_PtResolution_AK4PFPuppi"].evaluate(
                view.eta[place], view.pt[place], rho[place]
            )
            s = corrections[f"{PREFIX}_JRV1_MC_ScaleFactor_AK4PFPuppi"].evaluate(
                view.eta[place], view.pt[place], systematic
            )
            width.append(r * np.sqrt(max(s * s - 1, 0)))
        spread[side] = np.full(len(width), np.nan)
        wide = np.array(width) > 1e-6
        spread[side][wide] = (views[side].pt / view.pt - 1)[wide] / np.array(width)[wide]
        assert np.array_equal(views[side].pt[~wide], view.pt[~wide])
    pulls = spread["nominal"][np.isfinite(spread["nominal"])]
    assert len(pulls) > 20
    assert abs(pulls.mean()) < 4 / np.sqrt(len(pulls))
    assert 0.6 < pulls.std() < 1.4
    # One random number a jet: the three differ by their widths alone.
    both = np.isfinite(spread["jerUp"]) & np.isfinite(spread["nominal"])
    np.testing.assert_allclose(spread["jerUp"][both], spread["nominal"][both], atol=1e-6)


def test_smearing_does_not_depend_on_the_chunk(shared_data: Path) -> None:
    pytest.importorskip("correctionlib")
    events = _events(shared_data / "cms" / "nano_tt_v15.root")
    config = SystematicsConfig(momenta=_momenta(shared_data))
    whole = momentum_views(events, nominal_view(events.FatJet), config, {})[0].pt
    parts = [momentum_views(part, nominal_view(part.FatJet), config, {})[0].pt for part in (events[:77], events[77:])]
    assert np.array_equal(np.concatenate(parts), whole)
    assert momentum_views(events[:0], nominal_view(events[:0].FatJet), config, {})[0].pt.shape == (0,)
    data = momentum_views(events, nominal_view(events.FatJet), config, {"isMC": "False"})
    assert [view.variation for view in data] == ["nominal"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rho": "Rho_none"}, MissingBranchError, "lack the branch Rho_none"),
        ({"scale": {"jes": f"{PREFIX}_V3_MC_Totl_AK4PFPuppi"}}, ConfigError, "Totl_AK4PFPuppi'; allowed: .*Total_AK4"),
        ({"scale": {"jes": f"{PREFIX}_V3_MC_L1FastJet_AK4PFPuppi"}}, MissingBranchError, "needs JetA, Rho"),
    ],
)
def test_wrong_corrections_are_named(
    change: dict[str, Any], error: type[Exception], message: str, shared_data: Path
) -> None:
    pytest.importorskip("correctionlib")
    events = _events(shared_data / "cms" / "nano_tt_v15.root")
    config = SystematicsConfig(momenta=_momenta(shared_data, **change))
    with pytest.raises(error, match=message):
        momentum_views(events, nominal_view(events.FatJet), config, {})


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


def test_an_energy_scale_moves_the_jet_with_its_candidates() -> None:
    jets, candidates, links, view = _jet([300.0, 200.0, 100.0], [211, 22, 130])
    shift = CandidateShift(name="ces", kind="energy_scale", size=0.02)
    event = np.array([7], dtype=np.uint64)
    up = shift_candidates(jets, candidates, links, view, shift, variation="cesUp", size=0.02, event=event)
    # Everything scaled by one factor: so is the jet, and so are both masses.
    assert up.view.pt == pytest.approx(1.02 * view.pt)
    assert up.view.mass == pytest.approx(1.02 * view.mass)
    assert up.jets.phi.to_list()[0] == pytest.approx(jets.phi.to_list()[0])
    photon = CandidateShift(name="ces", kind="energy_scale", size=0.02, particles="photon")
    some = shift_candidates(jets, candidates, links, view, photon, variation="cesDown", size=-0.02, event=event)
    assert some.candidates.pt.to_list()[0] == pytest.approx([300, 196, 100])
    px = 300 + 196 * np.cos(0.1) + 100 * np.cos(0.2)
    py = 196 * np.sin(0.1) + 100 * np.sin(0.2)
    assert some.view.pt[0] == pytest.approx(np.hypot(px, py))


def test_a_smeared_view_stays_smeared_under_a_change_of_its_candidates() -> None:
    jets, candidates, links, view = _jet([300.0, 200.0, 100.0], [211, 22, 130])
    smeared = replace(view, pt=1.1 * view.pt, mass=1.1 * view.mass)
    shift = CandidateShift(name="ces", kind="energy_scale", size=0.02)
    event = np.array([7], dtype=np.uint64)
    up = shift_candidates(jets, candidates, links, smeared, shift, variation="cesUp", size=0.02, event=event)
    assert up.view.pt == pytest.approx(1.02 * 1.1 * view.pt)
    assert up.view.mass == pytest.approx(1.02 * 1.1 * view.mass)
    # The network sees the jet as it was measured.
    assert up.jets.pt.to_numpy()[0] == pytest.approx(1.02 * view.pt)


def test_lost_tracks_leave_the_jet() -> None:
    jets, candidates, links, view = _jet([10.0] * 400, [211] * 200 + [22] * 200)
    shift = CandidateShift(name="trk", kind="tracking_efficiency", size=0.1)
    event = np.array([7], dtype=np.uint64)
    lost = shift_candidates(jets, candidates, links, view, shift, variation="trkUp", size=0.1, event=event)
    gone = lost.links.jetIdx.to_numpy()[0] < 0
    assert 8 <= gone.sum() <= 35
    assert not gone[200:].any()
    again = shift_candidates(jets, candidates, links, view, shift, variation="trkUp", size=0.1, event=event)
    assert np.array_equal(again.links.jetIdx.to_numpy()[0] < 0, gone)
    kept = ~gone
    angle = 0.1 * np.arange(400)
    expected = np.hypot((10 * np.cos(angle))[kept].sum(), (10 * np.sin(angle))[kept].sum())
    assert lost.view.pt[0] == pytest.approx(expected, rel=1e-6)
    bad = ak.zip({"jetIdx": links.jetIdx + 1, "candIdx": links.candIdx})
    with pytest.raises(InvalidDataError, match="does not exist"):
        shift_candidates(jets, candidates, bad, view, shift, variation="trkUp", size=0.1, event=event)


def test_the_networks_run_once_for_jets_and_again_for_candidates(
    shared_data: Path, make_tagger: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NanoAOD v15 with every kind of systematic: momenta reuse the scores, candidates do not."""
    pytest.importorskip("correctionlib")
    passes: list[int] = []
    score = JetTagger.score

    def counted(self: JetTagger, inputs: JetInputs) -> Any:
        passes.append(inputs.n_jets)
        return score(self, inputs)

    monkeypatch.setattr(JetTagger, "score", counted)
    fileset = tmp_path / "fileset.json"
    file = shared_data / "cms" / "nano_tt_v15.root"
    fileset.write_text(json.dumps({"tt": {"files": {str(file): "Events"}, "metadata": {"xsec": 800.0}}}))
    tagger = make_tagger(features=KINEMATIC_FEATURES)
    document = {
        "filesets": [fileset],
        "taggers": {"kinematic": str(tagger)},
        "jet": {"pt_min": 200},
        "score": {"bins": 20, "start": 0, "stop": 1},
        "systematics": {
            "ps_order": ["isr:muRfac=2", "fsr:muRfac=2", "isr:muRfac=0.5", "fsr:muRfac=0.5"],
            "momenta": _momenta(shared_data).model_dump(),
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
