"""Tables on disk: the same numbers as in memory, in the order of the files, and memory that stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from coffea.processor.executor import WorkItem

from rs3l_gnn.benchmarks.analysis import paired_memory
from rs3l_gnn.conventions import InvalidDataError, MissingBranchError, OutputError
from rs3l_gnn.processors.running import stored_tables
from rs3l_gnn.processors.running.paired import PairTable, joint_weights
from rs3l_gnn.processors.running.stored_tables import StoredTables, scratch_folder
from rs3l_gnn.processors.skims import JetTable, write_skims

N_BINS = 5


def _items(*datasets: str, chunks: int = 4) -> list[Any]:
    return [
        WorkItem(name, f"{name}.root", "Events", 10 * chunk, 10 * chunk + 10, b"")
        for name in datasets
        for chunk in range(chunks)
    ]


def _pairs(rng: np.random.Generator, event: Any) -> PairTable:
    n = len(event)
    bins = rng.integers(0, N_BINS, (n, 2)).astype(np.int32)
    return PairTable(["a", "b"], event.astype(np.uint64), rng.integers(0, 2, n).astype(np.int8), rng.random(n), bins)


def test_pairs_on_disk_give_the_covariance_of_those_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_tables, "_ROWS_IN_MEMORY", 300)
    rng = np.random.default_rng(5)
    items = _items("nominal", "varied")
    tables = StoredTables(tmp_path, items, skip_bad_files=False)
    whole: dict[str, PairTable] = {}
    for item in reversed(items):
        event = rng.permutation(100) + 100 * (item.entrystart // 10)
        table = _pairs(rng, event[: 100 if item.dataset == "nominal" else 70])
        whole[item.dataset] = whole[item.dataset] + table if item.dataset in whole else table
        part = {"pairs": table, "events": 1}
        tables({"processed": {item}, "out": {item.dataset: part}})
        assert list(part) == ["events"]
    assert len(list(tmp_path.iterdir())) > 64  # both were written
    stored = joint_weights(tables.pairs["nominal"], tables.pairs["varied"], n_channels=2, n_bins=N_BINS)
    direct = joint_weights(whole["nominal"], whole["varied"], n_channels=2, n_bins=N_BINS)
    assert stored.shape == (2, 2, N_BINS, N_BINS)
    np.testing.assert_allclose(stored, direct, rtol=1e-12)
    assert direct.sum() > 10


def test_a_repeated_event_is_found_on_disk_too(tmp_path: Path) -> None:
    items = _items("nominal", "varied", chunks=2)
    tables = StoredTables(tmp_path, items, skip_bad_files=False)
    for item in items:
        table = _pairs(np.random.default_rng(0), np.array([7, 8]))
        tables({"processed": {item}, "out": {item.dataset: {"pairs": table}}})
    with pytest.raises(InvalidDataError, match="occurs twice in one data set"):
        joint_weights(tables.pairs["nominal"], tables.pairs["varied"], n_channels=2, n_bins=N_BINS)


def test_jets_come_back_in_the_order_of_the_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_tables, "_JETS_AT_ONCE", 5)
    items = _items("qcd", "empty")
    tables = StoredTables(tmp_path, items, skip_bad_files=False)
    for item in (items[2], items[0], items[5], items[3], items[1], items[4], items[6], items[7]):
        n = 3 if item.dataset == "qcd" else 0
        event = (item.entrystart + np.array([4, 2, 3])[:n]).astype(np.uint64)
        ones = np.ones(n, dtype=np.uint32)
        table = JetTable({"run": ones, "luminosityBlock": ones, "event": event, "jet": np.arange(n, dtype=np.int32)})
        tables({"processed": {item}, "out": {item.dataset: {"skim": table}}})
    write_skims(tmp_path / "skims", tables.jets)
    expected = [start + k for start in (0, 10, 20, 30) for k in (4, 2, 3)]
    assert ak.from_parquet(tmp_path / "skims" / "qcd.parquet").event.to_list() == expected
    with uproot.open(tmp_path / "skims" / "qcd.root") as file:
        assert file["Scores"]["event"].array().to_list() == expected
    assert len(ak.from_parquet(tmp_path / "skims" / "empty.parquet")) == 0
    with uproot.open(tmp_path / "skims" / "empty.root") as file:
        assert file["Scores"].num_entries == 0
        assert file["Scores"].keys() == ["run", "luminosityBlock", "event", "jet"]


def test_a_failed_chunk_stops_or_is_passed_on(tmp_path: Path) -> None:
    (item,) = _items("qcd", chunks=1)
    failure = ("qcd.root", "qcd.root, events 0 to 10", "MissingBranchError", "no pt")
    result = {"processed": {item}, "out": {"qcd": {"failures": {failure}}}}
    with pytest.raises(MissingBranchError, match=r"qcd\.root, events 0 to 10: no pt"):
        StoredTables(tmp_path, [item], skip_bad_files=False)(result)
    StoredTables(tmp_path, [item], skip_bad_files=True)(result)


def test_nothing_stays_beside_the_output(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "new" / "out") as folder:
        (folder / "a").touch()
        assert folder.parent == tmp_path / "new"
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write beside"), scratch_folder(tmp_path / "file" / "out"):
        pass


@pytest.mark.slow
def test_memory_does_not_follow_the_number_of_pairs() -> None:
    peaks = paired_memory(sizes=(300_000, 3_000_000))["peak_memory_mb"]
    # In memory the larger table would take 120 MB more, and as much again while it is matched.
    assert peaks["3000000"] < peaks["300000"] + 30
