"""The page of features has one row for each, in the words of the code; its own features can be computed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.conventions import FEATURE_SETS, Candidates, Feature, JetAxes, JetCandidates
from rs3l_gnn.conventions.features.paper import FEATURES
from rs3l_gnn.conventions.features.tracks import FURTHER_FEATURES

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "features.md"


def test_the_table_is_that_of_the_code() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.*?) ?\| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    expected = [
        (one.name, one.unit, one.formula, ", ".join(f"`{field}`" for field in one.fields))
        for one in (*FEATURES, *FURTHER_FEATURES)
    ]
    assert [row[:4] for row in rows] == expected


def test_every_set_is_named() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in FEATURE_SETS)


def test_the_features_of_the_page_work(code_of: Callable[..., list[str]]) -> None:
    (source,) = [one for one in code_of("docs/reference/features.md", "python") if "Feature(" in one]
    names: dict[str, Any] = {}
    exec(source, names)  # noqa: S102 - of our own page
    found = {one.name: one for one in names.values() if isinstance(one, Feature)}
    two = np.array([3.0, 4.0])
    p = Candidates(two, np.array([0.5, 0.0]), 0 * two, two, two, two.astype(int), two, two, {"time": np.array([7, 8])})
    jets = JetAxes(*(np.array([value]) for value in (100.0, 0.0, 0.0, 100.0)))
    seen = JetCandidates(p, jets, np.array([2]))
    assert np.allclose(found["log_kt"].compute(seen), np.log([1.501, 0.001]))
    assert found["timing"].compute(seen).tolist() == [7, 8]
