from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cabinetry.fit.results_containers import SignificanceResults

from rs3l_gnn.fits import FitConfig, fit, fit_or_compare
from rs3l_gnn.fits.summary import summary_document, summary_table

WriteRun = Callable[..., Path]
MakeConfig = Callable[..., FitConfig]


@pytest.mark.parametrize(
    ("observed", "told"), [(37.5, "> 8 σ"), (float("inf"), "> 8 σ"), (7.96, "8.0 σ"), (0.0, "0.0 σ")]
)
def test_no_ceiling_of_floating_point(
    write_run: WriteRun, make_config: MakeConfig, tmp_path: Path, observed: float, told: str
) -> None:
    quick = {"ranking": False, "scan": False, "limit": False, "significance": False}
    result = fit(make_config(write_run(n=1000), inference=quick), tmp_path / "out")
    found = SignificanceResults(0.0, observed, 0.0, 3.21)
    result = replace(result, inference=replace(result.inference, significance=found, failed=("limit",)))
    lines = summary_table(result).splitlines()
    (line,) = [line for line in lines if line.startswith("significance")]
    assert line.split("  ", 1)[1].strip() == f"{told}  (expected: 3.2 σ)"
    assert any(line.split() == ["limit", "failed,", "see", "the", "report", "in", "fit.json"] for line in lines)


def test_a_comparison_tells_its_tables(write_run: WriteRun, make_config: MakeConfig, tmp_path: Path) -> None:
    path = write_run(shifts={"score_n2": 0.08, "score_rs3l": 0.05})
    wanted: dict[str, Any] = {"taggers": ["n2", "rs3l"], "pseudo_data": ["seed"]}
    quick = {"ranking": False, "scan": False, "limit": False, "significance": False}
    found = fit_or_compare(make_config(path, comparison=wanted, inference=quick), tmp_path / "out")
    text = summary_table(found)
    assert text == (tmp_path / "out" / "comparison.md").read_text().rstrip("\n")
    assert {line.split("|")[1].strip() for line in text.splitlines() if "|" in line} >= {"n2", "rs3l"}
    document = summary_document(found)
    assert set(document["taggers"]) == {"n2", "rs3l"}
