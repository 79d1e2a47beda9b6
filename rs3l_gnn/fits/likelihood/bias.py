"""How far data from another simulation move the signal strength, with the statistical error of that statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.fits.likelihood.likelihood import Likelihood, covariance_of

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import FitResults

__all__ = ["bias_error", "response"]


def response(likelihood: Likelihood, best: FitResults) -> NDArray[np.float64]:
    r"""Derivative of the fitted signal strength by the count in each bin [n_bins of all channels].

    At the minimum, :math:`\partial\hat\theta / \partial n_i = C\, \partial_\theta \ln\lambda_i` with the covariance
    :math:`C` (implicit function theorem on the Poisson likelihood).
    """
    expected = likelihood.expected(best.bestfit)
    gradient = likelihood.objective().jacobian(best.bestfit)
    slope = np.divide(gradient, expected, out=np.zeros_like(gradient), where=expected > 0)
    return np.asarray(covariance_of(best)[likelihood.poi_index] @ slope)


def bias_error(likelihood: Likelihood, best: FitResults, covariances: Mapping[str, NDArray[np.float64]]) -> float:
    """Statistical error of the bias: the simulation that made the pseudo-data is finite, too.

    Args:
        likelihood: model with the pseudo-data.
        best: its fit.
        covariances: by channel, covariance of the difference between the pseudo-data and the nominal expectation
            [n_bins, n_bins]. Views of the same events make it smaller than that of two samples, and bins that exchange
            events anti-correlated.
    """
    slopes = response(likelihood, best)
    variance = sum(
        float(slopes[where] @ covariances[channel] @ slopes[where])
        for channel, where in likelihood.channel_slices().items()
        if channel in covariances
    )
    return float(np.sqrt(max(variance, 0.0)))
