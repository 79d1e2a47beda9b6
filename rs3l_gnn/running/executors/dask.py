"""Dask, which gives the chunks of a worker that dies to others."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from rs3l_gnn.conventions import ClusterError
from rs3l_gnn.conventions.extras import needs_extra
from rs3l_gnn.running.executor import CHUNKS_AHEAD, Executor, Function, Workers, chunk_name, dead_workers
from rs3l_gnn.running.launcher_registry import AnyLauncher
from rs3l_gnn.running.launchers.local import Local

__all__ = ["Dask"]

_log = logging.getLogger(__name__)
_OF_SCHEDULER = frozenset({"scheduler", "worker_timeout"})
_OF_LOCAL = frozenset({"workers", "memory_limit"})
_SECONDS = 5.0
"""Between two looks at how many workers there are."""


class Dask(Executor):
    """A Dask cluster: on this machine, of a scheduler that runs already, or of a batch system."""

    name: Literal["dask"] = "dask"
    cluster: AnyLauncher = Field(default=Local(), description="where the workers come from")

    shorthand: ClassVar[frozenset[str]] = _OF_SCHEDULER | _OF_LOCAL

    @model_validator(mode="before")
    @classmethod
    def _short(cls, document: Any) -> Any:
        """``workers`` and ``memory_limit`` mean a cluster on this machine, ``scheduler`` one that is there."""
        if not isinstance(document, dict):
            return document
        given = {key: value for key, value in document.items() if key in cls.shorthand and value is not None}
        rest = {key: value for key, value in document.items() if key not in cls.shorthand}
        if not given:
            return rest
        if "cluster" in rest:
            chosen = rest["cluster"]
            return rest | {"cluster": {**(chosen if isinstance(chosen, dict) else chosen.model_dump()), **given}}
        if "scheduler" in given:
            timeout = {key: given[key] for key in ("worker_timeout",) if key in given}
            return rest | {"cluster": {"name": "scheduler", "address": given["scheduler"], **timeout}}
        local = {key: value for key, value in given.items() if key in _OF_LOCAL}
        return rest | {"cluster": {"name": "local", **local}}

    @contextmanager
    def open(self, warm_up: Callable[[], float], *, retries: int) -> Iterator[Workers]:
        """Workers of the cluster, warm."""
        del retries  # of a chunk whose worker died; Dask has a number of its own
        with needs_extra("the executor dask", "analysis"):
            import distributed

        del distributed
        with _quiet("distributed"), _connected(self.cluster.name), self.cluster.open() as client:
            warm = client.run(warm_up)
            seconds = max(warm.values())
            _log.info("%d Dask workers are warm after %.1f s", len(warm), seconds)
            yield Workers(partial(_results, client), len(warm), seconds)


def _results(client: Any, items: Sequence[Any], function: Function) -> Generator[Any]:
    import distributed

    stream: Any = distributed.as_completed(loop=client.loop)  # type: ignore[no-untyped-call]
    room = _Room(client)
    names: dict[str, str] = {}
    waiting = set[Any]()
    left = iter(items)

    def give_out() -> None:
        chunks = list(islice(left, max(room.chunks() - len(waiting), 0)))
        futures = client.map(function, chunks, pure=False) if chunks else []
        names.update({future.key: chunk_name(item) for future, item in zip(futures, chunks, strict=True)})
        waiting.update(futures)
        stream.update(futures)

    give_out()
    try:
        for future in stream:
            try:
                result = future.result()
            except distributed.KilledWorker as error:
                raise dead_workers(
                    f"Dask workers died again and again on {names.get(future.key, future.key)}"
                ) from error
            waiting.discard(future)
            names.pop(future.key, None)
            del future  # one that is known somewhere keeps its result on a worker
            give_out()
            yield result
    finally:
        if waiting:
            client.cancel(list(waiting))


class _Room:
    """How many chunks the workers of a cluster may have at a time; batch systems start and stop them as they like."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._asked, self._chunks = -_SECONDS, CHUNKS_AHEAD

    def chunks(self) -> int:
        """The number, for the workers of some seconds ago."""
        now = time.monotonic()
        if now - self._asked >= _SECONDS:
            threads = sum(self._client.nthreads().values())
            self._asked, self._chunks = now, CHUNKS_AHEAD * max(threads, 1)
        return self._chunks


@contextmanager
def _connected(cluster: str) -> Iterator[None]:
    """Make one error of a scheduler that dies, whether or not it comes back: what it knew of the chunks is lost."""
    from distributed.comm.core import CommClosedError

    try:
        yield
    except (CommClosedError, CancelledError) as error:
        raise ClusterError(
            f"the connection to the scheduler of the Dask cluster ({cluster}) is lost",
            hint="run again when it is back; with run.checkpoints and run.resume no chunk is processed twice",
        ) from error


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Only warnings of a library that reports each connection it opens and closes."""
    logger = logging.getLogger(name)
    talkers = [logging.getLogger(f"{name}.{part}") for part in ("nanny", "client", "utils")]
    before = logger.level
    logger.setLevel(max(before, logging.WARNING))
    for talker in talkers:
        talker.addFilter(_of_interest)
    try:
        yield
    finally:
        logger.setLevel(before)
        for talker in talkers:
            talker.removeFilter(_of_interest)


def _of_interest(record: logging.LogRecord) -> bool:
    """False for the last words of busy workers when a run ends with an error, and for those of a lost connection."""
    failed = record.exc_info[1] if record.exc_info else None
    return "still alive after" not in record.getMessage() and not isinstance(failed, (OSError, asyncio.CancelledError))
