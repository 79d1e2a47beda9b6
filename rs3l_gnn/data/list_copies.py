"""Lists of rows put to their places by a compiled loop, without an index of every row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.compiling import compile_loop

__all__ = ["put_lists"]


@compile_loop
def put_lists(
    target: NDArray[np.float32], start: NDArray[np.int64], rows: NDArray[np.float32], offsets: NDArray[np.int64]
) -> None:
    """Copy lists of rows, each to its place.

    Args:
        target: is filled [n_target, width].
        start: row of the target where each list begins [n_lists].
        rows: of all lists, one after another [n_rows, width].
        offsets: first row of each list, and the end [n_lists + 1].
    """
    for one in range(len(start)):
        shift = start[one] - offsets[one]
        for row in range(offsets[one], offsets[one + 1]):
            for column in range(rows.shape[1]):
                target[row + shift, column] = rows[row, column]
