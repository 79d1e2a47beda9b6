"""JSON documents of every verb; where a verb is quick enough, the document is one that it wrote."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import InputFileError, provenance
from rs3l_gnn.data import PairConfig, pair
from rs3l_gnn.workflows.inspection import describe, render


def look(folder: Path, document: Any) -> dict[str, Any]:
    (folder / "a.json").write_text(json.dumps(document))
    found = describe(folder / "a.json")
    assert render(found).count("\n") >= len(found) - 1  # every key has its line
    return found


def test_simulation(tmp_path: Path) -> None:
    found = look(
        tmp_path,
        {
            "format": "rs3l-simulation-summary",
            "version": 1,
            "sample": "hbb",
            "process": "hbb",
            "hard_events": 200,
            "failed_events": [4, 17],
            "sumw": 198.0,
            "xsec_pb": 2.6e-4,
            "matched": {"nominal": 110, "seed": 104, "all": 80, "any": 80},
            "match_efficiency": 0.4,
            "jets": {"nominal": 140, "seed": 133},
            "showers_per_second": {"nominal": 81.23456, "seed": 101.0},
            "config": {"start": "shower"},
            "provenance": provenance(seeds={"run": 3}),
        },
    )
    assert found["kind"] == "summary of rs3l simulate"
    assert (found["hard events"], found["rejected by the generator"]) == (200, 2)
    assert found["match efficiency"] == 0.4
    assert found["efficiency by variation"] == {"nominal": 0.55, "seed": 0.52, "all": 0.4}
    assert found["showers per second and process"]["nominal"] == 81.23
    assert found["views share"] == "showered partons"
    assert found["seeds"] == {"run": 3}


def test_pairing(toy_directory: Path, tmp_path: Path) -> None:
    report = pair(PairConfig(directories=(toy_directory,)), tmp_path / "views.h5")
    found = describe(tmp_path / "views.report.json")
    assert found["kind"] == "report of rs3l pair"
    assert found["matched"] == report.matched
    assert found["samples"]["qcd"]["matched with"] == report.samples["qcd"].matched_with
    assert found["samples"]["qcd"]["efficiency by variation"]["seed"] == pytest.approx(
        report.samples["qcd"].match_efficiencies["seed"], rel=1e-3
    )
    assert found["input files"] == 8


def test_fetched_files_are_summed_again(tmp_path: Path) -> None:
    contents = {"good.h5": b"abc", "short.h5": b"ab", "other.h5": b"abd"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    md5 = hashlib.md5(b"abc", usedforsecurity=False).hexdigest()
    files = [{"name": name, "size": 3, "md5": md5, "url": ""} for name in (*contents, "gone.h5")]
    found = look(tmp_path, {"format": "rs3l-fetch", "version": 1, "record": 10633815, "files": files})
    assert found["record"] == 10633815
    assert [text.partition(", ")[2] for text in found["files"].values()] == [
        "MD5 agrees",
        "has 2 bytes instead of 3",
        "another MD5 than the record's",
        "not here",
    ]


def test_documents_of_other_tools(tmp_path: Path) -> None:
    workspace = {"channels": [{"name": "SR", "samples": [{"name": "b"}]}], "measurements": [], "observations": []}
    assert look(tmp_path, workspace)["samples"] == ["b"]
    fileset = {
        "qcd_nominal": {"files": {"a.root": "Events", "b.root": "Events"}, "metadata": {"xsec": 0.421439}},
        "qcd_seed": {"files": {"c.root": "Events"}, "metadata": {"resimulated_of": "qcd_nominal", "variation": "seed"}},
    }
    assert look(tmp_path, fileset)["datasets"] == {
        "qcd_nominal": "2 files, 0.4214 pb",
        "qcd_seed": "1 files, seed of qcd_nominal",
    }
    found = look(tmp_path, {"events": 400, "nested": {"a": 1}})
    assert (found["kind"], found["keys"], found["values"]) == ("JSON document", ["events", "nested"], {"events": 400})
    assert look(tmp_path, [1, 2])["entries"] == 2
    assert look(tmp_path, provenance(seeds={"run": 1}))["kind"] == "provenance"
    exported = {
        "kind": "tagger",
        "features": [{"name": "log_pt", "unit": ""}],
        "digest": "abc",
        "tolerance": 1e-5,
        "files": {"model.onnx": {"format": "onnx", "max_difference": 5.07e-07}},
    }
    assert look(tmp_path, exported)["files"] == {"model.onnx": "onnx, differs from the model by 5.1e-07 at most"}


@pytest.mark.parametrize(
    "document",
    [
        {"format": "rs3l-metrics", "version": 1},
        {"format": "rs3l-fit", "mu": "a"},
        {"format": "rs3l-fetch", "files": 3, "record": 1},
        {"format": "rs3l-simulation-summary", "hard_events": 3, "failed_events": None},
    ],
)
def test_a_document_that_lacks_something_is_named(tmp_path: Path, document: Any) -> None:
    with pytest.raises(InputFileError, match="a.json is a damaged document: "):
        look(tmp_path, document)


def test_broken_json(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"format": "rs3l-fit"')
    with pytest.raises(InputFileError, match="a.json is not valid JSON"):
        describe(tmp_path / "a.json")
    (tmp_path / "a.txt").write_text('{"format": "rs3l-fit"')
    with pytest.raises(InputFileError, match="a.txt is of no known format"):
        describe(tmp_path / "a.txt")
