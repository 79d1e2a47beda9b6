"""What the pages of the studies state is in their documents of numbers, and these hold what the reports say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

STUDY = Path(__file__).parents[1] / "docs" / "study"


@pytest.fixture(scope="module")
def numbers() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((STUDY / "first.json").read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("task", ["hbb", "wqq"])
@pytest.mark.parametrize(
    ("row", "tagger"), [("supervised", "supervised"), ("RS3L, floating", "rs3l"), ("RS3L, fixed", "rs3l-fixed")]
)
def test_rows_of_the_taggers(numbers: dict[str, Any], task: str, row: str, tagger: str) -> None:
    text = (STUDY / "first.md").read_text(encoding="utf-8")
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
    subprocess.run([sys.executable, script, tmp_path / "study", "found.json"], check=True)  # noqa: S603  # our own script
    written = json.loads((tmp_path / "found.json").read_text())["other"]
    assert written["tagging"] == {"rs3l": {"auc": 0.12346, "auc_error": 0.5, "rejection": {"50": 2}}}
    assert "roc" not in written


def _row(text: str, title: str, name: str) -> list[str]:
    lines = text[text.index(title) :].splitlines()
    return [cell.strip() for cell in next(line for line in lines if line.startswith(f"| {name} |")).split("|")[2:-1]]


def _stated(cell: str) -> list[float]:
    """Numbers of a cell: value, then error or interval, then significance."""
    return [float(number) for number in re.findall(r"(?<![\w.])[+-]?\d+\.?\d*", cell)]


def _text() -> str:
    return (STUDY / "README.md").read_text(encoding="utf-8")


def _report(name: str) -> Any:
    file = STUDY / ("robust.json" if name == "hbb" else "fresh.json")
    return json.loads(file.read_text(encoding="utf-8"))[name]


def test_recipes_have_the_numbers_of_their_report() -> None:
    text, found = _text(), _report("fresh")
    assert {"27,103 H→bb", "41,478 QCD"} <= {match.group() for match in re.finditer(r"[\d,]+ (H→bb|QCD)", text)}
    assert found["events"] == {"higgs": 27103, "qcd": 41478}
    recipes = [name for name in found["tagging"] if name != "n2"]
    assert len(recipes) == 14
    for name in recipes:
        cells = _row(text, "## Separation", name)
        tagging, gain = found["tagging"][name], found["gains"].get(f"{name} / supervised")
        assert _stated(cells[0]) == pytest.approx([tagging["auc"], tagging["auc_error"]], abs=6e-5)
        for cell, ratio, efficiency in zip(cells[1:3], cells[3:5], ("50", "80"), strict=True):
            rejection = tagging["rejection"][efficiency]
            assert _stated(cell) == pytest.approx([rejection["value"], *rejection["interval"]], abs=0.6)
            if gain is not None:
                told = gain["rejection"][efficiency]
                expected = [told["ratio"], *told["interval"], abs(told["significance"])]
                assert _stated(ratio.replace("σ", "")) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(
    ("title", "which"), [("## Response of the signal", "higgs"), ("## Response of the background", "qcd")]
)
def test_responses_have_the_numbers_of_their_report(title: str, which: str) -> None:
    text, found = _text(), _report("fresh")
    for name in (name for name in found["tagging"] if name != "n2"):
        cells = _row(text, title, name)
        response = found["responses"][name][which]
        compared = found["response_comparisons"].get(f"{name} - supervised")
        for place, efficiency in enumerate(("50", "80")):
            of_fsr = response["fsr x2"][efficiency]
            assert _stated(cells[place]) == pytest.approx([of_fsr["response"], of_fsr["response_error"]], abs=6e-4)
            if compared is not None:
                told = compared[which]["fsr x2"][efficiency]
                expected = [told["difference"], told["error"], abs(told["significance"])]
                assert _stated(cells[2 + place]) == pytest.approx(expected, abs=0.06)
                if which == "higgs":
                    assert _stated(cells[4 + place]) == pytest.approx([told["ratio"], *told["interval"]], abs=0.006)


@pytest.mark.parametrize(
    ("report", "title", "columns"),
    [("vincia", "**Vincia**", ("vincia", "vinciaMatched")), ("sherpa", "**Sherpa**", ("sherpa",))],
)
def test_other_generators(report: str, title: str, columns: tuple[str, ...]) -> None:
    text, found = _text(), json.loads((STUDY / "generators.json").read_text(encoding="utf-8"))[report]
    table = text[text.index(title) :].split("\n\n")[1]
    names = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert len(names) == 11
    for name in names:
        cells = _row(text, title, name)
        response = found["responses"][name]["higgs"]
        compared = found["response_comparisons"].get(f"{name} - supervised")
        for place, efficiency in enumerate(("50", "80")):
            for first, column in zip((0, 4), columns, strict=False):
                told = response[column][efficiency]
                assert _stated(cells[first + place]) == pytest.approx(
                    [told["response"], told["response_error"]], abs=6e-4
                )
            if compared is not None:
                told = compared["higgs"][columns[0]][efficiency]
                expected = [told["difference"], told["error"], abs(told["significance"])]
                assert _stated(cells[2 + place]) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(
    ("report", "title", "reference", "recipes"),
    [
        ("fresh-classes", "## Told the classes", "supervised", 5),
        ("fresh-encoders", "## Other ways to pre-train", "continued-views", 10),
        ("fresh-frozen", "## Encoders at rest", "supervised", 7),
        ("frozen", "### On the test events of the trainings", "supervised", 9),
    ],
)
def test_other_encoders(report: str, title: str, reference: str, recipes: int) -> None:
    text, found = _text(), json.loads((STUDY / "encoders.json").read_text(encoding="utf-8"))[report]
    fresh = {"higgs": 27103, "qcd": 41478}
    assert found["events"] == (fresh if report.startswith("fresh") else {"higgs": 5408, "qcd": 6658})
    lines = text[text.index(title) :].split("\n\n")
    table = next(part for part in lines if part.startswith("| recipe |"))
    names = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert len(names) == recipes
    for name in names:
        cells = _row(text, title, name)
        tagging, responses = found["tagging"][name], found["responses"][name]
        gain = found["gains"].get(f"{name} / {reference}")
        assert _stated(cells[0]) == pytest.approx([tagging["auc"], tagging["auc_error"]], abs=6e-5)
        for place, efficiency in enumerate(("50", "80")):
            rejection = tagging["rejection"][efficiency]
            assert _stated(cells[1 + place]) == pytest.approx([rejection["value"], *rejection["interval"]], abs=0.6)
            if gain is not None:
                told = gain["rejection"][efficiency]
                expected = [told["ratio"], *told["interval"], abs(told["significance"])]
                assert _stated(cells[3 + place]) == pytest.approx(expected, abs=0.06)
            for first, jets in ((5, "higgs"), (7, "qcd")):
                of_fsr = responses[jets]["fsr x2"][efficiency]
                stated = _stated(cells[first + place])
                assert stated == pytest.approx([of_fsr["response"], of_fsr["response_error"]], abs=6e-4)


def test_encoders_at_rest_under_other_generators() -> None:
    text, found = _text(), json.loads((STUDY / "encoders.json").read_text(encoding="utf-8"))
    title = "### Under other generators"
    table = text[text.index(title) :].split("\n\n")[2]
    names = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert len(names) == 7
    columns = [("vincia-frozen", "vincia"), ("vincia-frozen", "vinciaMatched"), ("sherpa-frozen", "sherpa")]
    for name in names:
        cells = _row(text, title, name)
        for place, (report, column) in enumerate(columns):
            compared = found[report]["response_comparisons"].get(f"{name} - supervised")
            for cell, efficiency in zip(cells[2 * place : 2 * place + 2], ("50", "80"), strict=True):
                told = found[report]["responses"][name]["higgs"][column][efficiency]
                stated = _stated(cell.replace(" σ", ""))
                assert stated[:2] == pytest.approx([told["response"], told["response_error"]], abs=6e-4)
                if compared is not None:
                    significance = abs(compared["higgs"][column][efficiency]["significance"])
                    assert stated[2] == pytest.approx(significance, abs=0.06)


def test_worse_taggers() -> None:
    text, found = _text(), json.loads((STUDY / "encoders.json").read_text(encoding="utf-8"))
    for name in ("supervised", "supervised-10k", "supervised-1k", "continued-frozen"):
        cells = _row(text, "### A worse tagger answers less", name)
        for place, efficiency in enumerate(("50", "80")):
            rejection = found["worse"]["tagging"][name]["rejection"][efficiency]
            assert _stated(cells[place]) == pytest.approx([rejection["value"], *rejection["interval"]], abs=0.6)
            columns = ((2, "worse", "fsr x2"), (4, "worse", "vincia"), (6, "sherpa-worse", "sherpa"))
            for first, report, column in columns:
                told = found[report]["responses"][name]["higgs"][column][efficiency]
                stated = _stated(cells[first + place])
                assert stated == pytest.approx([told["response"], told["response_error"]], abs=6e-4)


def test_few_labels() -> None:
    text, lines = _text(), _report("fresh")["curves"]["labels"]["lines"]
    for name, points in lines.items():
        cells = _row(text, "| 1/FPR at 50 % | 1,000 labels |", name)
        for cell, point in zip(cells, points, strict=True):
            rejection = point["rejection"]
            assert _stated(cell) == pytest.approx([rejection["value"], *rejection["interval"]], abs=0.6)
    cells = _row(text, "| 1/FPR at 50 % | 1,000 labels |", "continued over supervised")
    for cell, point in zip(cells, lines["continued"], strict=True):
        expected = [point["gain"]["ratio"], *point["gain"]["interval"], point["gain"]["significance"]]
        assert _stated(cell) == pytest.approx(expected, abs=0.06)


def test_the_first_look() -> None:
    text, found = _text(), _report("hbb")
    for name in ("supervised", "continued-views", "continued-distilled-tilted-100"):
        cells = _row(text, "## The first look", name)
        for place, efficiency in enumerate(("50", "80")):
            rejection = found["tagging"][name]["rejection"][efficiency]
            assert _stated(cells[place]) == pytest.approx([rejection["value"], *rejection["interval"]], abs=0.6)
            for cell, which, digits in ((cells[2 + place], "higgs", 6e-4), (cells[4 + place], "qcd", 6e-3)):
                of_fsr = found["responses"][name][which]["fsr x2"][efficiency]
                assert _stated(cell) == pytest.approx([of_fsr["response"], of_fsr["response_error"]], abs=digits)


@pytest.mark.parametrize(
    ("report", "which", "jets"),
    [
        ("classes-wqq", "v", "W, Z→qq"),
        ("classes-hbb", "higgs", "H→bb"),
        ("classes-hcc", "hcc", "H→cc"),
        ("classes-top", "top", "top"),
    ],
)
def test_other_classes(report: str, which: str, jets: str) -> None:
    text, found = _text(), _report(report)
    assert f"{found['events'][which]:,}" in text
    lines = text[text.index("## Other classes") :].splitlines()
    for name in (name for name in found["tagging"] if name != "n2"):
        row = next(line for line in lines if line.startswith(f"| {jets} | {name} |"))
        cells = [cell.strip() for cell in row.split("|")[3:-1]]
        for place, efficiency in enumerate(("50", "80")):
            rejection = found["tagging"][name]["rejection"][efficiency]
            assert _stated(cells[place]) == pytest.approx([rejection["value"], *rejection["interval"]], abs=0.6)
            for cell, jet in ((cells[2 + place], which), (cells[4 + place], "qcd")):
                of_fsr = found["responses"][name][jet]["fsr x2"][efficiency]
                assert _stated(cell) == pytest.approx([of_fsr["response"], of_fsr["response_error"]], abs=6e-4)
