"""Shower weights of nominal events: which branches hold them, and what each of them varies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.conventions.jagged import first_not_finite
from rs3l_gnn.data.event_format import find_branch
from rs3l_gnn.data.event_tables import entry_columns

__all__ = ["WeightBranches", "named_weights", "read_shower_weights"]

WeightBranches = Mapping[str, tuple[str | None, ...]]
"""Branch -> what each of its entries varies, None for one that is left out."""


def named_weights(files: Iterable[WeightBranches]) -> tuple[str, ...]:
    """Names of the weights of several files, each once."""
    return tuple(
        dict.fromkeys(
            name for branches in files for entries in branches.values() for name in entries if name is not None
        )
    )


def read_shower_weights(
    events: ak.Array, branches: WeightBranches, names: Sequence[str], *, where: str
) -> NDArray[np.float32]:
    """Weights of each event relative to its own [n_events, n_names]; NaN for names that the file does not have.

    Args:
        events: with the branches.
        branches: what is where.
        names: of the columns.
        where: names the file in messages.

    Raises:
        InvalidDataError: another number of entries than names, or a weight that is not finite.
    """
    table = np.full((len(events), len(names)), np.nan, np.float32)
    for branch, entries in branches.items():
        values = _entries(find_branch(events, branch), branch, entries, where)
        for place, name in enumerate(entries):
            if name is not None:
                table[:, names.index(name)] = values[:, place]
    return table


def _entries(stored: ak.Array, branch: str, names: Sequence[str | None], where: str) -> NDArray[Any]:
    """A branch as one column for each name [n_events, n_names]."""
    if stored.ndim == 1:
        stored = stored[:, np.newaxis]
    values = entry_columns(
        stored,
        len(names),
        complaint=f"{where}: {branch} has another number of entries than names "
        f"({', '.join(name or '-' for name in names)})",
        hint="name each entry in events.shower_weights, - for those to leave out, or say none",
    )
    wanted = values[:, [name is not None for name in names]]
    if (place := first_not_finite(wanted)) is not None:
        raise InvalidDataError(f"{where}: {branch} holds {wanted[place]}", hint="leave its entry out by -")
    return values
