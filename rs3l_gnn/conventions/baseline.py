"""The classical baseline that trained taggers are compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["N2_SCALE", "n2_score"]

N2_SCALE = 0.5
"""N2 that gets the score 0; one-prong jets lie below it."""


def n2_score(n2: ArrayLike) -> NDArray[np.float64]:
    """N2 as a score: 1 - N2 / 0.5, clipped to [0, 1], high for two prongs.

    N2 is the ratio of energy correlators 2e3 / (1e2)^2 of arXiv:1609.07483 with beta = 1. Jets whose groomed content
    has fewer than three particles have no three-particle correlator: N2 would be exactly 0, or is stored as a negative
    number or NaN. There is nothing that tells two prongs from one in such a jet, so it is not tagged: score 0. A true
    N2 is never exactly 0.

    Args:
        n2: the ratio [n].

    Returns:
        Scores [n].
    """
    values = np.asarray(n2, dtype=np.float64)
    defined = values > 0  # False for NaN
    return np.where(defined, np.clip(1 - np.where(defined, values, N2_SCALE) / N2_SCALE, 0.0, 1.0), 0.0)
