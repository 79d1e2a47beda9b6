from __future__ import annotations

import json

from rs3l_gnn.fits.report import Report, place


def test_findings_by_kind_and_as_json() -> None:
    report = Report()
    report.add("pruning", "pruned", "channel sr", "too small")
    report.add("flow", "moved", "overflow", "1 pb")
    assert [finding.where for finding in report.of("pruning")] == ["channel sr"]
    assert json.loads(json.dumps(report.record()))[1]["action"] == "moved"


def test_places() -> None:
    assert place(channel="sr") == "channel sr"
    assert place(sample="qcd", bins=[0]) == "sample qcd, bin 0"
    assert place() == ""
