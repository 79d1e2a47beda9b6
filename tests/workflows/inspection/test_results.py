"""Documents with results, in the shape in which the verbs write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.workflows.inspection import describe


def look(folder: Path, document: Any) -> dict[str, Any]:
    (folder / "a.json").write_text(json.dumps(document))
    return describe(folder / "a.json")


def test_metrics(tmp_path: Path) -> None:
    found = look(
        tmp_path,
        {
            "format": "rs3l-metrics",
            "version": 1,
            "events": {"qcd": 674, "higgs": 655},
            "tagging": {"n2": {"auc": 0.70924, "auc_error": 0.01324, "rejection": {"50": {"value": 5.570247}}}},
            "robustness": {"n2": {"qcd": {"seed": {"wasserstein": 0.0085004, "wasserstein_error": 0.0045994}}}},
        },
    )
    assert found["tagging"] == {"n2": {"AUC": "0.7092 ± 0.013", "1/FPR at 50 %": 5.57}}
    assert found["Wasserstein distance of the score to nominal"] == {"n2, qcd": {"seed": "0.0085 ± 0.0046"}}
    assert "responses" not in found


def test_responses_and_plans(tmp_path: Path) -> None:
    cells = {"80": {"response": 0.0521, "response_error": 0.0071}, "90": {"response": None, "response_error": None}}
    document = {"format": "rs3l-metrics", "version": 3, "events": {}, "tagging": {}, "robustness": {}}
    found = look(tmp_path, {**document, "responses": {"rs3l": {"higgs": {"fsr x2": cells}}}})
    assert found["responses"]["rs3l, higgs"]["fsr x2 at 80 %"] == "0.0521 ± 0.0071"
    row = {
        "which": "higgs",
        "words": "FSR μ × 2",
        "efficiency": "80",
        "tagger": "rs3l",
        "needed": {"3": 8123, "5": None},
    }
    found = look(tmp_path, {"format": "rs3l-plan", "reference": "supervised", "significance": 3.0, "rows": [row]})
    assert found["events needed, by trainings"] == {"higgs, FSR μ × 2 at 80 %, rs3l": {"3": 8123, "5": None}}


def test_histograms(tmp_path: Path) -> None:
    axes = [
        {"type": "category_str", "categories": ["hbb", "qcd"], "metadata": {"name": "dataset"}},
        {"type": "regular", "bins": 200, "metadata": {"name": "score"}},
        {"type": "variable", "edges": [0, 1, 5], "metadata": {"name": "pt"}},
    ]
    found = look(
        tmp_path,
        {
            "format": "rs3l-histograms",
            "version": 1,
            "complete": True,
            "histograms": {"score_n2": {"axes": axes}},
            "datasets": {"hbb": {"process": "hbb", "xsec": 1.0, "sumw": 2.0, "events": 2, "filesets": {}}},
            "variations": {"nominal": {}, "seed": {}},
        },
    )
    assert found["histograms"] == {"score_n2": "dataset (2) x score (200 bins) x pt (2 bins)"}
    assert found["datasets"]["hbb"] == {"process": "hbb", "xsec": 1.0, "sumw": 2.0, "events": 2}
    assert found["variations"] == ["nominal", "seed"]


def test_analysis(tmp_path: Path) -> None:
    counts = {"events": {"events": 4000, "weights": 4000.0}, "jet": {"events": 806, "weights": 806.0}}
    found = look(
        tmp_path,
        {
            "complete": False,
            "executor": "dask",
            "workers": 2,
            "events": 4000,
            "jets": 806,
            "files": 2,
            "chunks": 2,
            "chunks_left_out": 1,
            "jets_per_second": 1065.71,
            "seconds": {"total": 16.1513},
            "skipped_files": ["x.root"],
            "failed_chunks": [],
            "branches": ["a", "b"],
            "cutflow": {"hbb_nominal": counts},
        },
    )
    assert found["kind"] == "report of rs3l analyze"
    assert (found["complete"], found["executor"], found["jets per second"]) == (False, "dask, 2 workers", 1066.0)
    assert found["events left"] == {"hbb_nominal": "806 in 'jet'"}


def test_fit_and_comparison(tmp_path: Path) -> None:
    document: dict[str, Any] = {
        "format": "rs3l-fit",
        "histogram": "score_rs3l",
        "data": {"kind": "asimov"},
        "poi": "mu",
        "mu": 1.0,
        "mu_error": 0.19092,
        "mu_errors": {"statistical": 0.026941},
        "goodness_of_fit": 1.0,
        "channels": {"signal": {"edges": [0.0, 0.5, 1.0]}},
        "parameters": {
            "fsr": {"pull": 0.1, "constraint": 0.933},
            "mu": {"pull": None, "constraint": None},
            "staterror_signal[0]": {"pull": 0.0, "constraint": 0.9},
        },
    }
    found = look(tmp_path, document)
    assert (found["mu"], found["bins"], found["pulls"]) == (
        "1 ± 0.19",
        {"signal": 2},
        {"fsr": "+0.10, constraint 0.93"},
    )
    assert not {"significance", "limit at 95 %"} & set(found)
    document["limit"] = {"confidence_level": 0.95, "observed": 1.35041, "expected": [0.1, 0.2, 0.34457, 0.4, 0.6]}
    document["significance"] = {"observed": 6.42032}
    document["ranking"] = [{"name": "fsr"}]
    found = look(tmp_path, document)
    assert (found["limit at 95 %"], found["significance"]) == ("1.35, expected 0.3446", 6.42)
    assert found["largest impacts"] == ["fsr"]

    tagger = {"mu": 1.0, "mu_error": 0.2, "bias": {"altHad": 0.05}, "bias_error": {"altHad": 0.3}}
    found = look(tmp_path, {"format": "rs3l-fit-comparison", "taggers": {"n2": tagger}})
    assert found["taggers"] == {"n2": "mu 1.0, error 0.2; bias from altHad 0.05 ± 0.3"}


def test_demo(tmp_path: Path) -> None:
    parts: dict[str, Any] = {
        name: {} for name in ("simulation", "pretraining", "tagging", "robustness", "analysis", "fit")
    }
    found = look(tmp_path, {**parts, "simulation": {"matched_jets": 4593}, "seconds_total": 482.254})
    assert list(found)[2:] == ["kind", *parts, "seconds"]
    assert found["simulation"] == {"matched_jets": 4593}
    assert found["seconds"] == pytest.approx(482.3)
