"""The views of a sample without particles, file by file on workers."""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

from rs3l_gnn.conventions import InputFileError, Progress
from rs3l_gnn.data.event_pairing.chunk_run import ChunkRun, Failure, FileChunk
from rs3l_gnn.data.event_pairing.file_index import FileIndex
from rs3l_gnn.data.event_pairing.particles import ParticleSettings
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
        settings: of the particles that are read later.
        cut: whether the file is cut into pieces for that.
        chunksize: events of a piece, None for as many as fit into memory.
    """

    plan: ReadPlan
    nominal: bool
    settings: ParticleSettings
    cut: bool
    chunksize: int | None

    def identity(self) -> dict[str, Any]:
        """The plan, and how the file is cut."""
        pieces = [repr(self.settings), self.cut, self.chunksize]
        return {"plan": self.plan.identity(), "nominal": self.nominal, "pieces": pieces}

    def result(self) -> tuple[FileIndex | None, list[tuple[int, int]]]:
        """Everything but particles, and the pieces."""
        index = FileIndex.read(self.file, self.plan, nominal=self.nominal)
        return index, self.settings.pieces(self.file, self.chunksize) if self.cut else []


def read_indices(
    sample: SampleViews,
    plan: ReadPlan,
    settings: ParticleSettings,
    run: ChunkRun,
    *,
    bar: Progress,
    skipped: dict[str, str],
) -> Generator[ViewIndex]:
    """Views of a sample in their order, each as soon as all of its files are read.

    Args:
        sample: its data sets.
        plan: what is read.
        settings: of the particles that are read later.
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
        chunks.append(_IndexChunk(file, 0, file.entries, plan, v == 0, settings, run.in_pieces, run.chunksize))
    found: dict[int, dict[int, Any]] = {v: {} for v in range(len(sample.views))}
    ready = 0
    for number, result in run.results(chunks):
        v, f = places[number]
        found[v][f] = result
        bar.advance()
        while ready < len(sample.views) and len(found[ready]) == len(sample.views[ready].files):
            yield _joined(sample.views[ready], found.pop(ready), skipped, in_pieces=run.in_pieces)
            ready += 1


def _joined(view: ViewFiles, results: dict[int, Any], skipped: dict[str, str], *, in_pieces: bool) -> ViewIndex:
    failures = {view.files[f].path: one.error for f, one in sorted(results.items()) if isinstance(one, Failure)}
    for path, error in failures.items():
        _log.warning("skipped: %s", error)
        skipped[path] = error
    good = [f for f, one in sorted(results.items()) if not isinstance(one, Failure)]
    if not good:
        raise InputFileError(f"none of the files of {view.dataset!r} can be used", got=next(iter(failures.values())))
    whole = ViewIndex.join(replace(view, files=tuple(view.files[f] for f in good)), [results[f][0] for f in good])
    return replace(whole, pieces=tuple(results[f][1] for f in good)) if in_pieces else whole
