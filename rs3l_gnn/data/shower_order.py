"""What the entries of PSWeight vary, from the file that holds them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from rs3l_gnn.conventions.scales import weight_name

__all__ = ["PS_WEIGHT", "documented_order", "stored_order"]

PS_WEIGHT = "PSWeight"
"""Branch of shower weights in NanoAOD, and in ours."""
_DOCUMENTED = re.compile(r"\[(\d+)\] is ISR=([\d.]+) FSR=([\d.]+)")


def documented_order(title: str, recorded: Sequence[str] | None) -> tuple[str | None, ...]:
    """What the entries of PSWeight vary, as far as the file itself says it; nothing is taken from places alone.

    Args:
        title: of the branch, where NanoAOD writes its documentation.
        recorded: what our own files record.

    >>> documented_order("PS weights (w_var / w_nominal);   [0] is ISR=2 FSR=1; [1] is ISR=1 FSR=2", None)
    ('isr:muRfac=2.0', 'fsr:muRfac=2.0')
    """
    if recorded:
        return tuple(weight_name(name) or name for name in recorded)
    found = {int(place): f"isr:muRfac={isr} fsr:muRfac={fsr}" for place, isr, fsr in _DOCUMENTED.findall(title)}
    return tuple(weight_name(found[place]) if place in found else None for place in range(max(found, default=-1) + 1))


def stored_order(tree: Any, branches: Collection[str], recorded: Sequence[str] | None) -> tuple[str | None, ...]:
    """The same from an open tree; empty for one without PSWeight.

    Args:
        tree: of uproot.
        branches: names of its branches.
        recorded: as for :func:`documented_order`.
    """
    return documented_order(str(tree[PS_WEIGHT].title), recorded) if PS_WEIGHT in branches else ()
