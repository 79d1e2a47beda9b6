from __future__ import annotations

import pytest

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.report import Report
from rs3l_gnn.fits.templates.names import Renamer, check_names


def check(**changes: list[str]) -> None:
    names = {"channels": ["sr"], "samples": ["hbb", "qcd"], "nuisances": ["fsr"], "free": ["mu"]}
    check_names(**(names | changes))


@pytest.mark.parametrize("name", ["Z+jets", "tt/W", "a b", "qcd:1", "$x", "2018", "", "-1", "µ"])
def test_odd_characters(name: str) -> None:
    for kind in ("channels", "samples", "nuisances"):
        with pytest.raises(FitError, match="not every format accepts"):
            check(**{kind: [name]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": ["data_obs"]}, "reserved"),
        ({"nuisances": ["seed"]}, "reserved"),
        ({"nuisances": ["fsrUp"]}, "must not end in Up or Down"),
        ({"samples": ["qcd", "qcd"]}, "same name: qcd"),
        ({"nuisances": ["mu"]}, "same name: mu"),
        # qcd with fsr gives the histogram qcd_fsrUp.
        ({"samples": ["qcd", "qcd_fsrUp"]}, "run into each other: qcd_fsrUp"),
        ({"channels": ["sr", "sr_a"], "samples": ["a_b", "b"]}, "run into each other: sr_a_b"),
    ],
)
def test_collisions(change: dict[str, list[str]], message: str) -> None:
    with pytest.raises(FitError, match=message):
        check(**change)


def test_good_names_pass() -> None:
    check(samples=["hbb", "qcd_2018", "Wqq"], nuisances=["CMS_res_j_13TeV", "ps_fsr"])


def test_renaming_is_reported_once_and_only_where_allowed() -> None:
    report = Report()
    assert Renamer(report, allowed=False)("Z+jets", "sample") == "Z+jets"
    rename = Renamer(report, allowed=True)
    assert [rename("Z+jets", "sample") for _ in range(3)] == ["Z_jets"] * 3
    assert rename("qcd", "sample") == "qcd"
    assert [finding.detail for finding in report.findings] == ["written as 'Z_jets'"]
