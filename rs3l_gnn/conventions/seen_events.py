"""Which events a network was trained on, as its checkpoint says, and which of an analysis are among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rs3l_gnn.conventions.config import parse_config
from rs3l_gnn.conventions.errors import CheckpointError, ConfigError
from rs3l_gnn.conventions.splits import Split, SplitFractions, split_of

__all__ = ["SEEN_EVENTS", "seen_by", "seen_record", "splits_of"]

SEEN_EVENTS = "seen_events"
"""Key of a checkpoint's provenance with a list of :func:`seen_record`, one for each training that made the weights."""


def seen_record(what: str, samples: Iterable[str], splits: SplitFractions) -> dict[str, Any]:
    """What a checkpoint says of one training: it has seen whatever is not on the test side.

    A training on a part of those events, and the events that chose the epoch, count as all of them.

    Args:
        what: ``pre-training`` or ``fine-tuning``.
        samples: whose events it drew from.
        splits: that it used.
    """
    return {"training": what, "samples": sorted(set(samples)), "splits": splits.model_dump(mode="json")}


def splits_of(record: Mapping[str, Any], *, where: str) -> SplitFractions:
    """The splits of a record.

    Raises:
        CheckpointError: it is damaged.
    """
    try:
        return parse_config(SplitFractions, dict(record["splits"]), where=where)
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise CheckpointError(f"{where}: the record of its training events is damaged", got=record) from error


def seen_by(records: Iterable[Mapping[str, Any]], sample: str, event: ArrayLike, *, where: str) -> NDArray[np.bool_]:
    """True for the events that one of some trainings has seen [n].

    Args:
        records: of a checkpoint.
        sample: name of the sample that the events belong to; trainings know events by its name and their number.
        event: event numbers [n].
        where: the checkpoint, for messages.

    Raises:
        CheckpointError: a record is damaged.
    """
    seen = np.zeros(np.shape(event), dtype=bool)
    for record in records:
        splits = splits_of(record, where=where)
        if sample in record.get("samples", ()):
            seen |= split_of(sample, event, splits) != Split.TEST
    return seen
