"""Whether two templates of the same or of other events agree within their statistical errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.templates.binning import Grouping
from rs3l_gnn.fits.templates.processes import FineYields

__all__ = ["Compatibility", "compatibility", "corrected", "difference_test"]

# Of the variance before variances and covariances cancel: what is left by rounding, and what by no rounding.
_ROUNDING = 1e-12
_INCONSISTENT = 1e-6


@dataclass(frozen=True)
class Compatibility:
    """A chi^2 test: its value, its degrees of freedom, and the p-value (1 without any)."""

    chi2: float
    degrees: int
    p_value: float


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


def difference_test(
    varied: FineYields,
    nominal: FineYields,
    grouping: Grouping,
    *,
    effect: Literal["norm_shape", "norm", "shape"] = "norm_shape",
) -> Compatibility | None:
    """Test whether a varied template differs from nominal, or its rate, or its shape at the nominal total.

    Args:
        varied, nominal: fine yields, before anything was clipped or smoothed.
        grouping: bins.
        effect: what is compared.

    Returns:
        None where nobody knows how the two are correlated.
    """
    if varied.relation == "unknown" or varied.variances is None or nominal.variances is None:
        return None
    before, after = grouping.add(nominal.values), grouping.add(varied.values)
    rate = after.sum() / before.sum() if before.sum() > 0 else 0.0
    if effect == "shape" and rate > 0:
        # d(V/r - N) = (1 - p 1^T)(dV/r - dN) with r = sum V / sum N and p = V / sum V, to first order.
        project = np.eye(len(before)) - np.outer(after / after.sum(), np.ones(len(before)))
        difference, covariance = after / rate - before, varied.difference_covariance(nominal, grouping, rate=rate)
        scale = grouping.add(varied.variances) / rate**2 + grouping.add(nominal.variances)
    else:
        project = np.ones((1, len(before))) if effect == "norm" else np.eye(len(before))
        difference, covariance = project @ (after - before), varied.difference_covariance(nominal, grouping)
        scale = grouping.add(varied.variances) + grouping.add(nominal.variances)
    return compatibility(
        difference, project @ covariance @ project.T, np.diag(project @ np.diag(scale) @ project.T).copy()
    )
