"""The page "From your NanoAOD to your own tagger" runs as it stands, on two files of CMS, and does what it says."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from typer.testing import CliRunner

from rs3l_gnn.cli import app, load_verbs
from rs3l_gnn.conventions import JetType, SplitFractions, event_hash
from rs3l_gnn.data import read_views
from rs3l_gnn.inference import JetTagger
from rs3l_gnn.processors import tag_files

PAGE = Path(__file__).parents[1] / "docs" / "tutorials" / "nanoaod.md"
TOP = ("TOP_BQQ", "TOP_BQ", "TOP_QQ", "W_CS", "W_UD")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # few events, of which much is warned


def _run(text: str, scope: dict[str, Any]) -> None:
    for language, body in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        named = re.match(r"# (\w+\.yaml)\n", body)
        if language == "yaml" and named:
            Path(named[1]).write_text(body)
        elif language == "python":
            exec(compile(body, PAGE.name, "exec"), scope)  # noqa: S102  # the text of our own page
        elif language == "bash":
            for line in body.splitlines():
                done = CliRunner().invoke(app, [*shlex.split(line)[1:], "--debug"])
                assert done.exit_code == 0, f"{line}: {done.output}"


@pytest.fixture(scope="module")
def work(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the page leaves."""
    load_verbs()
    folder = tmp_path_factory.mktemp("page")
    for name in ("nano_tt_v15.root", "pfnano.root"):
        (folder / name).symlink_to(shared_data / "cms" / name)
    before = Path.cwd()
    os.chdir(folder)
    try:
        _run(PAGE.read_text(encoding="utf-8"), {})
    finally:
        os.chdir(before)
    return folder


def test_pairing_finds_every_event(work: Path) -> None:
    for name, file, events in (("tt", "views", 200), ("pf", "pf", 10)):
        report = json.loads((work / f"{file}.report.json").read_text())["samples"][name]
        assert report["found"] == {"smeared": events}
        assert report["partons"]["smeared"]["disagree"] == 0
        assert report["pairs"] + sum(report["without_partner"]["smeared"].values()) == report["jets"]


def test_the_table_beside_the_experiments_network(work: Path) -> None:
    """The area of the stored score, jet by jet, from the scores in the file of CMS."""
    metrics = json.loads((work / "evaluation" / "metrics.json").read_text())
    views = read_views(work / "views.h5")
    jets = views.first[:-1]
    jets = jets[(event_hash("tt", views.event[jets]) * 3).astype(int) == 0]
    assert views.split(SplitFractions(folds=3))[jets].tolist() == [2] * len(jets)
    with uproot.open(work / "tt.root") as file:
        names = ["pt", "globalParT3_TopbWqq", "globalParT3_QCD"]
        stored = file["Events"].arrays(["event", *(f"FatJet_{name}" for name in names)])
    scores = []
    for jet in jets:
        row = stored[int(np.flatnonzero(np.asarray(stored.event) == views.event[jet])[0])]
        place = int(ak.argmin(abs(row.FatJet_pt - views.pt[jet])))
        top, qcd = float(row.FatJet_globalParT3_TopbWqq[place]), float(row.FatJet_globalParT3_QCD[place])
        scores.append(max(top / (top + qcd), 0.0) if top + qcd != 0 else 0.0)
    is_top = np.isin(views.jettype[jets], [int(JetType[name]) for name in TOP])
    pairs = [(s > b) + 0.5 * (s == b) for s in np.array(scores)[is_top] for b in np.array(scores)[~is_top]]
    assert len(pairs) > 20
    assert metrics["tagging"]["globalParT"]["auc"] == pytest.approx(np.mean(pairs), abs=1e-6)
    assert list(metrics["tagging"]) == ["n2", "mine", "globalParT"]
    table = PAGE.read_text(encoding="utf-8")
    assert f"globalParT  {metrics['tagging']['globalParT']['auc']:.3f}" in table


def test_each_event_is_scored_out_of_fold_and_fitted(work: Path, tmp_path: Path) -> None:
    document = json.loads((work / "analysis" / "histograms.json").read_text())
    assert set(document["models"]) == {"mine", "tau32"}
    assert "seen_in_training" not in document["provenance"]
    tables = []
    for fold in range(3):
        tag_files(
            [work / "tt.root"], JetTagger(work / f"fold{fold}" / "tagger.safetensors"), tmp_path / f"{fold}.parquet"
        )
        tables.append(ak.from_parquet(tmp_path / f"{fold}.parquet"))
    best = [max((p, i) for i, p in enumerate(e) if p > 170) if any(p > 170 for p in e) else None for e in _pt(work)]
    counted = np.zeros(20)
    for entry, found in enumerate(best):
        if found is None:
            continue
        (row,) = np.flatnonzero((np.asarray(tables[0].entry) == entry) & (np.asarray(tables[0].jet) == found[1]))
        fold = int(event_hash("tt", [tables[0].event[row]])[0] * 3)
        counted[min(int(tables[fold].score[row] * 20), 19)] += 1
    with uproot.open(work / "analysis" / "histograms.root") as file:
        filled = file["score_mine/all/tt/nominal"].values()
    assert filled / filled.sum() == pytest.approx(counted / counted.sum(), abs=1e-6)
    for name in ("fit", "fit_tau32"):
        assert json.loads((work / name / "fit.json").read_text())


def _pt(work: Path) -> list[list[float]]:
    """Momenta of the jets within |eta| < 2.4, 0 for others [event][jet]."""
    with uproot.open(work / "tt.root") as file:
        jets = file["Events"].arrays(["FatJet_pt", "FatJet_eta"])
    found: list[list[float]] = ak.where(abs(jets.FatJet_eta) < 2.4, jets.FatJet_pt, 0).to_list()
    return found
