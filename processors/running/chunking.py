"""How files are cut into chunks: large enough to be fast, small enough to fit into a worker's memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Any
from uuid import UUID

from rs3l_gnn.processors.config import AnalysisConfig
from rs3l_gnn.processors.files import FileInfo
from rs3l_gnn.processors.generated import RUNS_KEY
from rs3l_gnn.processors.running.fileset import Dataset

__all__ = ["chunk_metadata", "events_in_chunk", "events_that_fit", "work_items"]

# A chunk takes about 60 bytes for each candidate of its events, 210 with shifts of candidates, beside the 500 MB of
# the libraries: both limits leave a worker below 1.0 GB.
_CANDIDATES = 2_400_000
_CANDIDATES_WITH_SHIFTS = 1_200_000
_FEWEST, _MOST = 100, 20_000


def events_in_chunk(config: AnalysisConfig, info: FileInfo) -> int:
    """Most events in one chunk of a file: ``run.chunksize``, or as many as the candidates in the file allow."""
    if config.run.chunksize is not None:
        return config.run.chunksize
    return events_that_fit(info, shifts=bool(config.systematics.candidates))


def events_that_fit(info: FileInfo, *, shifts: bool = False) -> int:
    """As many events of a file as a worker's memory holds with their candidates, with or without shifts of these."""
    room = _CANDIDATES_WITH_SHIFTS if shifts else _CANDIDATES
    return int(min(max(room / max(info.candidates, 1.0), _FEWEST), _MOST))


def chunk_metadata(item: Any) -> dict[str, Any]:
    """All that is known of a chunk, as coffea's Runner tells it to a processor.

    Args:
        item: coffea's work item.
    """
    return {
        "dataset": item.dataset,
        "filename": item.filename,
        "treename": item.treename,
        "entrystart": item.entrystart,
        "entrystop": item.entrystop,
        "fileuuid": str(UUID(bytes=item.fileuuid)) if item.fileuuid else "",
        **item.usermeta,
    }


def work_items(
    config: AnalysisConfig, datasets: Mapping[str, Dataset], files: Iterable[FileInfo]
) -> tuple[list[Any], int]:
    """Work items of coffea's Runner, in the order of the files, and how many were left out by ``run.limit_chunks``.

    The chunks of a file are of equal size, but for one event.
    """
    from coffea.processor.executor import WorkItem

    of_dataset: dict[str, list[Any]] = {name: [] for name in datasets}
    for info in files:
        metadata = datasets[info.dataset].user_metadata()
        if info.generated is not None:
            metadata[RUNS_KEY] = asdict(info.generated)
        # A file without events is still a chunk, so that its data set has an entry of zeros.
        n_chunks = max(-(-info.events // events_in_chunk(config, info)), 1)
        edges = [info.events * number // n_chunks for number in range(n_chunks + 1)]
        of_dataset[info.dataset] += [
            WorkItem(info.dataset, info.path, info.tree, start, stop, info.uuid, metadata)
            for start, stop in pairwise(edges)
        ]
    limit = config.run.limit_chunks
    kept = [item for items in of_dataset.values() for item in items[:limit]]
    return kept, sum(len(items) for items in of_dataset.values()) - len(kept)
