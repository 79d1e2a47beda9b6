"""Chunks on several processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from rs3l_gnn.conventions import MissingDependencyError, SimulationError
from rs3l_gnn.conventions.processes import GOES_ON, run_on_processes, threads_of_workers
from rs3l_gnn.simulation.chunk_result import ChunkResult
from rs3l_gnn.simulation.chunks import Chunk, run_chunk

__all__ = ["run_chunks"]


def run_chunks(chunks: Sequence[Chunk], workers: int, scheduler: str | None = None) -> Iterator[ChunkResult]:
    """Simulate chunks and give their results in the order in which they finish.

    Args:
        chunks: what to do.
        workers: processes of this machine; not used with a scheduler.
        scheduler: address of a Dask scheduler whose workers see the same file system, None for this machine alone.

    Raises:
        SimulationError: a worker was killed, or the scheduler does not answer.
    """
    workers = min(workers, len(chunks))
    if scheduler is not None and chunks:
        yield from _on_dask(chunks, scheduler)
    elif workers <= 1:
        for chunk in chunks:
            yield run_chunk(chunk)
    else:
        yield from _on_processes(chunks, workers)


def _on_processes(chunks: Sequence[Chunk], workers: int) -> Iterator[ChunkResult]:
    with threads_of_workers(1):  # Pythia and numpy need one core a process
        for _, result in run_on_processes(run_chunk, chunks, workers, killed=SimulationError):
            yield result


def _on_dask(chunks: Sequence[Chunk], scheduler: str) -> Iterator[ChunkResult]:
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise MissingDependencyError("a Dask scheduler needs the package 'distributed'") from error
    try:
        client = distributed.Client(scheduler, timeout=30)
    except (OSError, TimeoutError, ValueError) as error:
        raise SimulationError(f"no Dask scheduler answers at {scheduler}", got=error) from error
    with client:
        # A chunk writes files under their final names, atomically, so that doing one twice does no harm.
        futures = client.map(run_chunk, chunks, pure=False)
        try:
            for future in distributed.as_completed(futures):
                yield future.result()
        except distributed.KilledWorker as error:
            raise SimulationError("a Dask worker was killed again and again", hint=GOES_ON) from error
        finally:
            client.cancel(futures)
