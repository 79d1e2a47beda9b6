"""What the page of the study states is in ``numbers.json``, and that holds what the reports say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

STUDY = Path(__file__).parents[1] / "docs" / "study"


@pytest.fixture(scope="module")
def numbers() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((STUDY / "numbers.json").read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("task", ["hbb", "wqq"])
@pytest.mark.parametrize(
    ("row", "tagger"), [("supervised", "supervised"), ("RS3L, floating", "rs3l"), ("RS3L, fixed", "rs3l-fixed")]
)
def test_rows_of_the_taggers(numbers: dict[str, Any], task: str, row: str, tagger: str) -> None:
    text = (STUDY / "README.md").read_text(encoding="utf-8")
    title = {"hbb": "| H→bb against QCD, all labels |", "wqq": "| W→qq against QCD, all labels |"}[task]
    cells = next(line for line in text[text.index(title) :].splitlines() if line.startswith(f"| {row} |")).split("|")
    auc, auc_error = (float(part) for part in cells[2].split("±"))
    found = numbers[task]["tagging"][tagger]
    assert (auc, auc_error) == pytest.approx((found["auc"], found["auc_error"]), abs=6e-4)
    for cell, efficiency in zip(cells[3:6], ("50", "70", "80"), strict=True):
        stated = [float(part) for part in cell.replace("(", " ").replace(")", " ").replace("to", " ").split()]
        rejection = found["rejection"][efficiency]
        # The page rounds to two or three digits.
        assert stated[0] == pytest.approx(rejection["value"], rel=0.03)
        assert stated[1:] == pytest.approx(rejection["interval"], rel=0.03) or len(stated) == 1


def test_the_script_keeps_what_the_reports_say(tmp_path: Path) -> None:
    report = tmp_path / "study" / "evaluate" / "other"
    report.mkdir(parents=True)
    sections = dict.fromkeys(("events", "gains", "robustness", "comparisons", "curves", "tables", "roc"))
    tagging = {"rs3l": {"auc": 0.123456789, "auc_error": 0.5, "auc_spread": 1.0, "rejection": {"50": 2, "60": 3}}}
    (report / "metrics.json").write_text(json.dumps({**sections, "tagging": tagging}))
    script = tmp_path / "numbers.py"
    script.write_bytes((STUDY / "numbers.py").read_bytes())
    subprocess.run([sys.executable, script, tmp_path / "study"], check=True)  # noqa: S603  # our own script
    written = json.loads((tmp_path / "numbers.json").read_text())["other"]
    assert written["tagging"] == {"rs3l": {"auc": 0.12346, "auc_error": 0.5, "rejection": {"50": 2}}}
    assert "roc" not in written
