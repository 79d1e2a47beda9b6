from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.fits.histograms.document import check_document

GOOD: dict[str, Any] = {
    "histograms": {"score": {"axes": []}},
    "complete": True,
    "datasets": {"qcd": {"process": "qcd", "xsec": 0.2}, "data": {"xsec": None}},
    "variations": {"fsrUp": {"kind": "shower"}},
    "models": {"rs3l": ["a"]},
    "provenance": {"anything": 1},
}


def test_what_rs3l_analyze_writes_is_accepted() -> None:
    check_document(GOOD, Path("h.json"))
    check_document({"histograms": {}}, Path("h.json"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"histograms": []}, "h.json: histograms: Input should be a valid dictionary"),
        ({"datasets": {"qcd": 3}}, "h.json: datasets.qcd: Input should be a valid dictionary"),
        ({"datasets": {"qcd": {"xsec": "big"}}}, "h.json: datasets.qcd.xsec: Input should be a valid number"),
        ({"datasets": {"qcd": {"xsec": 0.0}}}, "h.json: datasets.qcd.xsec: Input should be greater than 0"),
        ({"datasets": None}, "h.json: datasets: Input should be a valid dictionary"),
        ({"variations": 3}, "h.json: variations: Input should be a valid dictionary"),
        ({"variations": {"fsrUp": 3}}, "h.json: variations.fsrUp: Input should be a valid dictionary"),
        ({"models": {"rs3l": "a"}}, "h.json: models.rs3l: Input should be a valid list"),
        ({"complete": "no"}, "h.json: complete: Input should be a valid boolean"),
        ({"paired": 3}, "h.json: paired: Input should be a valid dictionary"),
        ({"replicas": 3}, "h.json: replicas: Input should be a valid dictionary"),
    ],
)
def test_other_forms_are_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputFileError) as caught:
        check_document(GOOD | change, Path("h.json"))
    assert str(caught.value) == f"{sentence}; run `rs3l analyze` again"
