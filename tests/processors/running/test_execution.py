"""Results are added up, and chunks that cannot be read are results."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import uproot
from coffea.processor.executor import WorkItem

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.inference import JetTagger
from rs3l_gnn.inference.cache import cached_tagger_count
from rs3l_gnn.processors import AnalysisConfig, TaggingProcessor, analyze
from rs3l_gnn.processors.running.execution import ChunkWork, add_up, warm_up
from rs3l_gnn.running.executors.iterative import Iterative


class Work:
    """A processor that gives what it is told to."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = outcomes

    def process(self, events: Any) -> Any:
        """The next outcome; an exception is raised."""
        TRIES.append(len(events))
        outcome = self.outcomes[len(TRIES) - 1]
        if isinstance(outcome, OSError):
            raise Exception("somewhere else") from outcome  # noqa: TRY002, TRY004 - as other people's code does
        if isinstance(outcome, Exception):
            raise outcome
        return {"x": {"found": int(np.sum(events.a)) + outcome}}


TRIES: list[int] = []


@pytest.fixture
def items(tmp_path: Path) -> list[WorkItem]:
    """Two chunks of a file with the numbers from 0 to 9."""
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", {"a": "int64"}).extend({"a": np.arange(10)})
    TRIES.clear()
    return [WorkItem("x", str(tmp_path / "a.root"), "Events", *cut, bytes(16), {}) for cut in ((0, 4), (4, 10))]


def _work(*outcomes: Any, retries: int = 0) -> ChunkWork:
    return ChunkWork.of(cast("TaggingProcessor", Work(*outcomes)), retries=retries)


def test_results_are_added_up_and_seen_first(items: list[WorkItem]) -> None:
    seen: list[int] = []
    with Iterative().open(lambda: 0.0, retries=0) as workers:
        out = add_up(workers, items, _work(100, 200), lambda result: seen.append(result["out"]["x"]["found"]))
    assert seen == [106, 239]
    assert out["out"] == {"x": {"found": 345}}
    assert out["metrics"]["branches"] == {"a"}
    assert out["processed"] == set(items)
    with uproot.open(items[0].filename) as file:
        assert out["metrics"]["bytes_read"] == file["Events"]["a"].basket_compressed_bytes(0)


def test_an_unreadable_chunk_becomes_a_result_and_a_mistake_does_not(items: list[WorkItem]) -> None:
    where = f"{items[0].filename}, events 0 to 4"
    failure = (items[0].filename, where, "InputFileError", "cannot be read: disk on fire")
    assert _work(OSError("disk on fire"))(items[0])["out"] == {"x": {"failures": {failure}}}
    TRIES.clear()
    with pytest.raises(KeyError, match="mine") as caught:
        _work(KeyError("mine"))(items[0])
    assert caught.value.__notes__ == [f"It is of {where}."]


def test_another_try_succeeds(items: list[WorkItem]) -> None:
    work = _work(OSError("once"), OSError("twice"), 1, retries=2)
    assert work(items[0])["out"] == {"x": {"found": 7}}
    assert TRIES == [4, 4, 4]


def test_the_work_travels(items: list[WorkItem]) -> None:
    work = pickle.loads(pickle.dumps(_work(5)))  # noqa: S301  # our own bytes
    assert work(items[1])["out"] == {"x": {"found": 44}}


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
