"""Power laws through the points of a curve, for extrapolations that say how sure they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.evaluation.results import Crossing, PowerLawPrediction

__all__ = ["PowerLaw", "fit_power_law"]

_LOW, _HIGH = 0.16, 0.84
_USABLE = 0.95


@dataclass(frozen=True)
class PowerLaw:
    """y = amplitude * x ** exponent.

    Attributes:
        logs: log(amplitude) and exponent [2].
        replicas: both in every replica [n_replicas, 2].
        chi2: of the fit in log(y), with errors taken as independent.
        n_points: points that were fitted.
    """

    logs: NDArray[np.float64]
    replicas: NDArray[np.float64]
    chi2: float
    n_points: int

    def at(self, x: NDArray[np.floating]) -> NDArray[np.float64]:
        """y at some x [n]."""
        return np.asarray(np.exp(self.logs[0] + self.logs[1] * np.log(x)))

    def band(self, x: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """68 % interval of y at some x, from the replicas: lower and upper bound [n]."""
        drawn = np.exp(self.replicas[:, :1] + self.replicas[:, 1:] * np.log(x)[None, :])
        low, high = np.quantile(drawn, [_LOW, _HIGH], axis=0)
        return low, high

    def crossing(self, y: float) -> Crossing:
        """x at which the law reaches y; None where it never does (no rise, or beyond 1e300)."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            logs = np.where(self.replicas[:, 1] > 0, (np.log(y) - self.replicas[:, 0]) / self.replicas[:, 1], np.inf)
            central = (np.log(y) - self.logs[0]) / self.logs[1] if self.logs[1] > 0 else np.inf
        low, high = np.quantile(logs, [_LOW, _HIGH], method="inverted_cdf").tolist()
        bounds = [float(np.exp(log)) if log < np.log(1e300) else None for log in (float(central), low, high)]
        return Crossing(bounds[0], (bounds[1], bounds[2]))

    def prediction(self, x: float) -> PowerLawPrediction:
        """The parameters, and what they say at x."""
        low, high = self.band(np.array([x]))
        return PowerLawPrediction(
            amplitude=float(np.exp(self.logs[0])),
            exponent=float(self.logs[1]),
            exponent_error=float(self.replicas[:, 1].std(ddof=1)),
            chi2=self.chi2,
            degrees_of_freedom=self.n_points - 2,
            x=x,
            value=float(self.at(np.array([x]))[0]),
            interval=(float(low[0]), float(high[0])),
        )


def fit_power_law(
    x: Sequence[float], y: Sequence[float | None], replicas: Sequence[NDArray[np.float64]]
) -> PowerLaw | None:
    """Fit a straight line to log(y) against log(x), weighted by the errors, in the data and in every replica.

    Points that are not positive have no logarithm and are left out, and so are those that are not positive (or not
    finite) in more than 5 % of the replicas; in fewer, the smallest positive value of the point stands in.

    Args:
        x: positive [n_points].
        y: None where unknown [n_points].
        replicas: of each y [n_points][n_replicas]; replicas of different points belong together.

    Returns:
        None with fewer than two usable points.
    """
    usable = []
    for position, value, drawn in zip(x, y, replicas, strict=True):
        good = np.isfinite(drawn) & (drawn > 0)
        if value is not None and value > 0 and good.mean() >= _USABLE:
            usable.append((position, value, np.where(good, drawn, drawn[good].min())))
    if len(usable) < 2:
        return None
    logs = np.log(np.array([value for _, value, _ in usable]))
    drawn = np.log(np.stack([drawn for _, _, drawn in usable]))
    errors = np.maximum(drawn.std(axis=1, ddof=1), 1e-9)
    places = np.log(np.array([position for position, _, _ in usable]))
    design = np.stack([np.ones(len(usable)), places], axis=1) / errors[:, None]
    solve = np.linalg.pinv(design)
    parameters = solve @ (logs / errors)
    return PowerLaw(
        logs=parameters,
        replicas=(solve @ (drawn / errors[:, None])).T,
        chi2=float(np.sum((design @ parameters - logs / errors) ** 2)),
        n_points=len(usable),
    )
