"""Tables of scored jets agree with the histograms and find back to their events."""

from __future__ import annotations

import json
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from rs3l_gnn.processors import AnalysisConfig, analyze
from rs3l_gnn.processors.skims import JetTable


def test_skims_hold_each_scored_jet_once(toy_directory: Path, tagger_path: Path, tmp_path: Path) -> None:
    config = AnalysisConfig.model_validate(
        {
            "filesets": toy_directory / "hbb" / "fileset.json",
            "datasets": ["hbb_nominal"],
            "taggers": {"n2": "n2", "rs3l": str(tagger_path)},
            "skims": True,
            "jet": {"model_pt_min": 500},
            "run": {"chunksize": 17},
        }
    )
    report = analyze(config, tmp_path / "out")
    table = ak.from_parquet(tmp_path / "out" / "skims" / "hbb_nominal.parquet")
    assert len(table) == report["jets"] == report["cutflow"]["hbb_nominal"]["jet"]["events"]
    with uproot.open(tmp_path / "out" / "skims" / "hbb_nominal.root") as file:
        friend = file["Scores"].arrays()
    assert friend.fields == table.fields
    for name in table.fields:
        assert np.array_equal(friend[name], table[name])
    with uproot.open(toy_directory / "hbb" / "nominal_0000.root") as file:
        events = file["Events"].arrays(["event", "FatJet_pt", "FatJet_n2b1"])
    for row in table:
        event = events[int(row["event"])]
        assert event["FatJet_pt"][row["jet"]] == row["pt"]
        assert row["in_training_range"] == (row["pt"] >= 500)
        assert row["score_n2"] == np.float32(1 - event["FatJet_n2b1"][row["jet"]] / 0.5)
    assert np.all(np.diff(table.event.to_numpy().astype(np.int64)) > 0)
    assert 0 < ak.sum(table.in_training_range) < len(table)
    assert report["jets_below_training_range"] == ak.sum(~table.in_training_range)
    assert json.loads((tmp_path / "out" / "report.json").read_text())["complete"] is True


def test_tables_merge_in_any_order() -> None:
    def part(events: list[int], jets: list[int]) -> JetTable:
        ones = np.ones(len(events), dtype=np.uint32)
        return JetTable({"run": ones, "luminosityBlock": ones, "event": np.array(events), "jet": np.array(jets)})

    merged = (part([5, 3], [0, 1]) + part([3], [0])).by_event()
    assert merged["event"].tolist() == [3, 3, 5]
    assert merged["jet"].tolist() == [0, 1, 0]
