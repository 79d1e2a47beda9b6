"""What verbs say at their end, for people and for machines, against what the files hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import uproot
from typer.testing import CliRunner

from rs3l_gnn.cli import app, load_verbs

load_verbs()


def _jets(path: Path, pt_min: float) -> tuple[int, int]:
    """Events of a file, and jets above a pT in it."""
    with uproot.open(path) as file:
        pt = file["Events"]["FatJet_pt"].array()
    return len(pt), sum(int(np.sum(np.asarray(row) > pt_min)) for row in pt)


def _run(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("as_json", [False, True])
def test_tag(toy_directory: Path, tagger_path: Path, tmp_path: Path, as_json: bool) -> None:
    path = toy_directory / "hbb" / "nominal_0000.root"
    out = tmp_path / "scores.parquet"
    events, jets = _jets(path, 0.0)
    text = _run("tag", path, "--tagger", tagger_path, "-o", out, *(["--json"] if as_json else []))
    if as_json:
        told = json.loads(text)
        assert (told["output"], told["events"], told["jets"]) == (str(out), events, jets)
    else:
        assert text.startswith(f"{jets} jets of {events} events in 1 file(s); ")
        assert text.endswith(f"wrote {out}\n")


def test_analyze(toy_directory: Path, tmp_path: Path) -> None:
    path = toy_directory / "hbb" / "nominal_0000.root"
    (tmp_path / "fileset.json").write_text(json.dumps({"hbb": {"files": {str(path): "Events"}}}))
    options = ["--set", f"filesets={tmp_path / 'fileset.json'}", "--set", "jet={choice: all, pt_min: 450, eta_max: 5}"]
    told: dict[str, Any] = json.loads(_run("analyze", *options, "-o", tmp_path / "one", "--json"))
    events, jets = _jets(path, 450.0)
    assert (told["events"], told["jets"], told["complete"]) == (events, jets, True)
    text = _run("analyze", *options, "-o", tmp_path / "two")
    assert text.startswith(f"{jets} jets of {events} events in 1 files and 1 chunks; ")


def test_simulate(tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--process", "hbb", "--events", 6, "--variations", "nominal,seed", "--workers", 1]
    told: dict[str, Any] = json.loads(_run("simulate", *options, "-o", out, "--json"))
    assert (told["output"], told["hard_events"], told["showers"]) == (str(out), 6, 12)
    sample = told["samples"]["hbb"]
    fileset = json.loads(Path(sample["fileset"]).read_text())
    for variation, count in sample["jets"].items():
        entry = fileset[f"hbb_{variation}"]
        assert sample["merged_xsec_pb"][variation] == entry["metadata"]["xsec"]
        paths = [out / "hbb" / name for name in entry["files"]]
        counted = [_jets(path, 0.0) for path in paths]
        assert (sum(events for events, _ in counted), sum(jets for _, jets in counted)) == (6, count)
    assert set(sample["jets"]) == {"nominal", "seed"}
    written = json.loads((out / "hbb" / "simulation.json").read_text())
    assert {name: value for name, value in sample.items() if written[name] != value} == {"fileset": sample["fileset"]}


def test_pair(toy_directory: Path, tmp_path: Path) -> None:
    out = tmp_path / "views.h5"
    told: dict[str, Any] = json.loads(_run("pair", "-i", toy_directory, "-o", out, "--json"))
    assert told.pop("output") == str(out)
    assert told == {
        key: value for key, value in json.loads(out.with_suffix(".report.json").read_text()).items() if key in told
    }
    with h5py.File(out) as file:
        samples, events = file["jets/sample"][:], file["jets/event"][:]
        names = json.loads(file.attrs["samples"])
    assert told["views"] == len(samples)
    for number, name in enumerate(names):
        assert told["samples"][name]["matched"] == len(set(events[samples == number]))
