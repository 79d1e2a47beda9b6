"""Write numbers.json, what this page quotes of the reports of a study: python docs/study/numbers.py study-output."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SECTIONS = ("events", "tagging", "gains", "robustness", "comparisons", "curves", "tables")
LEFT_OUT = (
    *("_events", "spread", "error_trainings", "wasserstein_trainings"),
    *("background_jets", "background_efficiency", "sources"),
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


def numbers(evaluated: Path) -> dict[str, Any]:
    """All reports of a folder, and the hashes of the weights that are shipped."""
    document: dict[str, Any] = {}
    for report in sorted(path.parent for path in evaluated.glob("*/metrics.json")):
        metrics = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
        document[report.name] = quoted({section: metrics[section] for section in SECTIONS})
        if report.name in SHIPPED:
            trainings = json.loads((report / "provenance.json").read_text(encoding="utf-8"))["trainings"]
            document[report.name]["sha256"] = {SHIPPED[report.name]: trainings[SHIPPED[report.name]]["sha256"]}
    return document


if __name__ == "__main__":
    found = numbers(Path(sys.argv[1]) / "evaluate")
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
