"""Smooth the relative effect of a variation, bin by bin, with its statistical error where it is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.fits.config.blocks import Smoothing

__all__ = ["smooth_shift"]

_BANDWIDTH = 0.6
"""Fraction of the bins that a local line sees."""


def smooth_shift(
    nominal: NDArray[np.float64], varied: NDArray[np.float64], error: NDArray[np.float64] | None, method: Smoothing
) -> NDArray[np.float64]:
    """Smooth ``varied / nominal`` and keep the total of ``varied``.

    Args:
        nominal, varied: yields [n_bins].
        error: statistical error of ``varied - nominal`` [n_bins]; weighs the bins in ``lowess``.
        method: ``353QH`` (running medians, Friedman, CERN School of Computing 1974, p. 292, cds.cern.ch/record/186223;
            applied twice, blind to errors, as in cabinetry), or ``lowess``
            (local weighted lines: Cleveland, J. Am. Stat. Assoc. 74 (1979) 829), or ``none``.

    Returns:
        Smoothed yields [n_bins]; bins without nominal yield and templates of fewer than three bins stay as they are.
    """
    filled = nominal > 0
    if method == "none" or filled.sum() < 3:
        return varied
    ratio = varied[filled] / nominal[filled]
    if method == "353QH":
        from cabinetry.smooth import smooth_353qh_twice

        smoothed = np.asarray(smooth_353qh_twice(ratio), dtype=np.float64)
    else:
        smoothed = _local_lines(ratio, None if error is None else error[filled] / nominal[filled])
    result = varied.copy()
    result[filled] = np.maximum(smoothed, 0.0) * nominal[filled]
    total = result[filled].sum()
    if total > 0:
        result[filled] *= varied[filled].sum() / total
    return result


def _local_lines(values: NDArray[np.float64], error: NDArray[np.float64] | None) -> NDArray[np.float64]:
    n = len(values)
    position = np.arange(n, dtype=np.float64)
    reach = max(_BANDWIDTH * n, 2.0)
    # A bin without an error would fix the curve alone; it counts like the best of the others.
    known = error is not None and bool((error > 0).any())
    precision = np.ones(n)
    if known and error is not None:
        precision = 1 / np.where(error > 0, error, error[error > 0].min()) ** 2
    smoothed = np.empty(n)
    for i in range(n):
        distance = np.abs(position - position[i]) / reach
        weight = np.where(distance < 1, (1 - np.minimum(distance, 1) ** 3) ** 3, 0.0) * precision
        root = np.sqrt(weight)
        design = np.stack([np.ones(n), position - position[i]], axis=1) * root[:, None]
        smoothed[i] = np.linalg.lstsq(design, values * root, rcond=None)[0][0]
    return smoothed
