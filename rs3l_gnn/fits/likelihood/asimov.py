"""The fit of the nominal expectation, without minimising anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rs3l_gnn.fits.likelihood.likelihood import Likelihood

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import FitResults

__all__ = ["asimov_fit"]


def asimov_fit(likelihood: Likelihood) -> FitResults:
    """The fit of the nominal expectation: its minimum is known, its covariance is the inverse Fisher information.

    Parameters without any effect, and those that the model holds, have an error of 0.
    """
    from cabinetry.fit.results_containers import FitResults

    parameters = likelihood.asimov_parameters()
    config = likelihood.model.config
    information = likelihood.objective().information(parameters)
    free = ~np.asarray(config.suggested_fixed(), dtype=bool) & (np.diag(information) > 0)
    errors, correlation = np.zeros(len(parameters)), np.zeros_like(information)
    # In units of single errors, so that parameters of any size can be inverted together.
    scale = np.sqrt(np.diag(information)[free])
    covariance = np.linalg.pinv(information[np.ix_(free, free)] / np.outer(scale, scale), hermitian=True)
    widths = np.sqrt(np.diag(covariance))
    errors[free] = widths / scale
    correlation[np.ix_(free, free)] = covariance / np.outer(widths, widths)
    return FitResults(parameters, errors, list(config.par_names), correlation, 0.0)
