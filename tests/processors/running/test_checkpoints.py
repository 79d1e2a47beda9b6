"""Interrupted runs go on where they stopped, with the same bits."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
import uproot

from rs3l_gnn.conventions import OutputError
from rs3l_gnn.processors import AnalysisConfig, TaggingProcessor, analyze
from rs3l_gnn.processors.running.checkpoints import RESUMED, ChunkCheckpoints, run_key
from rs3l_gnn.running.checkpoints import ChunkFolder

Read = Callable[[Path], dict[str, Any]]


class Item(NamedTuple):
    """What is asked of coffea's work item."""

    dataset: str = "qcd"
    filename: str = "a.root"
    treename: str = "Events"
    entrystart: int = 0
    entrystop: int = 10
    fileuuid: bytes = bytes(16)
    usermeta: Mapping[str, Any] = MappingProxyType({})


_ITEM = Item()


def _config(
    filesets: list[Path], checkpoints: Path, *, resume: bool = True, jet: dict[str, Any] | None = None, **run: Any
) -> AnalysisConfig:
    run = {"chunksize": 25, "checkpoints": checkpoints, "resume": resume, **run}
    return AnalysisConfig.model_validate({"filesets": filesets[:1], "run": run, "jet": jet or {}})


def test_a_stopped_run_is_resumed(
    toy_filesets: list[Path], tmp_path: Path, written: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "checkpoints"
    analyze(_config(toy_filesets, tmp_path / "others"), tmp_path / "whole")
    process, calls = TaggingProcessor._process, []

    def failing(self: Any, *arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return process(self, *arguments)

    monkeypatch.setattr(TaggingProcessor, "_process", failing)
    with pytest.raises(KeyboardInterrupt):
        analyze(_config(toy_filesets, folder), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert len(list(folder.rglob("*.chunk"))) == 5
    report = analyze(_config(toy_filesets, folder), tmp_path / "out")
    assert len(calls) == 6 + 12 - 5
    assert report["complete"] is True
    assert (report["chunks"], report["chunks_from_checkpoints"]) == (12, 5)
    assert written(tmp_path / "out") == written(tmp_path / "whole")
    analyze(_config(toy_filesets, folder, resume=False), tmp_path / "again")
    assert len(calls) == 6 + 7 + 12


def test_a_damaged_checkpoint_is_made_again(toy_filesets: list[Path], tmp_path: Path, written: Read) -> None:
    config = _config(toy_filesets, tmp_path / "checkpoints")
    analyze(config, tmp_path / "one")
    chunks = sorted((tmp_path / "checkpoints").rglob("*.chunk"))
    chunks[0].write_bytes(b"")
    chunks[1].write_bytes(chunks[1].read_bytes()[:100])
    analyze(config, tmp_path / "two")
    assert written(tmp_path / "one") == written(tmp_path / "two")


def test_another_configuration_network_or_file_has_other_checkpoints(
    toy_filesets: list[Path], toy_directory: Path, tmp_path: Path
) -> None:
    config = _config(toy_filesets, tmp_path).processor
    other = _config(toy_filesets, tmp_path, jet={"pt_min": 500}).processor
    keys = {run_key(config, {"a": "1"}), run_key(other, {"a": "1"}), run_key(config, {"a": "2"})}
    assert len(keys) == 3
    assert run_key(config, {"a": "1"}) in keys
    store = ChunkCheckpoints(ChunkFolder(tmp_path, "0" * 64, resume=True))
    result = {"out": {"qcd": {"events": 10, "scored_jets": 4}}, "metrics": {"bytes_read": 5}}
    store.save(_ITEM, result)
    loaded = store.load(_ITEM)
    assert loaded["metrics"].pop(RESUMED) == {"chunks": 1, "events": 10, "jets": 4}
    assert loaded == result
    assert store.load(_ITEM._replace(usermeta={"xsec": 2.0})) is None
    assert store.load(_ITEM._replace(fileuuid=bytes(range(1, 17)))) is None
    failed = _ITEM._replace(entrystop=20)
    store.save(failed, {"out": {"qcd": {"failures": {"bad"}}}})
    assert store.load(failed) is None
    shutil.rmtree(store.chunks.folder)
    assert store.load(_ITEM) is None


@pytest.mark.parametrize("executor", ["iterative", "futures"])
def test_counts_of_a_resumed_run_are_those_of_one_run(
    executor: str, toy_filesets: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some chunks are there already, by another number of workers; one more is tried twice in one case."""
    folder = tmp_path / "checkpoints"
    analyze(_config(toy_filesets, folder), tmp_path / "before")
    for chunk in sorted(folder.rglob("*.chunk"))[::3]:
        chunk.unlink()
    process, tries = TaggingProcessor._process, []

    def once_more(self: Any, *arguments: Any) -> Any:
        made = process(self, *arguments)
        tries.append(1)
        if len(tries) == 1:
            raise OSError("connection lost")
        return made

    run: dict[str, Any] = {"executor": executor}
    if executor == "iterative":
        monkeypatch.setattr(TaggingProcessor, "_process", once_more)
    else:
        run["workers"] = 2
    report = analyze(_config(toy_filesets, folder, **run), tmp_path / "resumed")
    assert len(tries) == (5 if executor == "iterative" else 0)
    assert report["chunks_from_checkpoints"] == 8
    files = sorted((toy_filesets[0].parent).glob("*_0000.root"))
    assert report["events"] == sum(uproot.open(file)["Events"].num_entries for file in files) == 240
    assert report["bytes_read"] == sum(_bytes(file, report["branches"]) for file in files)
    # Four of twelve chunks of 20 events.
    assert report["events_per_second"] == pytest.approx(80 / report["seconds"]["processing"])
    ratio = report["jets_per_second"] * report["seconds"]["processing"] / report["jets"]
    assert 0 < ratio < 0.5
    again = analyze(_config(toy_filesets, folder, **run), tmp_path / "again")
    assert (again["events_per_second"], again["jets_per_second"]) == (0, 0)
    same = ("events", "jets", "jets_in_files", "chunks", "bytes_read", "branches", "cutflow")
    assert {key: again[key] for key in same} == {key: report[key] for key in same}
    assert again["seconds"]["in_chunks"] == report["seconds"]["in_chunks"]


def _bytes(path: Path, branches: list[str]) -> int:
    """Of all baskets of some branches."""
    total = 0
    with uproot.open(path) as file:
        for name in set(branches) & set(file["Events"].keys()):
            branch = file["Events"][name]
            for basket in range(branch.num_baskets):
                total += branch.basket_compressed_bytes(basket)
    return total


def test_a_checkpoint_that_cannot_be_written_ends_the_run(toy_filesets: list[Path], tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("in its place")
    with pytest.raises(OutputError, match=r"cannot write .*checkpoints/.*\.chunk"):
        analyze(_config(toy_filesets, tmp_path / "checkpoints", resume=False), tmp_path / "out")
    assert not (tmp_path / "out").exists()
