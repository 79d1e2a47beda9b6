"""Columns that come straight from the lent tree are those that coffea makes by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from coffea.nanoevents import BaseSchema, NanoEventsFactory

from rs3l_gnn.processors import JetSchema
from rs3l_gnn.processors.running.chunk_columns import ChunkColumns, note_columns
from rs3l_gnn.processors.running.lent_tree import LentTree

_BASKETS = (50, 70)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("columns") / "a.root"
    rng = np.random.default_rng(1)
    jets = ak.types.from_datashape("var * {pt: float32, id: int32, good: bool}", highlevel=False)
    with uproot.recreate(path) as file:
        file.mktree(
            "Events",
            {
                "run": np.uint32,
                "luminosityBlock": np.uint32,
                "event": np.uint64,
                "twice": np.dtype("2f8"),
                "Jet": jets,
                "list": "var * float64",
            },
        )
        for n in _BASKETS:
            counts = rng.integers(0, 5, n)
            total = int(counts.sum())
            jet = {"pt": rng.normal(size=total), "id": np.arange(total), "good": rng.random(total) < 0.5}
            types = (np.float32, np.int32, np.bool_)
            file["Events"].extend(
                {
                    **dict.fromkeys(("run", "luminosityBlock"), np.ones(n, np.uint32)),
                    "event": rng.integers(0, 2**60, n).astype(np.uint64),
                    "twice": rng.normal(size=(n, 2)),
                    "Jet": ak.zip(
                        {
                            name: ak.unflatten(values.astype(kind), counts)
                            for kind, (name, values) in zip(types, jet.items(), strict=True)
                        }
                    ),
                    "list": ak.unflatten(rng.normal(size=total), counts),
                }
            )
    return path


@pytest.fixture
def file(path: Path) -> Iterator[Any]:
    with uproot.open({str(path): None}, array_cache=None) as file:
        yield file


def _events(file: Any, schema: Any, entries: tuple[int, int], columns: ChunkColumns | None) -> tuple[Any, list[Any]]:
    log: list[Any] = []
    factory = NanoEventsFactory.from_root(
        file,
        treepath="Events",
        schemaclass=schema,
        mode="virtual",
        entry_start=entries[0],
        entry_stop=entries[1],
        buffer_cache=columns,
        access_log=log,
    )
    return factory.events(), log


@pytest.mark.parametrize("schema", [JetSchema, BaseSchema])
@pytest.mark.parametrize("entries", [(0, 120), (0, 50), (10, 20), (40, 90), (120, 120)])
def test_columns_are_those_of_coffea(file: Any, schema: Any, entries: tuple[int, int]) -> None:
    expected, expected_log = _events(file, schema, entries, None)
    tree = LentTree(file["Events"])
    events, log = _events(file, schema, entries, ChunkColumns(lambda: tree))
    for _ in range(2):
        assert events.to_list() == expected.to_list()
        assert str(ak.type(events)) == str(ak.type(expected))
    note_columns(events)
    note_columns(events)  # once is enough
    assert sorted(log) == sorted(set(expected_log))


def test_only_what_is_asked_for_is_read(file: Any) -> None:
    tree = LentTree(file["Events"])
    columns = ChunkColumns(lambda: tree)
    events, log = _events(file, JetSchema, (0, 50), columns)
    assert len(columns) == 0
    ak.sum(events.Jet.pt)
    note_columns(events)
    assert {one.branch for one in log} == {"nJet", "Jet_pt"}
    assert len(columns) == 2
    assert [values.dtype for values in columns.values()] == [np.int64, np.float32]


def test_columns_of_other_trees_are_left_to_coffea(file: Any, tmp_path: Path) -> None:
    events, log = _events(file, JetSchema, (0, 50), ChunkColumns(lambda: None))
    note_columns(events)
    assert events.event.to_list() == file["Events"]["event"].array(entry_stop=50).to_list()
    with uproot.recreate(tmp_path / "b.root") as other:
        # Other numbers under the same name.
        other.mktree("Events", {"event": "float64"}).extend({"event": np.zeros(200)})
    with uproot.open(tmp_path / "b.root") as other:
        tree = LentTree(other["Events"])
        events, _ = _events(file, JetSchema, (0, 50), ChunkColumns(lambda: tree))
        assert events.event.to_list() == file["Events"]["event"].array(entry_stop=50).to_list()
    assert [one.branch for one in log] == ["event"]
