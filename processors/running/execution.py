"""The work items of coffea's Runner on the workers of an executor.

Results are added up here, where the caller stands, and not on the workers: a worker then never holds more than the
chunk it works on, however many events there are.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from coffea.processor import accumulate
from coffea.processor.executor import ExecutorBase

from rs3l_gnn.conventions import InputFileError, progress
from rs3l_gnn.inference import FoldTagger, JetInputs, JetTagger, with_paper
from rs3l_gnn.processors.files import is_read_error
from rs3l_gnn.processors.running.checkpoints import ChunkCheckpoints
from rs3l_gnn.processors.running.open_files import close_file, kept_open
from rs3l_gnn.running.executor import Function, Workers, chunk_name

__all__ = ["AddingUp", "ReadFailuresAsResults", "warm_up"]


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
class ReadFailuresAsResults:
    """What a worker runs: a chunk that could not be read, after all retries, becomes a result that says so.

    An exception loses its causes on the way from one process to another, so that the caller could not tell a damaged
    file from a mistake in a program.

    Attributes:
        function: coffea's, with a processor.
        timeout: seconds for a remote file.
        checkpoints: where finished chunks are; None to keep none.
    """

    function: Function
    timeout: int = 60
    checkpoints: ChunkCheckpoints | None = None

    def __call__(self, item: Any) -> Any:
        """Process one chunk, unless an earlier run did."""
        if self.checkpoints is None:
            return self._processed(item)
        result = self.checkpoints.load(item)
        if result is None:
            result = self._processed(item)
            self.checkpoints.save(item, result)
        return result

    def _processed(self, item: Any) -> Any:
        try:
            with warnings.catch_warnings(), kept_open(item, timeout=self.timeout) as size:
                # Coffea warns of every attempt; what fails in the end is in the report.
                warnings.filterwarnings("ignore", "Performed attempt", UserWarning)
                result = self.function(item)
                if "columns" in result.get("metrics", {}):
                    # Coffea counts what it asked of the file, which depends on what stood in memory already.
                    branches = {column.rpartition("-")[0] for column in result["metrics"]["columns"]}
                    result["metrics"]["bytesread"] = size(branches)
                return result
        except Exception as error:
            cause: BaseException | None = error
            while cause is not None and not is_read_error(cause):
                cause = cause.__cause__
            if cause is None:
                raise
            text = " ".join(str(cause).split()) or type(cause).__name__
            failure = (item.filename, chunk_name(item), InputFileError.__name__, f"cannot be read: {text}")
            return {"out": {item.dataset: {"failures": {failure}}}, "metrics": {}, "processed": {item}}


@dataclass
class AddingUp(ExecutorBase):  # type: ignore[misc]  # coffea ships no type information
    """Coffea's executor on any workers: it adds results up as they come.

    Attributes:
        workers: from an executor.
        retries: how often coffea's Runner repeats a chunk that raises.
        timeout: seconds for a remote file.
        sink: sees each result first; it takes out what must not pile up in memory.
        checkpoints: where finished chunks are; None to keep none.
    """

    workers: Workers = field(kw_only=True)
    retries: int = 1
    timeout: int = 60
    sink: Callable[[Any], None] | None = None
    checkpoints: ChunkCheckpoints | None = None

    def __call__(self, items: Sequence[Any], function: Function, accumulator: Any) -> tuple[Any, int | BaseException]:
        """Add the results of ``function`` on all items to ``accumulator``."""
        results = self.workers.results(items, ReadFailuresAsResults(function, self.timeout, self.checkpoints))
        try:
            with progress("Analysis", len(items), "chunks") as bar, closing(results):
                for result in results:
                    if self.sink is not None:
                        self.sink(result)
                    accumulator = accumulate([result], accumulator)
                    bar.advance()
        finally:
            close_file()  # of the executor that works in this process
        return accumulator, 0
