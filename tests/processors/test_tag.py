"""Scores of files as a table: against the tagger called on the arrays of the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from typer.testing import CliRunner

from rs3l_gnn.cli import app
from rs3l_gnn.cli import tag as _tag  # noqa: F401  # registers the verb
from rs3l_gnn.conventions import (
    KINEMATIC_FEATURES,
    ConfigError,
    InputFileError,
    InvalidDataError,
    OutputError,
    event_hash,
)
from rs3l_gnn.inference import JetTagger
from rs3l_gnn.processors import tag, tag_files


def _direct(path: Path, tagger: JetTagger, candidates: str, links: str, index: str) -> tuple[Any, Any, Any]:
    """Run, event and jet, scores and embeddings of all jets."""
    with uproot.open(path) as file:
        tree = file["Events"]
        names = [
            name
            for name in ("pt", "eta", "phi", "mass", "pdgId", "charge", "d0", "dz")
            if f"{candidates}_{name}" in tree
        ]
        arrays = tree.arrays(
            [
                *("run", "event", f"{links}_jetIdx", f"{links}_{index}"),
                *(f"FatJet_{name}" for name in ("pt", "eta", "phi", "mass", "rawFactor")),
                *(f"{candidates}_{name}" for name in names),
            ]
        )
    jets = ak.zip({name: arrays[f"FatJet_{name}"] for name in ("pt", "eta", "phi", "mass", "rawFactor")})
    particles = ak.zip({name: arrays[f"{candidates}_{name}"] for name in names})
    table = ak.zip({"jetIdx": arrays[f"{links}_jetIdx"], "candIdx": arrays[f"{links}_{index}"]})
    keys = [
        (run, event, number)
        for run, event, counts in zip(arrays.run, arrays.event, ak.num(jets.pt), strict=True)
        for number in range(counts)
    ]
    return keys, ak.flatten(tagger(jets, particles, table)), ak.flatten(tagger.embed(jets, particles, table), axis=1)


@pytest.mark.parametrize("suffix", ["parquet", "root"])
def test_a_file_of_pfnano(
    suffix: str, slim_data: Path, tagger_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, output = slim_data / "cms" / "pfnano.root", tmp_path / f"scores.{suffix}"
    tagger = JetTagger(tagger_path)
    monkeypatch.setattr(tag, "events_that_fit", lambda _: 4)
    report = tag_files([file], tagger, output, embeddings=True)
    keys, score, embedding = _direct(file, tagger, "PFCands", "FatJetPFCands", "pFCandsIdx")
    if suffix == "parquet":
        table = ak.from_parquet(output)
    else:
        with uproot.open(output) as opened:
            table = opened["Scores"].arrays()
    assert list(zip(table.run, table.event, table.jet, strict=True)) == keys
    assert (report["events"], report["jets"]) == (10, len(keys)) == (10, 24)
    assert table.score.to_list() == score.to_list()
    assert np.array_equal(ak.to_numpy(table.embedding), ak.to_numpy(embedding))
    assert table.entry.to_list() == [event for event, n in enumerate(ak.run_lengths(table.event)) for _ in range(n)]
    assert set(table.file) == {0}
    beside = json.loads((tmp_path / f"scores.{suffix}.json").read_text())
    assert beside["tagger"]["digest"] == tagger.digest
    with uproot.open(file) as opened:
        assert beside["provenance"]["inputs"] == {str(file): str(opened.file.uuid)}
    assert report["jets_outside_training_range"] == sum(pt < 450 for pt in table.pt) > 0


def test_nanoaod_through_the_command(
    slim_data: Path, make_tagger: Callable[..., Path], tmp_path: Path, tagger_path: Path
) -> None:
    file, output = slim_data / "cms" / "nano_tt_v15.root", tmp_path / "scores.parquet"
    path = make_tagger(features=KINEMATIC_FEATURES)
    arguments = ["tag", str(file), "--output", str(output), "--pt-min", "200"]
    result = CliRunner().invoke(app, [*arguments, "--tagger", str(path), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    table = ak.from_parquet(output)
    keys, score, _ = _direct(file, JetTagger(path), "PFCand", "FatJetPFCand", "pfCandIdx")
    with uproot.open(file) as opened:
        hard = ak.flatten(opened["Events"]["FatJet_pt"].array()) >= 200
    assert list(zip(table.run, table.event, table.jet, strict=True)) == [
        key for key, one in zip(keys, hard, strict=True) if one
    ]
    assert table.score.to_list() == score[hard].to_list()
    assert f"{len(table)} jets of 200 events in 1 file(s)" in result.output
    again = CliRunner().invoke(app, [*arguments, "--tagger", str(path)])
    assert (again.exit_code, "exists already" in again.stderr) == (2, True)
    with pytest.raises(InvalidDataError, match="needs tanh_d0, tanh_dz, which the format of .*nano_tt_v15.root"):
        tag_files([file], JetTagger(tagger_path), tmp_path / "other.parquet")


def test_whole_numbers_of_16_bits_through_the_command(toy_directory: Path, tagger_path: Path, tmp_path: Path) -> None:
    file, output = toy_directory / "qcd" / "nominal_0000.root", tmp_path / "scores.parquet"
    arguments = ["tag", str(file), "--tagger", str(tagger_path), "--device", "cpu", "--output", str(output)]
    result = CliRunner().invoke(app, [*arguments, "--precision", "int16"])
    assert result.exit_code == 0, result.output
    tag_files([file], JetTagger(tagger_path), tmp_path / "exact.parquet")
    fast, exact = (ak.to_numpy(ak.from_parquet(path).score) for path in (output, tmp_path / "exact.parquet"))
    assert 0 < np.abs(fast - exact).max() < 0.01
    told = json.loads((tmp_path / "scores.parquet.json").read_text())["tagger"]
    assert told["precision"] == "int16"
    assert told["digest"] == JetTagger(tagger_path, precision="int16").digest


def test_several_files_and_formats(toy_directory: Path, slim_data: Path, tagger_path: Path, tmp_path: Path) -> None:
    tagger = JetTagger(tagger_path)
    toys = [toy_directory / name / "nominal_0000.root" for name in ("qcd", "hbb")]
    report = tag_files(toys, tagger, tmp_path / "toys.root")
    with uproot.open(tmp_path / "toys.root") as file:
        table = file["Scores"].arrays()
    counts = []
    for path in toys:
        with uproot.open(path) as file:
            counts.append(int(ak.sum(file["Events"]["nFatJet"].array())))
    assert [sum(table.file == number) for number in (0, 1)] == counts
    assert report["jets"] == sum(counts)
    tag_files([slim_data / "delphes" / "delphes342.root"], tagger, tmp_path / "delphes.parquet")
    delphes = ak.from_parquet(tmp_path / "delphes.parquet")
    assert {"event", "entry", "jet", "score"} <= set(delphes.fields)
    assert len(delphes) > 0


def test_mistakes_leave_nothing(toy_directory: Path, tagger_path: Path, tmp_path: Path) -> None:
    tagger, good = JetTagger(tagger_path), toy_directory / "qcd" / "nominal_0000.root"
    with pytest.raises(ConfigError, match="must be a Parquet or ROOT file; got scores.csv"):
        tag_files([good], tagger, tmp_path / "scores.csv")
    with pytest.raises(ConfigError, match="no files to tag"):
        tag_files([], tagger, tmp_path / "scores.root")
    with pytest.raises(InputFileError, match="cannot read .*none.root"):
        tag_files([tmp_path / "none.root"], tagger, tmp_path / "scores.root")
    with pytest.raises(InputFileError, match="has no tree 'Other'"):
        tag_files([good], tagger, tmp_path / "scores.root", tree="Other")
    (tmp_path / "cut.root").write_bytes(good.read_bytes()[:5000])
    with pytest.raises(InputFileError, match="cut.root"):
        tag_files([good, tmp_path / "cut.root"], tagger, tmp_path / "scores.root")
    assert [path.name for path in tmp_path.iterdir()] == ["cut.root"]
    (tmp_path / "scores.root.json").write_text("{}")
    with pytest.raises(OutputError, match="scores.root.json exists already"):
        tag_files([good], tagger, tmp_path / "scores.root")


def test_networks_of_folds(
    toy_directory: Path, fold_files: Callable[..., list[str]], tagger_path: Path, tmp_path: Path
) -> None:
    """Each jet has the score that the network which left its event out gives it alone, whatever the order of files."""
    file, files = toy_directory / "qcd" / "nominal_0000.root", fold_files(3)
    output = tmp_path / "scores.parquet"
    arguments = ["tag", str(file), "--output", str(output), "--device", "cpu"]
    named = [word for one in files[::-1] for word in ("--tagger", one)]
    result = CliRunner().invoke(app, [*arguments, *named, "--sample", "qcd"])
    assert result.exit_code == 0, result.output
    table = ak.from_parquet(output)
    alone = []
    for number, one in enumerate(files):
        tag_files([file], JetTagger(one), tmp_path / f"{number}.parquet")
        alone.append(ak.from_parquet(tmp_path / f"{number}.parquet").score)
    folds = [int(3 * place) for place in event_hash("qcd", ak.to_numpy(table.event))]
    assert table.score.to_list() == [alone[fold][jet] for jet, fold in enumerate(folds)]
    assert json.loads((tmp_path / "scores.parquet.json").read_text())["sample"] == "qcd"
    for extra, why in ((named, "need the sample of the events"), ([*named, "--kind", "onnx"], "go with one tagger")):
        refused = CliRunner().invoke(app, [*arguments, *extra, "--force"])
        assert (refused.exit_code, why in refused.stderr) == (2, True)
    refused = CliRunner().invoke(app, [*arguments, *named, "--sample", "qcd", "--embeddings", "--force"])
    assert (refused.exit_code, "no embedding in common" in refused.stderr) == (2, True)
    refused = CliRunner().invoke(app, [*arguments, *named, "--tagger", str(tagger_path), "--sample", "qcd", "--force"])
    assert (refused.exit_code, "was not trained on 4 folds" in refused.stderr) == (2, True)
