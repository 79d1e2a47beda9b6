"""The events of a chunk are those that coffea makes by itself, and described once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import pytest
import uproot
from coffea.nanoevents import NanoEventsFactory
from coffea.processor.executor import WorkItem

from rs3l_gnn.processors import JetSchema
from rs3l_gnn.processors.running import chunk_events as module
from rs3l_gnn.processors.running.chunk_columns import note_columns
from rs3l_gnn.processors.running.chunk_events import chunk_events
from rs3l_gnn.processors.running.open_files import close_file, keep_open


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_file()


def _item(path: Path, start: int, stop: int, tree: str = "Events") -> WorkItem:
    return WorkItem("x", str(path), tree, start, stop, bytes(16), {})


def _by_coffea(
    path: Path, entries: tuple[int, int], metadata: dict[str, Any], tree: str = "Events", columns: str | None = None
) -> ak.Array:
    with uproot.open(path) as file:
        factory = NanoEventsFactory.from_root(
            file,
            treepath=tree,
            schemaclass=JetSchema,
            metadata=metadata,
            mode="virtual",
            entry_start=entries[0],
            entry_stop=entries[1],
        )
        return ak.materialize(factory.events()[columns or ...])


def _here(item: WorkItem, metadata: dict[str, Any]) -> tuple[ak.Array, list[Any]]:
    return chunk_events(keep_open(item, timeout=5), item, metadata)


def _files(toy_directory: Path) -> list[Path]:
    return [toy_directory / "qcd" / f"{name}_0000.root" for name in ("nominal", "seed", "fsrRenHi")]


@pytest.mark.parametrize("usable", [True, False])
def test_events_are_those_of_coffea(toy_directory: Path, *, usable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several chunks, files with the same branches, and one with others."""
    monkeypatch.setattr(module, "_usable", usable)
    for number, path in enumerate(_files(toy_directory)):
        for entries in ((0, 25), (25, 60), (60, 60)):
            metadata = {"dataset": "x", "number": number, **({"only": 1} if number == 1 else {})}
            events, log = _here(_item(path, *entries), metadata)
            expected = _by_coffea(path, entries, dict(metadata))
            assert len(log) == 0
            assert events.to_list() == expected.to_list()
            assert str(events.type) == str(expected.type)
            assert events.metadata == expected.metadata
            note_columns(events)
            assert {one.branch for one in log} >= {"event", "nFatJet", "FatJet_pt"}


def test_other_schemas_and_trees(slim_nano: Path, slim_data: Path, tmp_path: Path) -> None:
    delphes = slim_data / "delphes" / "delphes342.root"
    with uproot.recreate(tmp_path / "ntuple.root") as file:
        file.mkrntuple("Events", {"a": "float64", "b": "var * int64"}).extend(
            {"a": [1.5, 2.5], "b": ak.Array([[1], [2, 3]])}
        )
    cases = [(slim_nano, "Events", "FatJet"), (delphes, "Delphes", "Jet"), (tmp_path / "ntuple.root", "Events", "b")]
    for path, tree, collection in cases:
        for start in (0, 1):
            events, _ = _here(_item(path, start, 2, tree), {"a": 1})
            expected = _by_coffea(path, (start, 2), {"a": 1}, tree, collection)
            assert events[collection].to_list() == expected.to_list()
            assert str(events[collection].type) == str(expected.type)


def test_branches_are_described_once(toy_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    init = JetSchema.__init__

    def counted(self: Any, *arguments: Any, **settings: Any) -> None:
        made.append(1)
        init(self, *arguments, **settings)

    keep_open(_item(_files(toy_directory)[1], 0, 20), timeout=5).shared.clear()
    monkeypatch.setattr(JetSchema, "__init__", counted)
    for path in _files(toy_directory)[1:]:
        for entries in ((0, 20), (20, 60)):
            events, _ = _here(_item(path, *entries), {"path": str(path)})
            assert len(events) == entries[1] - entries[0]
            assert events.metadata["path"] == str(path)
    assert len(made) == 1


def test_other_names_in_coffea_cost_time_alone(
    toy_directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_usable", True)

    def renamed(*arguments: Any) -> Any:
        raise AttributeError("_extract_base_form")

    monkeypatch.setattr(module, "_factory", renamed)
    path = _files(toy_directory)[0]
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            events, _ = _here(_item(path, 5, 30), {})
            assert events.event.to_list() == _by_coffea(path, (5, 30), {}).event.to_list()
    (record,) = caplog.records
    assert record.message.startswith("coffea has other names than the ones known here (AttributeError(")


@pytest.mark.parametrize("usable", [True, False])
def test_a_damaged_description_is_a_read_error(
    toy_directory: Path, *, usable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_usable", usable)

    def damaged(*arguments: Any) -> None:
        raise AttributeError("'NoneType' object has no attribute 'member'")

    item = _item(_files(toy_directory)[0], 0, 20)
    keep_open(item, timeout=5).shared.clear()
    monkeypatch.setattr(JetSchema, "__init__", damaged)
    with pytest.raises(OSError, match="cannot describe its branches: AttributeError.*no attribute 'member'"):
        _here(item, {})
    assert module._usable is usable  # it is not the names of coffea
