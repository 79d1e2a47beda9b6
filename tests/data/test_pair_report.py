"""Numbers of matched views: shares by hand."""

from __future__ import annotations

import json

from rs3l_gnn.data.pair_report import PairReport, SampleReport

QCD = SampleReport(
    hard_events=200,
    nominal=180,
    matched=150,
    in_all=80,
    complete=60,
    simulated={"nominal": 200, "seed": 200, "herwig": 80, "empty": 0},
    passed={"nominal": 180, "seed": 170, "herwig": 70, "empty": 0},
    matched_with={"seed": 145, "herwig": 64, "empty": 0},
    labels={"Q": 150},
)
NOTHING = SampleReport(0, 0, 0, 0, 0, {"nominal": 0}, {"nominal": 0}, {})


def test_shares() -> None:
    assert QCD.match_efficiency == 0.75
    assert QCD.complete_efficiency == 0.75
    assert QCD.match_efficiencies == {"seed": 0.725, "herwig": 0.8, "empty": 0.0}
    assert (NOTHING.match_efficiency, NOTHING.complete_efficiency, NOTHING.match_efficiencies) == (0.0, 0.0, {})


def test_samples_are_added() -> None:
    other = SampleReport(100, 90, 15, 100, 15, {"nominal": 100}, {"nominal": 90}, {})
    report = PairReport({"qcd": QCD, "other": other}, views=420)
    assert (report.hard_events, report.matched, report.match_efficiency) == (300, 165, 0.55)
    assert PairReport({}, views=0).match_efficiency == 0.0


def test_the_document_is_json_with_the_shares() -> None:
    document = json.loads(json.dumps(PairReport({"qcd": QCD}, views=400).document()))
    assert (document["format"], document["views"], document["match_efficiency"]) == ("rs3l-pair-report", 400, 0.75)
    assert document["samples"]["qcd"]["match_efficiencies"]["herwig"] == 0.8
    assert document["samples"]["qcd"]["labels"] == {"Q": 150}
