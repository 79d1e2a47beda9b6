"""Executors: retries, chunks that cannot be read, processes that die."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import ConfigError, InputFileError
from rs3l_gnn.processors import AnalysisConfig, TaggingProcessor, analyze
from rs3l_gnn.processors.running.executors import Guarded, InProcess, ProcessPool

Read = Callable[[Path], dict[str, Any]]


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
    executor = InProcess(sink=lambda result: seen.append(result["out"]["sum"]))
    out, error = executor([Item(n) for n in range(4)], _square, None)
    assert (out, error) == ({"out": {"sum": 14}}, 0)
    assert seen[0] == 0


def test_an_unreadable_chunk_becomes_a_result_and_a_mistake_does_not() -> None:
    result = Guarded(_broken)(Item(3))
    assert result["out"]["d"]["failures"] == {
        ("3.root", "3.root, events 3 to 4", "InputFileError", "cannot be read: disk on fire")
    }

    def mistaken(item: Item) -> None:
        raise KeyError(item.entrystart)

    with pytest.raises(KeyError):
        Guarded(mistaken)(Item(3))


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


class Killer:
    """Kills its own process for some chunks, as long as the file with their count is not used up."""

    def __init__(self, folder: Path, times: int) -> None:
        self.folder, self.times = folder, times

    def __call__(self, item: Item) -> dict[str, Any]:
        if item.entrystart == 2 and len(list(self.folder.iterdir())) < self.times:
            (self.folder / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return _square(item)


@contextmanager
def _pools() -> Iterator[Callable[[], Executor]]:
    with ExitStack() as stack:
        context = multiprocessing.get_context("spawn")
        yield lambda: stack.enter_context(ProcessPoolExecutor(2, mp_context=context))


def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    with _pools() as make_pool:
        executor = ProcessPool(make_pool=make_pool, retries=1)
        out, _ = executor([Item(n) for n in range(6)], Killer(tmp_path, times=1), None)
    assert out == {"out": {"sum": 55}}
    assert len(list(tmp_path.iterdir())) == 1


def test_processes_that_die_again_and_again_end_the_run(tmp_path: Path) -> None:
    with _pools() as make_pool:
        executor = ProcessPool(make_pool=make_pool, retries=1)
        with pytest.raises(ConfigError, match=r"processes died 2 times, .*lower run\.chunksize"):
            executor([Item(n) for n in range(6)], Killer(tmp_path, times=9), None)


def test_a_killed_process_changes_nothing(
    toy_filesets: list[Path], tagger_path: Path, tmp_path: Path, written: Read
) -> None:
    """The whole analysis in a pool, one process of which is shot in the middle."""
    document = {"filesets": toy_filesets, "taggers": {"rs3l": str(tagger_path)}}
    analyze(AnalysisConfig.model_validate(document), tmp_path / "whole")
    checkpoints = tmp_path / "checkpoints"
    run = {"executor": "futures", "workers": 2, "chunksize": 5, "checkpoints": checkpoints}
    shot: list[int] = []

    def shoot(pool: Any) -> None:
        if not shot and len(list(checkpoints.rglob("*.chunk"))) >= 8:
            shot.append(next(iter(pool._processes)))
            os.kill(shot[0], signal.SIGKILL)

    results = ProcessPool.results

    def watched(self: ProcessPool, items: Any, function: Any) -> Iterator[Any]:
        make_pool, pools = self.make_pool, list[Any]()
        assert make_pool is not None

        def remembered() -> Executor:
            pools.append(make_pool())
            return pools[-1]  # type: ignore[no-any-return]  # a pool

        self.make_pool = remembered
        for result in results(self, items, function):
            shoot(pools[-1])
            yield result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProcessPool, "results", watched)
        report = analyze(AnalysisConfig.model_validate(document | {"run": run}), tmp_path / "out")
    assert shot
    assert report["complete"] is True
    assert written(tmp_path / "out") == written(tmp_path / "whole")
