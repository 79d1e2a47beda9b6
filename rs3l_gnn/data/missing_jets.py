"""Lists of jets with None in place of one, in awkward 1 and 2."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

__all__ = ["with_none", "without_none"]


def without_none(jets: ak.Array) -> ak.Array:
    """Lists of jets [event][jet] without the None among them."""
    if hasattr(ak, "drop_none"):
        return ak.drop_none(jets, axis=1)
    counts = ak.sum(~ak.is_none(jets, axis=1), axis=1)
    return ak.unflatten(ak.Array(ak.flatten(jets, axis=1).layout.project(), behavior=jets.behavior), counts)


def with_none(values: NDArray[Any], present: NDArray[np.bool_]) -> ak.Array:
    """Values [n, ...] at the places where ``present`` is True [n_entries], None elsewhere."""
    # The last row stands where nothing is; no row would do where all are missing.
    rows = np.concatenate([values, np.zeros((1, *values.shape[1:]), values.dtype)])
    place = np.where(present, np.cumsum(present) - 1, len(values))
    return ak.mask(ak.from_numpy(rows[place], regulararray=True), present)
