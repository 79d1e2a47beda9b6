"""Chunks on the workers of an executor.

Results are added up here, where the caller stands, and not on the workers: a worker then never holds more than the
chunk it works on, however many events there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import cloudpickle
import numpy as np
from coffea.processor import accumulate

from rs3l_gnn.conventions import InputFileError, progress
from rs3l_gnn.inference import FoldTagger, JetInputs, JetTagger, with_paper
from rs3l_gnn.processors.files import is_read_error
from rs3l_gnn.processors.running.checkpoints import ChunkCheckpoints
from rs3l_gnn.processors.running.chunk_columns import note_columns
from rs3l_gnn.processors.running.chunk_events import chunk_events
from rs3l_gnn.processors.running.chunking import chunk_metadata
from rs3l_gnn.processors.running.open_files import close_file, keep_open
from rs3l_gnn.processors.tagging import TaggingProcessor
from rs3l_gnn.running.executor import Workers, chunk_name

__all__ = ["ChunkWork", "add_up", "warm_up"]


def warm_up(taggers: Sequence[JetTagger | FoldTagger]) -> float:
    """Import what a chunk needs, load the networks and run each once, which compiles what is compiled at first use.

    Returns:
        The seconds this took.
    """
    start = time.perf_counter()
    import coffea.processor

    import rs3l_gnn.processors.tagging

    del coffea, rs3l_gnn
    offsets = np.arange(0, 201, 50)
    rng = np.random.default_rng(0)
    parts = [part for one in taggers for part in (one.parts if isinstance(one, FoldTagger) else (one,))]
    for tagger in parts:
        names = with_paper(tagger.features)
        particles = rng.normal(size=(200, len(names))).astype(np.float32)
        counts = np.ones(4, dtype=np.int64)
        tagger.score(JetInputs(particles, offsets, counts, axes=np.zeros((4, 2)), names=names))
    return time.perf_counter() - start


@dataclass(frozen=True)
class ChunkWork:
    """What a worker runs: a chunk that could not be read, after all tries, becomes a result that says so.

    An exception loses its causes on the way from one process to another, so that the caller could not tell a damaged
    file from a mistake in a program.

    Attributes:
        processor: bytes of the processor; each chunk has a copy of its own, whatever one of somebody's own does.
        retries: how often a chunk that fails is tried again.
        timeout: seconds for a remote file.
        checkpoints: where finished chunks are; None to keep none.
    """

    processor: bytes
    retries: int = 1
    timeout: int = 60
    checkpoints: ChunkCheckpoints | None = None

    @classmethod
    def of(cls, processor: TaggingProcessor, **settings: Any) -> ChunkWork:
        """The work of a processor, which travels with the modules of the working directory that it needs."""
        return cls(cloudpickle.dumps(processor), **settings)

    def __call__(self, item: Any) -> dict[str, Any]:
        """Process one chunk, unless an earlier run did.

        Args:
            item: coffea's work item.

        Returns:
            As of coffea's Runner: ``out``, ``metrics`` with ``bytes_read`` and ``branches``, ``processed``.
        """
        if self.checkpoints is None:
            return self._processed(item)
        result: dict[str, Any] | None = self.checkpoints.load(item)
        if result is None:
            result = self._processed(item)
            self.checkpoints.save(item, result)
        return result

    def _processed(self, item: Any) -> dict[str, Any]:
        for tries_left in reversed(range(self.retries + 1)):
            try:
                return self._tried(item)
            except Exception as error:
                close_file()  # another try reads everything anew
                if tries_left:
                    continue
                cause: BaseException | None = error
                while cause is not None and not is_read_error(cause):
                    cause = cause.__cause__
                if cause is None:
                    error.add_note(f"It is of {chunk_name(item)}.")
                    raise
                text = " ".join(str(cause).split()) or type(cause).__name__
                failure = (item.filename, chunk_name(item), InputFileError.__name__, f"cannot be read: {text}")
                return {"out": {item.dataset: {"failures": {failure}}}, "metrics": {}, "processed": {item}}
        raise AssertionError  # the last try returns or raises

    def _tried(self, item: Any) -> dict[str, Any]:
        kept = keep_open(item, timeout=self.timeout)
        events, log = chunk_events(kept, item, chunk_metadata(item))
        out = cloudpickle.loads(self.processor).process(events)
        note_columns(events)
        branches = {one.branch for one in log}
        metrics = {"bytes_read": kept.size(item, branches), "branches": branches}
        kept.forget_arrays()
        return {"out": out, "metrics": metrics, "processed": {item}}


def add_up(
    workers: Workers, items: Sequence[Any], work: Callable[[Any], Any], sink: Callable[[Any], None]
) -> dict[str, Any]:
    """Results of all chunks, added up as they come.

    Args:
        workers: from an executor.
        items: the chunks.
        work: a :class:`ChunkWork`.
        sink: sees each result first; it takes out what must not pile up in memory.
    """
    total: Any = None
    results = workers.results(items, work)
    try:
        with progress("Analysis", len(items), "chunks") as bar, closing(results):
            for result in results:
                sink(result)
                total = accumulate([result], total)
                bar.advance()
    finally:
        close_file()  # of the executor that works in this process
    return dict(total)
