"""Dask: errors from other processes, workers that die, outer schedulers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import dask
import distributed
import pytest

from rs3l_gnn.benchmarks.reliability.schedulers import dask_processes
from rs3l_gnn.conventions import ClusterError, InvalidDataError, WorkerError, dump_config
from rs3l_gnn.inference import JetTagger
from rs3l_gnn.processors import AnalysisConfig, analyze
from rs3l_gnn.processors.running import checkpoints
from rs3l_gnn.processors.running.execution import warm_up
from rs3l_gnn.running.executors.dask import Dask

Read = Callable[[Path], dict[str, Any]]


def _config(filesets: list[Path], tagger: Path, **run: Any) -> AnalysisConfig:
    document = {"filesets": filesets, "taggers": {"rs3l": str(tagger)}, "run": run}
    return AnalysisConfig.model_validate({**document, "score": {"bins": 10, "start": 0, "stop": 1}})


def _damaged(toy_directory: Path, folder: Path, rewritten: Callable[..., Path]) -> Path:
    """A fileset with candidates of negative pT, which only a worker sees."""
    shutil.copytree(toy_directory / "qcd", folder / "qcd")
    source, target = (path / "qcd" / "seed_0000.root" for path in (toy_directory, folder))
    rewritten(source, target, lambda branches: branches | {"PFCands_pt": -branches["PFCands_pt"]})
    return folder / "qcd" / "fileset.json"


def test_dask_workers_are_warm_processes_and_keep_the_names_of_errors(
    tagger_path: Path, toy_directory: Path, tmp_path: Path, rewritten: Callable[..., Path]
) -> None:
    def loaded() -> int:
        from rs3l_gnn.inference.cache import cached_tagger_count

        return cached_tagger_count()

    executor = Dask.model_validate({"workers": 2})
    with executor.open(partial(warm_up, [JetTagger(tagger_path)]), retries=1) as workers:
        client: Any = distributed.default_client()  # type: ignore[no-untyped-call]  # it has no types
        pids = client.run(os.getpid)
        assert len({*pids.values(), os.getpid()}) == 3
        assert list(client.run(loaded).values()) == [1, 1]
        assert all(address.startswith("tcp://127.0.0.1:") for address in client.scheduler_info()["workers"])
        assert workers.number == 2
        assert workers.warm_up_seconds is not None
        # The same cluster, as a scheduler that was there before.
        config = _config(
            [_damaged(toy_directory, tmp_path, rewritten)],
            tagger_path,
            executor="dask",
            scheduler=client.scheduler.address,
        )
        with pytest.raises(InvalidDataError, match=r"seed_0000\.root, events 0 to 60: candidate pt must be > 0"):
            analyze(config, tmp_path / "out")


def test_a_scheduler_that_is_not_there(toy_filesets: list[Path], tagger_path: Path, tmp_path: Path) -> None:
    cluster = {"name": "scheduler", "address": "tcp://127.0.0.1:1", "connect_timeout": 1}
    config = _config(toy_filesets, tagger_path, executor={"name": "dask", "cluster": cluster})
    with pytest.raises(ClusterError, match="cannot reach the Dask scheduler"):
        analyze(config, tmp_path / "out")


def test_a_scheduler_without_workers(toy_filesets: list[Path], tagger_path: Path, tmp_path: Path) -> None:
    make_cluster: Any = distributed.LocalCluster
    with make_cluster(n_workers=0, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster:
        run = {"executor": "dask", "scheduler": cluster.scheduler_address, "worker_timeout": 1}
        with pytest.raises(ClusterError, match="has no workers after 1 s"):
            analyze(_config(toy_filesets, tagger_path, **run), tmp_path / "out")


def test_a_scheduler_that_dies_and_comes_back(
    toy_filesets: list[Path], tagger_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rs3l_gnn.running.executors import dask as executor

    real = executor._results
    with dask_processes(tmp_path / "log") as cluster:

        def results(*args: Any) -> Iterator[Any]:
            for result in real(*args):
                cluster.kill()
                cluster.start()
                yield result

        run = {"executor": "dask", "scheduler": cluster.address, "worker_timeout": 60, "chunksize": 5}
        with monkeypatch.context() as patch:
            patch.setattr(executor, "_results", results)
            with pytest.raises(ClusterError, match=r"connection to the scheduler of the Dask cluster .* is lost"):
                analyze(_config(toy_filesets, tagger_path, **run), tmp_path / "out")
        assert not (tmp_path / "out").exists()
        assert analyze(_config(toy_filesets, tagger_path, **run), tmp_path / "out")["complete"] is True


class Item:
    """What an executor needs of a chunk."""

    dataset, filename, entrystart, entrystop = "d", "a.root", 0, 10


def _die(item: Item) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_die_again_and_again_end_the_run() -> None:
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        Dask.model_validate({"workers": 1}).open(time.perf_counter, retries=0) as workers,
        pytest.raises(WorkerError, match=r"died again and again on a\.root, events 0 to 10; .*lower run\.chunksize"),
    ):
        list(workers.results([Item()], _die))


@pytest.mark.slow
def test_a_killed_worker_changes_nothing(
    toy_filesets: list[Path], tagger_path: Path, tmp_path: Path, written: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker is shot in the middle; the others and its successor do its chunks."""
    monkeypatch.setattr(checkpoints, "code_digest", lambda _: "the same, whoever edits the code meanwhile")
    analyze(_config(toy_filesets, tagger_path), tmp_path / "whole")
    make_cluster: Any = distributed.LocalCluster
    with make_cluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        victim = next(iter(cluster.workers.values())).process.pid
        folder = tmp_path / "checkpoints"

        def shoot() -> None:
            while len(list(folder.rglob("*.chunk"))) < 8:
                time.sleep(0.05)
            os.kill(victim, signal.SIGKILL)

        hunter = threading.Thread(target=shoot)
        hunter.start()
        config = _config(
            toy_filesets,
            tagger_path,
            executor="dask",
            scheduler=cluster.scheduler_address,
            chunksize=5,
            checkpoints=folder,
            retries=3,
        )
        report = analyze(config, tmp_path / "out")
        hunter.join()
    assert report["complete"] is True
    assert report["chunks"] == 96
    assert written(tmp_path / "out") == written(tmp_path / "whole")
    # A new scheduler goes on with the chunks of the one that has gone, of which some are lost.
    chunks = sorted(folder.rglob("*.chunk"))
    for path in chunks[::3]:
        path.unlink()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.chunk")}
    run = {"executor": "dask", "workers": 2, "chunksize": 5, "checkpoints": folder, "resume": True}
    assert analyze(_config(toy_filesets, tagger_path, **run), tmp_path / "resumed")["complete"] is True
    assert written(tmp_path / "resumed") == written(tmp_path / "whole")
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*.chunk")}
    assert len(after) == 96
    assert before.items() <= after.items()


@pytest.mark.slow
def test_a_killed_command_is_resumed(
    toy_filesets: list[Path], tagger_path: Path, tmp_path: Path, written: Read, command: str
) -> None:
    """The whole program dies, scheduler and all; the same command with resume finishes its work."""
    analyze(_config(toy_filesets, tagger_path), tmp_path / "whole")
    folder = tmp_path / "checkpoints"
    run = {"executor": "dask", "workers": 2, "chunksize": 5, "checkpoints": str(folder), "resume": True}
    config = tmp_path / "config.yaml"
    config.write_text(dump_config(_config(toy_filesets, tagger_path, **run)))
    arguments = [command, "analyze", str(config), "--output", str(tmp_path / "out")]
    with subprocess.Popen(arguments, start_new_session=True, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - our own command
        while len(list(folder.rglob("*.chunk"))) < 8 and process.poll() is None:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    done = len(list(folder.rglob("*.chunk")))
    assert not (tmp_path / "out").exists()
    assert 8 <= done < 96
    subprocess.run(arguments, check=True)  # noqa: S603 - our own command
    assert written(tmp_path / "out") == written(tmp_path / "whole")
    assert len(list(folder.rglob("*.chunk"))) == 96
