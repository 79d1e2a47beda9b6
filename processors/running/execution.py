"""Executors: in this process, in a pool of processes, or on a Dask cluster."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import numpy as np

from rs3l_gnn.conventions import FEATURE_NAMES, ConfigError, InputFileError
from rs3l_gnn.inference import JetInputs, JetTagger
from rs3l_gnn.processors.config import RunConfig

if TYPE_CHECKING:
    from rs3l_gnn.processors.running.spill import Spill

__all__ = ["Execution", "open_executor", "warm_up"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Execution:
    """A ready executor.

    Attributes:
        executor: for coffea's Runner.
        workers: number of processes that work.
        warm_up_seconds: slowest worker's time to import the libraries and load the networks; None where there is
            no worker but this process.
    """

    executor: Any
    workers: int
    warm_up_seconds: float | None


def warm_up(taggers: list[JetTagger]) -> tuple[int, float]:
    """Import what a chunk needs, load the networks and run each once, which compiles what is compiled at first use.

    Returns:
        The process id, and the seconds this took.
    """
    start = time.perf_counter()
    import coffea.processor

    import rs3l_gnn.processors.tagging

    del coffea, rs3l_gnn
    offsets = np.arange(0, 201, 50)
    particles = np.random.default_rng(0).normal(size=(200, len(FEATURE_NAMES))).astype(np.float32)
    for tagger in taggers:
        tagger.score(JetInputs(particles, offsets, np.ones(4, dtype=np.int64)))
    return os.getpid(), time.perf_counter() - start


@contextmanager
def open_executor(config: RunConfig, taggers: list[JetTagger], sink: Spill | None = None) -> Iterator[Execution]:
    """Start what the configuration asks for, and stop it afterwards.

    Args:
        config: executor, workers, scheduler.
        taggers: loaded on every worker before the first chunk.
        sink: sees the result of each chunk before it is added up.

    Raises:
        ConfigError: the Dask scheduler has no workers.
        InputFileError: the Dask scheduler cannot be reached.
    """
    from rs3l_gnn.processors.running.executors import DaskPool, InProcess, ProcessPool

    if config.executor == "iterative":
        yield Execution(InProcess(retries=config.retries, sink=sink), 1, None)
    elif config.executor == "futures":
        with ExitStack() as stack:
            ready, seconds = _warm_pool(stack, config.workers, taggers)
            pools = chain([ready], (_warm_pool(stack, config.workers, taggers)[0] for _ in count()))
            executor = ProcessPool(make_pool=lambda: next(pools), retries=config.retries, sink=sink)
            yield Execution(executor, config.workers, seconds)
    else:
        with _client(config) as client:
            warm = client.run(warm_up, taggers)
            seconds = max(spent for _, spent in warm.values())
            _log.info("%d Dask workers are warm after %.1f s", len(warm), seconds)
            yield Execution(DaskPool(client=client, retries=config.retries, sink=sink), len(warm), seconds)


def _warm_pool(stack: ExitStack, workers: int, taggers: list[JetTagger]) -> tuple[Executor, float]:
    """A pool whose processes are warm, and the seconds that the slowest took."""
    pool = stack.enter_context(_pool(workers))
    # One task a process: each new task starts a process while there is no idle one.
    started = [future.result()[1] for future in [pool.submit(warm_up, taggers) for _ in range(workers)]]
    return pool, max(started)


@contextmanager
def _pool(workers: int) -> Iterator[Any]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # A forked child would inherit the locks of torch's and numba's threads.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _client(config: RunConfig) -> Iterator[Any]:
    import distributed

    # Their types are only there in part.
    make_client: Any = distributed.Client
    make_cluster: Any = distributed.LocalCluster
    with _quiet("distributed"):
        yield from _open_client(config, make_client, make_cluster)


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Only warnings of a library that reports each connection it opens and closes."""
    logger, nanny = logging.getLogger(name), logging.getLogger(f"{name}.nanny")
    before = logger.level
    logger.setLevel(max(before, logging.WARNING))
    nanny.addFilter(_of_interest)
    try:
        yield
    finally:
        logger.setLevel(before)
        nanny.removeFilter(_of_interest)


def _of_interest(record: logging.LogRecord) -> bool:
    """False for the last words of workers that are busy when a run ends with an error."""
    return "still alive after" not in record.getMessage()


def _open_client(config: RunConfig, make_client: Any, make_cluster: Any) -> Iterator[Any]:
    import dask

    if config.scheduler is not None:
        try:
            client = make_client(config.scheduler, timeout=f"{config.xrootd_timeout}s")
        except OSError as error:
            raise InputFileError(f"cannot reach the Dask scheduler {config.scheduler}: {error}") from error
        with client:
            try:
                client.wait_for_workers(1, timeout=config.worker_timeout)  # a batch system takes its time
            except TimeoutError as error:
                raise ConfigError(
                    f"the Dask scheduler {config.scheduler} has no workers after {config.worker_timeout} s",
                    hint="start some, or raise run.worker_timeout",
                ) from error
            yield client
        return
    # Separate processes on loopback: threads would share one interpreter. The dashboard takes any free port there:
    # without an address, distributed insists on 8787 and warns when another cluster has it.
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "60s"}),
        make_cluster(
            n_workers=config.workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=config.memory_limit,
            silence_logs=logging.CRITICAL,  # a worker's own errors come back with its results
        ) as cluster,
        make_client(cluster) as client,
    ):
        client.wait_for_workers(config.workers, timeout=120)
        yield client
