"""A pool of processes, some of which die."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import WorkerError
from rs3l_gnn.running.executors import futures
from rs3l_gnn.running.executors.futures import Futures, pool_results

Read = Callable[[Path], dict[str, Any]]


class Item:
    """What an executor needs of a chunk."""

    def __init__(self, number: int) -> None:
        self.dataset, self.filename, self.entrystart, self.entrystop = "d", f"{number}.root", number, number + 1


class Killer:
    """Kills its own process for some chunks, as long as the file with their count is not used up."""

    def __init__(self, folder: Path, times: int) -> None:
        self.folder, self.times = folder, times

    def __call__(self, item: Item) -> int:
        if item.entrystart == 2 and len(list(self.folder.iterdir())) < self.times:
            (self.folder / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item.entrystart**2


def square(item: Item) -> int:
    """Of the number of a chunk."""
    return item.entrystart**2


class Marker:
    """Leaves a file for each chunk that it was given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, item: Item) -> int:
        (self.folder / item.filename).touch()
        return item.entrystart


@contextmanager
def _pools() -> Iterator[Callable[[], Executor]]:
    with ExitStack() as stack:
        context = multiprocessing.get_context("spawn")
        yield lambda: stack.enter_context(ProcessPoolExecutor(2, mp_context=context))


def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    with _pools() as make_pool:
        squares = list(pool_results(make_pool, 1, [Item(n) for n in range(6)], Killer(tmp_path, times=1)))
    assert sorted(squares) == [0, 1, 4, 9, 16, 25]
    assert len(list(tmp_path.iterdir())) == 1


def test_processes_that_die_again_and_again_end_the_run(tmp_path: Path) -> None:
    with _pools() as make_pool, pytest.raises(WorkerError, match=r"processes died 2 times, .*lower run\.chunksize"):
        list(pool_results(make_pool, 1, [Item(n) for n in range(6)], Killer(tmp_path, times=9)))


def test_results_that_nobody_takes_do_not_pile_up(tmp_path: Path) -> None:
    """Of twenty chunks, three are given out until the first result is taken, and one more with each."""
    with _pools() as make_pool:
        results = pool_results(make_pool, 0, [Item(n) for n in range(20)], Marker(tmp_path), ahead=3)
        for taken in range(1, 6):
            next(results)
            time.sleep(0.2)
            assert len(list(tmp_path.iterdir())) <= taken + 2
        assert len(list(results)) == 15


def test_a_killed_process_changes_nothing(
    toy_filesets: list[Path], tagger_path: Path, tmp_path: Path, written: Read
) -> None:
    """The whole analysis in a pool, one process of which is shot in the middle."""
    # Not above: the workers of the other tests import this module.
    from rs3l_gnn.processors import AnalysisConfig, analyze

    document = {"filesets": toy_filesets, "taggers": {"rs3l": str(tagger_path)}}
    analyze(AnalysisConfig.model_validate(document), tmp_path / "whole")
    checkpoints = tmp_path / "checkpoints"
    run = {"executor": "futures", "workers": 2, "chunksize": 15, "checkpoints": checkpoints}
    shot: list[int] = []

    def shoot(pool: Any) -> None:
        if not shot and len(list(checkpoints.rglob("*.chunk"))) >= 8:
            shot.append(next(iter(pool._processes)))
            os.kill(shot[0], signal.SIGKILL)

    def watched(make_pool: Callable[[], Executor], *arguments: Any, **options: Any) -> Iterator[Any]:
        pools = list[Any]()

        def remembered() -> Executor:
            pools.append(make_pool())
            return pools[-1]  # type: ignore[no-any-return]  # a pool

        for result in pool_results(remembered, *arguments, **options):
            shoot(pools[-1])
            yield result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(futures, "pool_results", watched)
        report = analyze(AnalysisConfig.model_validate(document | {"run": run}), tmp_path / "out")
    assert shot
    assert report["complete"] is True
    assert written(tmp_path / "out") == written(tmp_path / "whole")


class DyingWarmUp:
    """Kills its process as long as the folder holds fewer files than it may."""

    def __init__(self, folder: Path, first: int, times: int) -> None:
        self.folder, self.first, self.times = folder, first, times

    def __call__(self) -> float:
        place = self.folder / str(os.getpid())
        place.touch()
        number = len(list(self.folder.iterdir()))
        if self.first <= number < self.first + self.times:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.0


def test_a_process_that_dies_while_it_starts_is_replaced(tmp_path: Path) -> None:
    items = [Item(number) for number in range(3)]
    (tmp_path / "a").mkdir()
    with Futures(workers=1).open(DyingWarmUp(tmp_path / "a", 1, 1), retries=1) as workers:
        assert sorted(workers.results(items, square)) == [0, 1, 4]
    (tmp_path / "b").mkdir()
    with (
        pytest.raises(WorkerError, match="processes died 2 times before the first chunk"),
        Futures(workers=1).open(DyingWarmUp(tmp_path / "b", 1, 9), retries=1),
    ):
        pass


def process_of(_: Item) -> int:
    """The process that does a chunk."""
    return os.getpid()


def test_a_pool_does_one_list_of_chunks_after_another() -> None:
    with Futures(workers=1).open(float, retries=0) as workers:
        processes = {found for _ in range(3) for found in workers.results([Item(0), Item(1)], process_of)}
    assert len(processes) == 1


def test_a_new_pool_whose_process_dies_while_it_starts_counts_as_one_more(tmp_path: Path) -> None:
    warm, killed = tmp_path / "warm", tmp_path / "killed"
    warm.mkdir()
    killed.mkdir()
    items = [Item(number) for number in range(4)]
    # The first process is well, dies of its work, and the next one dies of its start.
    with Futures(workers=1).open(DyingWarmUp(warm, 2, 1), retries=2) as workers:
        assert sorted(workers.results(items, Killer(killed, 1))) == [0, 1, 4, 9]
    assert len(list(warm.iterdir())) == 3
