"""Random numbers of jets and candidates that depend on the event and the object only, never on chunks or views."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import MissingBranchError, event_hash
from rs3l_gnn.data import event_numbers

__all__ = ["normal_numbers", "numbers_to_draw_by", "object_keys"]

_MAX_OBJECTS = 1 << 12  # objects of one kind in an event, for a number that is unique to (event, object)


def numbers_to_draw_by(events: Any) -> NDArray[np.uint64]:
    """Event numbers [n_events].

    Raises:
        MissingBranchError: the layout has none.
    """
    numbers = event_numbers(events)
    if numbers is None:
        raise MissingBranchError(
            "the events have no numbers, which random numbers of jets and candidates are drawn by",
            got=", ".join(sorted(events.fields)),
        )
    return numbers


def object_keys(event: NDArray[np.uint64], counts: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A key for each object that no other one has [n].

    Args:
        event: event numbers [n_events].
        counts: objects of each event [n_events].
        number: of each object within its event [n].
    """
    return np.repeat(event, counts) * np.uint64(_MAX_OBJECTS) + number.astype(np.uint64)


def normal_numbers(stream: str, keys: NDArray[np.uint64]) -> NDArray[np.float64]:
    """A normal number for each key, another one in each stream [n]."""
    # Box and Muller, Ann. Math. Statist. 29 (1958) 610; 1 - u lies in (0, 1].
    radius = np.sqrt(-2 * np.log(1 - event_hash(f"{stream}-radius", keys)))
    return np.asarray(radius * np.cos(2 * np.pi * event_hash(f"{stream}-angle", keys)))
