"""Which events are analysed: certified luminosity blocks, the expressions of the configuration, a processor's own."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.processors.certified import certified_events
from rs3l_gnn.processors.columns import Columns
from rs3l_gnn.processors.config import ProcessorConfig
from rs3l_gnn.processors.hooks import call, event_mask

__all__ = ["SELECT", "event_steps", "select_events"]

SELECT = "select"
"""Step of the cutflow after a processor's own selection."""


def event_steps(config: ProcessorConfig) -> tuple[str, ...]:
    """Names of the conditions of a configuration on events, in their order."""
    certified = ("certified",) if config.certified is not None else ()
    return (*certified, *(f"event {name}" for name in config.events))


def select_events(
    config: ProcessorConfig,
    columns: Columns,
    kept: NDArray[np.bool_],
    *,
    simulation: bool,
    select: Callable[[ak.Array], Any] | None = None,
) -> dict[str, NDArray[np.bool_]]:
    """Events that are left after each of :func:`event_steps` and, as :data:`SELECT`, after a function [n_events] each.

    Args:
        config: the conditions.
        columns: the events, with the jets of one view.
        kept: the events to begin with.
        simulation: True for simulation, which nobody certifies.
        select: gives True for the events that are kept.
    """
    masks = []
    if config.certified is not None:
        masks.append(np.ones_like(kept) if simulation else certified_events(columns.events, config.certified))
    conditions = {where: text for where, text in config.expressions.items() if where.startswith("events.")}
    masks += [columns.events_where(expression, where) for where, expression in conditions.items()]
    names = [*event_steps(config)]
    if select is not None:
        found = call(select, columns.moved_events(), where="the processor's select")
        masks.append(event_mask(found, len(kept), where="the processor's select"))
        names.append(SELECT)
    left = list(accumulate(masks, np.logical_and, initial=kept))
    return dict(zip(names, left[1:], strict=True))
