"""No more jets of a label than wanted, chosen by event."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import event_hash

__all__ = ["within_caps"]


def within_caps(
    caps: Mapping[int, int],
    sample: str,
    number: NDArray[np.int64],
    label: NDArray[np.integer],
    jets: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Jets that stay, whatever the order of files; all events have the same chance, on whatever side of a split.

    Args:
        caps: label -> most jets of it.
        sample: name of the sample.
        number: of the event of every jet [n_jets].
        label: of every jet [n_jets].
        jets: to choose from, rising [n].

    Returns:
        Chosen jets, rising.
    """
    keep = np.ones(len(jets), dtype=bool)
    for kind, most in caps.items():
        mine = np.flatnonzero(label[jets] == kind)
        # Another hash than that of the split, whose smallest values are all on one side.
        order = np.argsort(event_hash(f"{sample}: caps", number[jets[mine]]), kind="stable")
        keep[mine[order[most:]]] = False
    return jets[keep]
