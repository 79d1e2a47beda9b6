"""Whether two templates of the same or of other events agree within their statistical errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.yields import Relation, Yields

__all__ = [
    "ClosureTest",
    "Compatibility",
    "ShiftRecord",
    "combined_p_value",
    "compatibility",
    "corrected",
    "difference_test",
]

# Of the variance before variances and covariances cancel: what is left by rounding, and what by no rounding.
_ROUNDING = 1e-12
_INCONSISTENT = 1e-6


@dataclass(frozen=True)
class Compatibility:
    """A chi^2 test: its value, its degrees of freedom, and the p-value (1 without any)."""

    chi2: float
    degrees: int
    p_value: float


@dataclass(frozen=True)
class ClosureTest:
    """The ``seed`` view of a sample in a channel beside nominal: rate factor, and test where the relation is known."""

    channel: str
    sample: str
    rate: float
    test: Compatibility | None

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {"channel": self.channel, "sample": self.sample, "rate": self.rate, **_record(self.test)}


@dataclass(frozen=True)
class ShiftRecord:
    """A shift for the report: rate factors, how its simulated sides are related to nominal and differ from it.

    Attributes:
        tests: by side, ``up`` and ``down`` as far as they were simulated.
        p_value: of the smaller p-value, corrected for the number of sides; None where one is unknown.
    """

    channel: str
    sample: str
    nuisance: str
    rate_up: float
    rate_down: float
    tests: Mapping[str, Compatibility | None]
    p_value: float | None
    relation: Relation

    def record(self) -> dict[str, Any]:
        """For JSON."""
        sides = {f"{side}_{key}": value for side, test in self.tests.items() for key, value in _record(test).items()}
        names = ("channel", "sample", "nuisance", "rate_up", "rate_down")
        return {
            **{name: getattr(self, name) for name in names},
            **sides,
            "p_value": self.p_value,
            "relation": self.relation,
            "paired": self.relation == "known",
        }


def _record(test: Compatibility | None) -> dict[str, float | None]:
    return {key: None if test is None else getattr(test, key) for key in ("chi2", "degrees", "p_value")}


def compatibility(
    difference: NDArray[np.float64], covariance: NDArray[np.float64], scale: NDArray[np.float64]
) -> Compatibility:
    r"""Test whether a difference of two templates is a fluctuation: :math:`\chi^2 = d^T C^+ d`, as many degrees as the
    rank of :math:`C`.

    Events that move between bins make these fall and rise together, and where they only move, the total has no
    variance: the pseudo-inverse leaves such directions out, and the rank counts what is left. A difference in one of
    them that is more than rounding is one that no event can make; it counts with the rounding as its width.

    Args:
        difference: [n_bins].
        covariance: its covariance [n_bins, n_bins].
        scale: variances before the common part was taken away, which say what is rounding [n_bins].

    Raises:
        FitError: the covariance has negative eigenvalues.
    """
    from scipy.stats import chi2

    filled = scale > 0
    width = np.sqrt(scale[filled])
    if not filled.any():
        return Compatibility(0.0, 0, 1.0)
    eigenvalues, vectors = np.linalg.eigh(covariance[np.ix_(filled, filled)] / np.outer(width, width))
    if eigenvalues.min() < -_INCONSISTENT:
        raise FitError(
            "the covariance of two templates is not one of events",
            got=f"an eigenvalue of {eigenvalues.min():.2g} times the variance",
            hint="templates and covariances do not belong together",
        )
    known = eigenvalues > _ROUNDING * len(eigenvalues)
    squares = (vectors.T @ (difference[filled] / width)) ** 2
    value, degrees = float((squares[known] / eigenvalues[known]).sum()), int(known.sum())
    impossible = squares[~known].sum()
    if impossible > _ROUNDING:
        value, degrees = value + impossible / _ROUNDING, degrees + 1
    return Compatibility(value, degrees, float(chi2.sf(value, degrees)) if degrees else 1.0)


def corrected(p_values: Sequence[float]) -> float:
    r"""The probability that the smallest of several p-values is as small as it is: :math:`1 - (1 - p_{min})^k` (Sidak).

    Exact for independent tests. Chi^2 tests of Gaussian differences with a common part, such as the nominal template in
    up and down, come out on the safe side (Gaussian correlation inequality: Royen, arXiv:1408.1028).
    """
    if not p_values:
        return 1.0
    return float(-np.expm1(len(p_values) * np.log1p(-min(p_values)))) if min(p_values) < 1 else 1.0


def combined_p_value(tests: Iterable[Compatibility | None]) -> float | None:
    """The corrected p-value of several tests, None where one of them could not be made."""
    known = [None if test is None else test.p_value for test in tests]
    return None if None in known else corrected([value for value in known if value is not None])


def difference_test(
    varied: Yields, nominal: Yields, *, effect: Literal["norm_shape", "norm", "shape"] = "norm_shape"
) -> Compatibility | None:
    """Test whether a varied template differs from nominal, or its rate, or its shape at the nominal total.

    Args:
        varied, nominal: yields before anything was clipped or smoothed.
        effect: what is compared.

    Returns:
        None where nobody knows how the two are correlated.
    """
    total = nominal.values.sum()
    rate = float(varied.values.sum() / total) if effect == "shape" and total > 0 else 0.0
    difference = varied.less(nominal, rate=rate if rate > 0 else 1.0)
    if varied.relation == "unknown" or difference is None:
        return None
    n = len(nominal.values)
    if rate > 0:
        # d(V/r - N) = (1 - p 1^T)(dV/r - dN) with r = sum V / sum N and p = V / sum V, to first order.
        project = np.eye(n) - np.outer(varied.values / varied.values.sum(), np.ones(n))
        values = difference.values
    else:
        project = np.ones((1, n)) if effect == "norm" else np.eye(n)
        values = project @ difference.values
    scale = np.diag(project @ np.diag(difference.scale) @ project.T).copy()
    return compatibility(values, project @ difference.covariance @ project.T, scale)
