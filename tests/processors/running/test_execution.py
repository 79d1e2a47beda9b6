"""Results are added up, and chunks that cannot be read are results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.inference import JetTagger
from rs3l_gnn.inference.cache import cached_tagger_count
from rs3l_gnn.processors import AnalysisConfig, TaggingProcessor, analyze
from rs3l_gnn.processors.running.execution import AddingUp, ReadFailuresAsResults, warm_up
from rs3l_gnn.running.executors.iterative import Iterative


class Item:
    """What an executor needs of a chunk."""

    def __init__(self, number: int) -> None:
        self.dataset, self.filename, self.entrystart, self.entrystop = "d", f"{number}.root", number, number + 1


def _square(item: Item) -> dict[str, Any]:
    return {"out": {"sum": item.entrystart**2}}


def _broken(item: Item) -> dict[str, Any]:
    raise Exception(f"Failed processing file: {item!r}") from OSError("disk on fire")  # noqa: TRY002 - as coffea does


def test_results_are_added_up_and_seen_first() -> None:
    seen: list[int] = []
    with Iterative().open(lambda: 0.0, retries=0) as workers:
        executor = AddingUp(workers=workers, sink=lambda result: seen.append(result["out"]["sum"]))
        out, error = executor([Item(n) for n in range(4)], _square, None)
    assert (out, error) == ({"out": {"sum": 14}}, 0)
    assert seen[0] == 0


def test_an_unreadable_chunk_becomes_a_result_and_a_mistake_does_not() -> None:
    result = ReadFailuresAsResults(_broken)(Item(3))
    assert result["out"]["d"]["failures"] == {
        ("3.root", "3.root, events 3 to 4", "InputFileError", "cannot be read: disk on fire")
    }

    def mistaken(item: Item) -> None:
        raise KeyError(item.entrystart)

    with pytest.raises(KeyError):
        ReadFailuresAsResults(mistaken)(Item(3))


@pytest.mark.parametrize(("retries", "complete"), [(0, False), (2, True)])
def test_a_failing_disk_is_tried_again(
    retries: int, *, complete: bool, toy_filesets: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every chunk fails twice before it can be read."""
    process, tries = TaggingProcessor._process, dict[str, int]()

    def failing(self: Any, events: Any, dataset: str, metadata: dict[str, Any]) -> Any:
        tries[dataset] = tries.get(dataset, 0) + 1
        if tries[dataset] <= 2:
            raise OSError("connection lost")
        return process(self, events, dataset, metadata)

    monkeypatch.setattr(TaggingProcessor, "_process", failing)
    run = {"retries": retries, "skip_bad_files": True}
    config = AnalysisConfig.model_validate({"filesets": toy_filesets[:1], "run": run})
    if complete:
        assert analyze(config, tmp_path / "out")["complete"] is True
        assert set(tries.values()) == {3}
    else:
        with pytest.raises(InputFileError, match="no file could be processed; got .*connection lost"):
            analyze(config, tmp_path / "out")
        assert set(tries.values()) == {1}


def test_a_worker_is_warm_once_its_networks_have_run(tagger_path: Path) -> None:
    tagger = JetTagger(tagger_path)
    assert warm_up([tagger]) > 0
    assert cached_tagger_count() >= 1
