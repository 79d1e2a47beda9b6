"""Luminosity blocks that an experiment certifies as good for physics, from its JSON file (CMS: golden JSON)."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError, MissingBranchError
from rs3l_gnn.conventions.inputs import read_json

__all__ = ["certified_events", "read_certified"]

_ALLOWED = '{"run": [[first block, last block], ...], ...}'
_LARGEST = 2**32 - 1
"""Runs and blocks are numbers of 32 bits, in events and in coffea's mask."""


def read_certified(path: Path) -> dict[int, list[list[int]]]:
    """Ranges of luminosity blocks by run, both ends included.

    Raises:
        InputFileError: the file is missing or holds something else, or ranges that do not rise.
    """
    document = read_json(path, what="the certified blocks")
    if not isinstance(document, dict) or not document:
        raise InputFileError(f"{path} holds no certified blocks", allowed=_ALLOWED)
    return {_run(path, run): _ranges(path, run, ranges) for run, ranges in document.items()}


def _run(path: Path, run: str) -> int:
    if not run.isdecimal():
        raise InputFileError(f"{path} has a run that is no number", got=repr(run), allowed=_ALLOWED)
    if len(run) > len(str(_LARGEST)) or int(run) > _LARGEST:
        raise InputFileError(f"{path} has a run beyond 32 bits", got=run)
    return int(run)


def _ranges(path: Path, run: str, ranges: Any) -> list[list[int]]:
    if not isinstance(ranges, list) or not all(
        isinstance(one, list) and len(one) == 2 and all(type(end) is int and end >= 0 for end in one) for one in ranges
    ):
        raise InputFileError(f"{path} has no ranges of blocks for run {run}", got=ranges, allowed=_ALLOWED)
    ends = [end for one in ranges for end in one]
    if ends and max(ends) > _LARGEST:
        raise InputFileError(f"{path} has a block beyond 32 bits in run {run}", got=max(ends))
    # One block may make a range, and begin where none but the next one lies.
    rising = all(low <= high for low, high in ranges) and all(one[1] < next_[0] for one, next_ in pairwise(ranges))
    if ends and not rising:
        raise InputFileError(f"{path} has ranges of run {run} that do not rise, or overlap", got=ranges)
    return [list(one) for one in ranges]


@lru_cache(maxsize=8)
def _mask(path: str) -> Any:
    from coffea.lumi_tools import LumiMask

    read_certified(Path(path))
    return LumiMask(path)


def certified_events(events: Any, path: Path) -> NDArray[np.bool_]:
    """True for the events in certified luminosity blocks [n_events].

    Args:
        events: with run and luminosityBlock.
        path: the JSON file, which is read once in a process.

    Raises:
        InputFileError: the file is not usable.
        MissingBranchError: the events do not say where they come from.
    """
    missing = [name for name in ("run", "luminosityBlock") if name not in events.fields]
    if missing:
        raise MissingBranchError(f"the events lack {', '.join(missing)}, which certified blocks are found by")
    run, block = (np.asarray(events[name]).astype(np.uint32) for name in ("run", "luminosityBlock"))
    return np.asarray(_mask(str(path))(run, block))
