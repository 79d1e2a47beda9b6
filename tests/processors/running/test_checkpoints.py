"""Interrupted runs go on where they stopped, with the same bits."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.processors import AnalysisConfig, TaggingProcessor, analyze
from rs3l_gnn.processors.running.checkpoints import ChunkCheckpoints, run_key

Read = Callable[[Path], dict[str, Any]]


def _config(filesets: list[Path], checkpoints: Path, *, resume: bool = True, **more: Any) -> AnalysisConfig:
    run = {"chunksize": 25, "checkpoints": checkpoints, "resume": resume}
    return AnalysisConfig.model_validate({"filesets": filesets[:1], "run": run, **more})


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
    store = ChunkCheckpoints(tmp_path, "0" * 64, resume=True)
    metadata = {"dataset": "qcd", "fileuuid": "x", "entrystart": 0, "entrystop": 10}
    store.save({"out": {"qcd": {"events": 10}}}, metadata, None)
    assert store.load(metadata, None) == {"out": {"qcd": {"events": 10}}}
    assert store.load({**metadata, "xsec": 2.0}, None) is None
    assert store.load({**metadata, "fileuuid": "y"}, None) is None
    store.save({"out": {"qcd": {"failures": {"bad"}}}}, {**metadata, "entrystop": 20}, None)
    assert store.load({**metadata, "entrystop": 20}, None) is None
    shutil.rmtree(store.chunks.folder)
    assert store.load(metadata, None) is None
