"""The sum of generator weights of a file before anybody skimmed it, as NanoAOD's tree ``Runs`` holds it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import uproot

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.conventions.expansion import bound_baskets

__all__ = ["RUNS_KEY", "GeneratedEvents", "generated_events", "generated_sumw", "look_into_runs"]

bound_baskets()

RUNS_KEY = "rs3l_generated"
"""Key of a chunk's metadata that holds :class:`GeneratedEvents` of its file as a mapping."""
_SUMW = ("genEventSumw", "genEventSumw_", "Runs_genEventSumw")  # NanoAOD, some older versions, copies of the tree
_COUNT = ("genEventCount", "genEventCount_", "Runs_genEventCount")


@dataclass(frozen=True, order=True)
class GeneratedEvents:
    """What a file says about the events that it was made from.

    Attributes:
        path: path or URL.
        events: entries of its tree of events.
        sumw: sum of the generator weights of all events before any skim, None where the file does not say it.
    """

    path: str
    events: int
    sumw: float | None


def look_into_runs(path: str, opened: Any, events: int) -> GeneratedEvents:
    """Read the tree ``Runs`` of an open file.

    Args:
        path: for messages and as the file's name.
        opened: the file in uproot.
        events: entries of its tree of events.

    Raises:
        InvalidDataError: the tree counts fewer events than the file holds, so that it is not that of these events.
    """
    if "Runs" not in opened.keys(cycle=False):
        return GeneratedEvents(path, events, None)
    tree = opened["Runs"]
    names = set(tree.keys())
    total: dict[str, float | None] = {}
    for what, known in (("sumw", _SUMW), ("count", _COUNT)):
        name = next((name for name in known if name in names), None)
        total[what] = None if name is None else math.fsum(tree[name].array(library="np"))
    if total["count"] is not None and total["count"] < events:
        raise InvalidDataError(
            f"the tree Runs of {path} counts fewer events than the file holds",
            got=int(total["count"]),
            allowed=f"{events} or more",
            hint="it was lost or copied from another file in a merge; merge the files anew (haddnano.py adds it up)",
        )
    return GeneratedEvents(path, events, total["sumw"])


@lru_cache(maxsize=1024)
def _of_path(path: str, tree: str) -> GeneratedEvents:
    with uproot.open({path: None}) as opened:
        return look_into_runs(path, opened, int(opened[tree].num_entries))


def generated_events(metadata: Mapping[str, Any]) -> GeneratedEvents | None:
    """Of the file of a chunk: from its metadata, or from the file itself; None for events without a file.

    Args:
        metadata: of the chunk.
    """
    if RUNS_KEY in metadata:
        return GeneratedEvents(**metadata[RUNS_KEY])
    path, tree = metadata.get("filename"), metadata.get("treename")
    return None if path is None or tree is None else _of_path(str(path), str(tree))


def generated_sumw(files: Iterable[GeneratedEvents], processed: Mapping[str, int]) -> float | None:
    """Sum of generator weights that the processed events stand for; None where a file does not say it.

    A file that was processed in part stands for that part of its sum.

    Args:
        files: of one data set.
        processed: path -> events processed.
    """
    sums = []
    for file in sorted(files, key=lambda file: file.path):
        if file.sumw is None:
            return None
        done = processed[file.path]
        sums.append(file.sumw if done == file.events else file.sumw * done / file.events)
    return math.fsum(sums) if sums else None
