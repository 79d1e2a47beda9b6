"""The notebook of docs/notebooks, cell by cell, on a toy file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import awkward as ak
import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "tagger_in_your_processor.ipynb"


def _code_cells() -> list[dict[str, Any]]:
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def test_outputs_are_stripped() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in _code_cells())


@pytest.mark.slow
def test_the_cells_run(toy_directory: Path, tagger_path: Path) -> None:
    path = toy_directory / "hbb" / "nominal_0000.root"
    scope: dict[str, Any] = {}
    for cell in _code_cells():
        exec("".join(cell["source"]), scope)  # noqa: S102 - the text of our own notebook
        if "parameters" in cell["metadata"].get("tags", []):
            assert {"file", "tagger"} <= set(scope)
            scope |= {"file": str(path), "tagger": str(tagger_path)}
    jets = scope["events"].FatJet
    assert scope["out"]["hbb"]["jets"] == ak.sum(jets.pt > 450) > 10
    assert 0 <= scope["out"]["hbb"]["tagged"] <= scope["out"]["hbb"]["jets"]
    assert ak.num(scope["score"]).to_list() == ak.num(jets.pt).to_list()
    assert ak.num(scope["embedding"], axis=2)[ak.num(jets.pt) > 0][0, 0] == 4
