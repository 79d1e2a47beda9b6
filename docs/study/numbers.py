"""Write what these pages quote of reports: python docs/study/numbers.py study-output first.json [report ...]."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SECTIONS = ("events", "tagging", "gains", "robustness", "comparisons", "curves", "tables")
OF_RESPONSES = ("events", "tagging", "gains", "responses", "response_comparisons", "curves")
LEFT_OUT = (
    *("_events", "spread", "error_trainings", "wasserstein_trainings"),
    *("background_jets", "background_efficiency", "sources", "pairs"),
)
EFFICIENCIES = ("50", "70", "80")
SHIPPED = {"hbb": "finetune/hbb-all-floating-1", "wqq": "finetune/wqq-all-floating-1"}


def quoted(node: Any) -> Any:
    """The same document without parts of errors, single trainings of distances and other efficiencies, in 5 digits."""
    if isinstance(node, dict):
        return {
            key: quoted(value)
            for key, value in node.items()
            if not any(word in key for word in LEFT_OUT) and (not key.isdigit() or key in EFFICIENCIES)
        }
    if isinstance(node, list):
        return [quoted(value) for value in node]
    return float(f"{node:.5g}") if isinstance(node, float) else node


def numbers(evaluated: Path, names: list[str]) -> dict[str, Any]:
    """Reports of a folder, all if none is named, and the hashes of the weights that are shipped.

    Named reports are quoted with their responses, and with what compares taggers to the first of them.
    """
    document: dict[str, Any] = {}
    for report in sorted(
        path.parent for path in evaluated.glob("*/metrics.json") if not names or path.parent.name in names
    ):
        metrics = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
        found = {section: metrics[section] for section in (OF_RESPONSES if names else SECTIONS)}
        reference = next(name for name in metrics["tagging"] if name != "n2")
        for section in ("gains", "response_comparisons") if names else ():
            found[section] = {pair: value for pair, value in found[section].items() if pair.endswith(f" {reference}")}
        document[report.name] = quoted(found)
        if report.name in SHIPPED and not names:
            trainings = json.loads((report / "provenance.json").read_text(encoding="utf-8"))["trainings"]
            document[report.name]["sha256"] = {SHIPPED[report.name]: trainings[SHIPPED[report.name]]["sha256"]}
    return document


if __name__ == "__main__":
    found = numbers(Path(sys.argv[1]) / "evaluate", sys.argv[3:])
    Path(__file__).with_name(sys.argv[2]).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
