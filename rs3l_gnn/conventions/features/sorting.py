"""Sorting many short lists by a compiled loop; NumPy sorts all of them together, which takes several times as long."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.compiling import compile_loop

__all__ = ["LONGEST", "order_of_falling"]

LONGEST = 400
"""Elements of the longest list that this is made for: the work grows with the square of their number."""


@compile_loop
def order_of_falling(values: NDArray[np.floating], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the elements, list after list, by falling value; ties keep their order, what is no number comes last.

    Args:
        values: elements of all lists [n].
        offsets: first element of each list, and the end [n_lists + 1].
    """
    order = np.empty(len(values), np.int64)
    for one in range(len(offsets) - 1):
        first = offsets[one]
        for place in range(first, offsets[one + 1]):
            value, free = values[place], place
            while free > first and not np.isnan(value) and not values[order[free - 1]] >= value:
                order[free] = order[free - 1]
                free -= 1
            order[free] = place
    return order
