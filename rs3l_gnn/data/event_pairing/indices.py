"""The views of a sample without particles, file by file on workers."""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

from rs3l_gnn.conventions import InputFileError, Progress
from rs3l_gnn.data.event_pairing.chunk_run import ChunkRun, Failure, FileChunk
from rs3l_gnn.data.event_pairing.file_index import FileIndex
from rs3l_gnn.data.event_pairing.read_plan import ReadPlan
from rs3l_gnn.data.event_pairing.sample_views import SampleViews
from rs3l_gnn.data.event_pairing.view_index import ViewFiles, ViewIndex

__all__ = ["read_indices"]

_log = logging.getLogger("rs3l_gnn")


@dataclass(frozen=True)
class _IndexChunk(FileChunk):
    """A whole file.

    Attributes:
        plan: what is read.
        nominal: whether it is of the nominal view.
    """

    plan: ReadPlan
    nominal: bool

    def identity(self) -> dict[str, Any]:
        """The plan."""
        return {"plan": self.plan.identity(), "nominal": self.nominal}

    def result(self) -> FileIndex | None:
        """Everything but particles."""
        return FileIndex.read(self.file, self.plan, nominal=self.nominal)


def read_indices(
    sample: SampleViews, plan: ReadPlan, run: ChunkRun, bar: Progress, skipped: dict[str, str]
) -> Generator[ViewIndex]:
    """Views of a sample in their order, each as soon as all of its files are read.

    Args:
        sample: its data sets.
        plan: what is read.
        run: who reads.
        bar: advanced by one for each file.
        skipped: gets files that are left out, and why.

    Raises:
        InputFileError: a file is damaged, or all files of a view are.
        InvalidDataError: values that are not usable, the same event twice, or a view without events.
    """
    places = [(v, f) for v, view in enumerate(sample.views) for f in range(len(view.files))]
    chunks = []
    for v, f in places:
        file = sample.views[v].files[f]
        chunks.append(_IndexChunk(file, 0, file.entries, plan, v == 0))
    found: dict[int, dict[int, Any]] = {v: {} for v in range(len(sample.views))}
    ready = 0
    for number, result in run.results(chunks, skip=True):
        v, f = places[number]
        found[v][f] = result
        bar.advance()
        while ready < len(sample.views) and len(found[ready]) == len(sample.views[ready].files):
            yield _joined(sample.views[ready], found.pop(ready), skipped)
            ready += 1


def _joined(view: ViewFiles, results: dict[int, Any], skipped: dict[str, str]) -> ViewIndex:
    failures = {view.files[f].path: one.error for f, one in sorted(results.items()) if isinstance(one, Failure)}
    for path, error in failures.items():
        _log.warning("skipped: %s", error)
        skipped[path] = error
    good = [f for f, one in sorted(results.items()) if not isinstance(one, Failure)]
    if not good:
        raise InputFileError(f"none of the files of {view.dataset!r} can be used", got=next(iter(failures.values())))
    return ViewIndex.join(replace(view, files=tuple(view.files[f] for f in good)), [results[f] for f in good])
