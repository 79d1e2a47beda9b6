"""How HistFactory interpolates between templates, with derivatives (CERN-OPEN-2012-016, section 4.1).

Beyond one standard deviation rates go on exponentially and shapes linearly; in between a polynomial of sixth order
joins them, with two derivatives for rates. pyhf calls these ``code4`` and ``code4p``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["RateInterpolation", "ShapeInterpolation"]

Array = NDArray[np.float64]
_POWERS = np.arange(1, 7)


class RateInterpolation:
    """Factors of 1 at nominal.

    Args:
        up, down: factors at +1 and -1 standard deviation, positive [n].
    """

    def __init__(self, up: Array, down: Array) -> None:
        self._log_up, self._log_down = np.log(up), np.log(down)
        # Value and two derivatives at +1, then at -1, of sum_k a_k x^k are those of the exponentials.
        rows = [
            row
            for side in (1.0, -1.0)
            for row in (
                side**_POWERS,
                _POWERS * side ** (_POWERS - 1),
                _POWERS * (_POWERS - 1) * side ** (_POWERS - 2.0),
            )
        ]
        wanted = [up - 1, up * self._log_up, up * self._log_up**2]
        wanted += [down - 1, -down * self._log_down, down * self._log_down**2]
        self._coefficients = np.linalg.solve(np.array(rows), np.array(wanted))

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """Factors and their derivatives at these standard deviations [n each]."""
        inside = np.abs(x) < 1
        near = np.where(inside, x, 0.0)
        value, slope = np.zeros_like(near), np.zeros_like(near)
        for coefficient in self._coefficients[::-1]:  # Horner, and its derivative
            value, slope = value * near + coefficient, slope * near + value
        value, slope = 1 + value * near, slope * near + value
        rate = np.where(x > 0, self._log_up, -self._log_down)
        outside = np.exp(np.where(inside, 0.0, x) * rate)
        return np.where(inside, value, outside), np.where(inside, slope, rate * outside)


class ShapeInterpolation:
    """Changes of a content of a bin, 0 at nominal.

    Args:
        up, down: changes at +1 and -1 standard deviation [n].
    """

    def __init__(self, up: Array, down: Array) -> None:
        self._up, self._down = up, -down
        self._even, self._odd = (up - down) / 2, (up + down) / 16

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """Changes and their derivatives at these standard deviations [n each]."""
        inside = np.abs(x) < 1
        y = np.where(inside, x, 0.0) ** 2
        value = x * self._even + self._odd * y * (15 + y * (3 * y - 10))
        slope = self._even + self._odd * x * (30 + y * (18 * y - 40))
        rate = np.where(x > 0, self._up, self._down)
        return np.where(inside, value, x * rate), np.where(inside, slope, rate)
