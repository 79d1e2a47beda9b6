"""Which events are analysed: certified luminosity blocks, and the expressions of the configuration."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.processors.certified import certified_events
from rs3l_gnn.processors.columns import Columns
from rs3l_gnn.processors.config import ProcessorConfig

__all__ = ["event_steps", "select_events"]


def event_steps(config: ProcessorConfig) -> tuple[str, ...]:
    """Names of the conditions on events, in their order."""
    certified = ("certified",) if config.certified is not None else ()
    return (*certified, *(f"event {name}" for name in config.events))


def select_events(
    config: ProcessorConfig, columns: Columns, kept: NDArray[np.bool_], *, simulation: bool
) -> list[NDArray[np.bool_]]:
    """Events that are left at first and after each of :func:`event_steps` [n_events] each.

    Args:
        config: the conditions.
        columns: the events, with the jets of one view.
        kept: the events to begin with.
        simulation: True for simulation, which nobody certifies.
    """
    masks = [kept]
    if config.certified is not None:
        masks.append(np.ones_like(kept) if simulation else certified_events(columns.events, config.certified))
    conditions = {where: text for where, text in config.expressions.items() if where.startswith("events.")}
    masks += [columns.events_where(expression, where) for where, expression in conditions.items()]
    return list(accumulate(masks, np.logical_and))
