"""Events, jets, channels and histograms by expressions, against loops over the arrays of the file."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import uproot
from boost_histogram.serialization import from_uhi

from rs3l_gnn.conventions import ConfigError, InputFileError, MissingBranchError
from rs3l_gnn.processors import AnalysisConfig, analyze

EVENTS = {
    "trigger": "HLT_AK8PFJet140 or HLT_PFHT370",
    "met": "PuppiMET.pt > 20",
    "muons": "count(Muon.pt > 20 and Muon.looseId) <= 1",
    "heavy": "any(FatJet.msoftdrop > 30)",
}
CHANNELS = {"heavy": "mass > 60", "btagged": "FatJet_particleNet_XbbVsQCD > 0.2 and sum(Jet.pt) > 300"}
HISTOGRAMS: dict[str, dict[str, Any]] = {
    "met": {"expression": "PuppiMET_pt", "bins": 10, "start": 0, "stop": 300, "label": "MET", "unit": "GeV"},
    "tau21": {"expression": "FatJet.tau2 / FatJet.tau1", "edges": [0, 0.3, 0.4, 1.0]},
    "ratio": {"expression": "jet.mass / jet.pt * where(nMuon > 0, 2, 1)", "bins": 5, "start": 0, "stop": 1},
}
BRANCHES = (
    *("HLT_AK8PFJet140", "HLT_PFHT370", "PuppiMET_pt", "Muon_pt", "Muon_looseId", "Jet_pt", "genWeight"),
    *(f"FatJet_{name}" for name in ("pt", "eta", "mass", "msoftdrop", "tau1", "tau2", "particleNet_XbbVsQCD")),
)


def _analysis(tmp_path: Path, file: Path, metadata: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    fileset = tmp_path / "fileset.json"
    fileset.write_text(json.dumps({"tt": {"files": {str(file): "Events"}, "metadata": metadata or {}}}))
    config = {"filesets": fileset, "jet": {"pt_min": 170}, "run": {"chunksize": 70}, **more}
    report = analyze(AnalysisConfig.model_validate(config), tmp_path / "out", force=True)
    document = json.loads((tmp_path / "out" / "histograms.json").read_text())
    histograms = {name: hist.Hist(from_uhi(one)) for name, one in document["histograms"].items()}
    return {"report": report, "histograms": histograms, "document": document}


def _passed(event: Any, jets: list[dict[str, float]]) -> list[str]:
    """Names of the conditions on an event that hold one after another."""
    loose = sum(pt > 20 and one for pt, one in zip(event["Muon_pt"], event["Muon_looseId"], strict=True))
    holds = {
        "trigger": event["HLT_AK8PFJet140"] or event["HLT_PFHT370"],
        "met": event["PuppiMET_pt"] > 20,
        "muons": loose <= 1,
        "heavy": any(jet["msoftdrop"] > 30 for jet in jets),
    }
    return list(itertools.takewhile(holds.__getitem__, holds))


def _by_loops(events: list[Any], place: slice, scale: float) -> tuple[Counter[str], dict[tuple[str, str], Any]]:
    """Events of each step, and (value, weight) of what is filled by histogram and channel."""
    flow: Counter[str] = Counter()
    filled: dict[tuple[str, str], Any] = {}
    for event in events:
        names = ("pt", "eta", "mass", "msoftdrop", "tau1", "tau2", "particleNet_XbbVsQCD")
        jets = [{name: event[f"FatJet_{name}"][n] for name in names} for n in range(len(event["FatJet_pt"]))]
        for jet in jets:
            jet["msoftdrop"] *= scale
        passed = _passed(event, jets)
        flow.update(f"event {name}" for name in passed)
        if len(passed) < len(EVENTS):
            continue
        good = [jet for jet in jets if jet["pt"] > 170 and abs(jet["eta"]) < 2.5 and jet["tau2"] / jet["tau1"] < 0.8]
        chosen = sorted(good, key=lambda jet: -jet["pt"])[place]
        inside = {
            "heavy": [jet for jet in chosen if jet["msoftdrop"] > 60],
            "btagged": [jet for jet in chosen if jet["particleNet_XbbVsQCD"] > 0.2 and sum(event["Jet_pt"]) > 300],
        }
        flow.update(["jet"] if chosen else [])
        flow.update(f"channel {channel}" for channel, found in inside.items() if found)
        for channel, jet in ((channel, jet) for channel, found in inside.items() for jet in found):
            values = {
                "met": event["PuppiMET_pt"],
                "tau21": jet["tau2"] / jet["tau1"],
                "ratio": jet["mass"] / jet["pt"] * (2 if event["Muon_pt"] else 1),
                "mass": jet["msoftdrop"],
            }
            for name, value in values.items():
                filled.setdefault((name, channel), []).append((value, event["genWeight"]))
    return flow, filled


@pytest.mark.parametrize("choice", ["leading", "second", 2, "all"])
def test_everything_by_loops(choice: Any, slim_nano: Path, tmp_path: Path) -> None:
    out = _analysis(
        tmp_path,
        slim_nano,
        jet={"choice": choice, "pt_min": 170, "selection": {"prongs": "FatJet.tau2 / FatJet.tau1 < 0.8"}},
        events=EVENTS,
        channels=CHANNELS,
        histograms=HISTOGRAMS,
        systematics={"momenta": {"mass": {"scale": {"up": 1.3}}}},
    )
    with uproot.open(slim_nano) as file:
        events = file["Events"].arrays(list(BRANCHES)).to_list()
    place = {"leading": slice(0, 1), "all": slice(None)}.get(choice, slice(1, 2))
    totals = {}
    for variation, scale in (("nominal", 1.0), ("jmsUp", 1.3)):
        flow, filled = _by_loops(events, place, scale)
        assert len(filled) == 8
        for (name, channel), entries in filled.items():
            values, weights = np.array(entries).T
            histogram = out["histograms"][name][{"dataset": "tt", "channel": channel, "variation": variation}]
            contents, _ = np.histogram(values, histogram.axes[0].edges, weights=weights)
            np.testing.assert_allclose(histogram.values(), contents, rtol=1e-6)
            np.testing.assert_allclose(histogram.sum(flow=True).value, weights.sum(), rtol=1e-6)
            np.testing.assert_allclose(histogram.sum(flow=True).variance, (weights**2).sum(), rtol=1e-6)
            totals[variation, name, channel] = weights.sum()
        if variation == "nominal":
            steps = out["report"]["cutflow"]["tt"]
            order = [*(f"event {name}" for name in EVENTS), "jet", *(f"channel {name}" for name in CHANNELS)]
            assert {step: steps[step]["events"] for step in order} == dict(flow)
            assert list(steps) == ["events", "split", *order]
    assert totals["jmsUp", "mass", "heavy"] > totals["nominal", "mass", "heavy"] > 0
    axes = {name: histogram.axes[3] for name, histogram in out["histograms"].items()}
    assert (axes["met"].label, axes["tau21"].label) == ("MET [GeV]", "tau21")
    assert list(axes["tau21"].edges) == [0, 0.3, 0.4, 1.0]


def test_several_jets_count_one_by_one(slim_nano: Path, tmp_path: Path) -> None:
    """Errors and covariances: a jet that keeps its bin and weight adds nothing to the error of a difference."""
    momenta = {"mass": {"scale": {"up": 1.0001}}}
    jet = {"choice": "all", "pt_min": 170}
    document = _analysis(tmp_path, slim_nano, jet=jet, systematics={"momenta": momenta})
    histogram = document["histograms"]["pt"]
    nominal = histogram[{"dataset": "tt", "channel": "signal", "variation": "nominal"}]
    paired = document["document"]["paired"]["pt"]["storage"]
    assert sum(paired["values"]) == pytest.approx(nominal.sum(flow=True).variance)
    assert document["report"]["jets"] > document["report"]["cutflow"]["tt"]["jet"]["events"] > 10


def test_jets_in_several_channels_are_counted(
    slim_nano: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    jet = {"choice": "all", "pt_min": 170}
    apart = _analysis(tmp_path, slim_nano, jet=jet, channels={"light": "mass <= 40", "heavy": "mass > 40"})
    assert "jets_in_several_channels" not in apart["report"]
    assert "several channels" not in caplog.text
    both = _analysis(tmp_path, slim_nano, jet=jet, channels={"light": "mass <= 60", "heavy": "mass > 40"})
    with uproot.open(slim_nano) as file:
        events = file["Events"].arrays(["FatJet_pt", "FatJet_eta", "FatJet_msoftdrop"]).to_list()
    inside = sum(
        sum(pt > 170 and abs(eta) < 2.5 and 40 < mass <= 60 for pt, eta, mass in zip(*event.values(), strict=True))
        for event in events
    )
    assert both["report"]["jets_in_several_channels"] == inside > 0
    assert f"{inside} jets count in several channels" in caplog.text


def test_data_in_certified_blocks_count_once(
    toy_directory: Path, rewritten: Callable[..., Path], tmp_path: Path
) -> None:
    """Data made of a simulated file with weights of 7: neither weights nor what is not certified count."""
    event = np.arange(60)
    change = {
        "genWeight": np.full(60, 7, np.float32),
        "run": np.where(event < 30, 1, 2).astype(np.uint32),
        "luminosityBlock": (event % 10).astype(np.uint32),
    }
    path = rewritten(toy_directory / "qcd" / "nominal_0000.root", tmp_path / "a.root", lambda old: {**old, **change})
    golden = {"1": [[2, 4], [9, 9]], "7": [[1, 100]]}
    (tmp_path / "golden.json").write_text(json.dumps(golden))
    good = (event < 30) & np.isin(event % 10, (2, 3, 4, 9))
    with uproot.open(path) as file:
        jets = np.array([len(one) > 0 for one in file["Events"]["FatJet_pt"].array()])
    for metadata, weight, passed in (({"isMC": False}, 1, good), ({"isMC": True}, 7, np.ones(60, bool))):
        out = _analysis(tmp_path, path, metadata, certified=str(tmp_path / "golden.json"), jet={"pt_min": 400})
        total = out["histograms"]["pt"].sum(flow=True)
        assert (total.value, total.variance) == (weight * (passed & jets).sum(), weight**2 * (passed & jets).sum())
        steps = out["report"]["cutflow"]["tt"]
        assert list(steps) == ["events", "split", "certified", "jet", "channel signal"]
        assert steps["certified"]["events"] == passed.sum()
    (tmp_path / "golden.json").write_text("[]")
    with pytest.raises(InputFileError, match="holds no certified blocks"):
        _analysis(tmp_path, path, certified=str(tmp_path / "golden.json"))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"events": {"trigger": "HLT_AK8PFJet14 and PuppiMET.ptt > 3"}, "channels": {"sr": "FatJet_tau > 2"}},
            MissingBranchError,
            (
                r"lacks HLT_AK8PFJet14 of events.trigger \('HLT_.*'\); PuppiMET.ptt of .*; FatJet_tau of channels.sr "
                r".*got HLT_AK8PFJet140 for HLT_AK8PFJet14; PuppiMET_pt.* for PuppiMET.ptt; .*tau\d.* for FatJet_tau; "
                "mend"
            ),
        ),
        (
            {"histograms": {"x": {**HISTOGRAMS["ratio"], "expression": "jet.weight"}}},
            MissingBranchError,
            "jet.weight of",
        ),
        ({"events": {"muon": "Muon.pt > 20"}}, ConfigError, "value for each object of Muon, where one for each event"),
        (
            {"events": {"muon": "nMuon"}},
            ConfigError,
            r"events.muon gives numbers where a condition is needed; got 'nMuon'",
        ),
        (
            {"channels": {"sr": "Muon.pt > 20"}},
            ConfigError,
            "channels.sr has a value for each object of Muon, where one",
        ),
        ({"jet": {"selection": {"a": "Jet.pt > FatJet.pt"}}}, ConfigError, "joins objects of Jet and jet at letter 1"),
    ],
)
def test_what_does_not_fit_the_file_is_named(
    change: dict[str, Any], error: type[Exception], message: str, *, slim_nano: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        _analysis(tmp_path, slim_nano, **change)
