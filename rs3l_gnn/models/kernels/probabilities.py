"""What a head does beside its layers, in numpy: a few operations a jet, fewer than a compilation would cost.

Each row is the same to the last bit, whichever other rows there are: sums go over columns, one after another.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["directions", "probabilities"]

_LARGEST = 709.0
"""exp of more is infinite in double precision."""


def directions(z: NDArray[Any]) -> NDArray[Any]:
    """Rows [n, dim] divided by their lengths; a row of zeros stays."""
    length = np.sqrt(_sum([np.square(column, dtype=np.float64) for column in z.T], len(z)))
    return np.asarray(z / np.maximum(length, 1e-12)[:, None], dtype=z.dtype)


def probabilities(logits: NDArray[Any]) -> NDArray[Any]:
    """Probabilities [n, classes] of logits [n, classes]: logistic for one class, else softmax."""
    if logits.shape[1] == 1:
        found = 1.0 / (1.0 + _exp(-logits.astype(np.float64)))
    else:
        powers = _exp((logits - logits.max(axis=1, keepdims=True)).astype(np.float64))
        found = powers / _sum(powers.T, len(powers))[:, None]
    return np.asarray(found, dtype=logits.dtype)


def _sum(columns: Any, n: int) -> NDArray[np.float64]:
    total = np.zeros(n)
    for column in columns:
        total += column
    return total


def _exp(x: NDArray[np.float64]) -> NDArray[np.float64]:
    # Not numpy's, which is rounded in another way on another processor.
    values = np.minimum(x, _LARGEST).ravel().tolist()
    return np.fromiter(map(math.exp, values), np.float64, len(values)).reshape(x.shape)
