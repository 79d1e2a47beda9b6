"""Minimise a pyhf likelihood with Minuit, without losing digits.

The likelihood of large counts is a small difference of huge numbers, and Minuit's derivatives are differences of that:
close to a minimum, where fits of Asimov data start, they drown in rounding, and fits fail or stop early. Here the
likelihood is taken relative to the saturated model, bin by bin, and its gradient from differences of the expectation,
which are exact to eight digits.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Objective", "minimise", "numpy_backend"]

_TOLERANCE = 1e-3
"""Minuit stops at an estimated distance of 2e-6 above the minimum: parameters are good to 0.2 % of their errors."""
_STEP = 1e-4
_UNPHYSICAL = 1e12
"""Stands for -2 ln L where an expectation is negative, far above every physical value, so that Minuit steps back."""


@contextmanager
def numpy_backend() -> Iterator[None]:
    """Use pyhf with numpy inside the block, and whatever was set before after it: pyhf's backend is global."""
    import pyhf

    backend, optimizer = pyhf.get_backend()
    # Both tell every parameter and every fit at level INFO.
    loggers = [logging.getLogger(name) for name in ("pyhf", "cabinetry")]
    levels = [logger.level for logger in loggers]
    try:
        pyhf.set_backend("numpy")
        for logger in loggers:
            logger.setLevel(max(logger.level, logging.WARNING))
        with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
            # pyhf 0.7.6 validates its schema through a class that jsonschema calls deprecated.
            warnings.filterwarnings("ignore", message="jsonschema.RefResolver", category=DeprecationWarning)
            yield
    finally:
        pyhf.set_backend(backend, optimizer)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class Objective:
    r"""-2 ln(L / L_saturated) and its gradient as functions of all parameters.

    :math:`2\sum_i (\lambda_i - n_i - n_i \ln(\lambda_i / n_i)) + \sum_k ((a_k - \theta_k) / \sigma_k)^2` with
    counts :math:`n_i`, their expectation :math:`\lambda_i`, auxiliary measurements :math:`a_k` (Baker and Cousins,
    Nucl. Instrum. Meth. 221 (1984) 437). It differs from pyhf's -2 ln L by a constant of the data.

    Args:
        model: a pyhf model whose constraints are all Gaussian.
        data: counts and auxiliary data.
        batched: the same model for ``2 * n_parameters`` points at once, which makes gradients ten times faster; None
            where that would take too much memory.
    """

    def __init__(self, model: Any, data: Sequence[float], batched: Any = None) -> None:
        self._model, self._batched, self._data = model, batched, np.asarray(data, dtype=np.float64)
        config = model.config
        self._n = config.nmaindata
        # Auxiliary measurements, in their own order, are measurements of these parameters with these widths.
        places = [np.arange(config.npars)[config.par_slice(name)] for name in config.auxdata_order]
        widths = [np.asarray(config.param_set(name).width()) for name in config.auxdata_order]
        self._constrained = np.concatenate(places) if places else np.empty(0, dtype=np.int64)
        self._widths = np.concatenate(widths) if widths else np.empty(0)
        self.steps = np.ones(config.npars)
        self.steps[self._constrained] = self._widths

    def value(self, parameters: NDArray[np.float64]) -> float:
        """-2 ln(L / L_saturated)."""
        expected, counts = self.expected(parameters), self._data[: self._n]
        if not (np.isfinite(expected).all() and (expected >= 0).all() and (expected[counts > 0] > 0).all()):
            return _UNPHYSICAL
        filled = counts > 0
        change = (expected[filled] - counts[filled]) / counts[filled]
        total = 2 * (counts[filled] * (change - np.log1p(change))).sum() + 2 * expected[~filled].sum()
        pulls = (self._data[self._n :] - parameters[self._constrained]) / self._widths
        return float(total + (pulls**2).sum())

    def gradient(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Its derivatives [n_parameters]."""
        expected = self.expected(parameters)
        safe = np.where(expected > 0, expected, np.inf)
        residual = 1 - self._data[: self._n] / safe
        gradient = 2 * self.jacobian(parameters) @ residual
        auxiliary = self._data[self._n :]
        gradient[self._constrained] += 2 * (parameters[self._constrained] - auxiliary) / self._widths**2
        return np.asarray(gradient)

    def jacobian(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivatives of the expected counts [n_parameters, n_bins], by central differences."""
        steps = _STEP * np.diag(self.steps)
        points = np.concatenate([parameters + steps, parameters - steps])
        if self._batched is not None:
            content = np.asarray(self._batched.expected_data(points, include_auxdata=False), dtype=np.float64)
        else:
            content = np.stack([self.expected(point) for point in points])
        above, below = np.split(content, 2)
        return np.asarray((above - below) / (2 * _STEP * self.steps[:, None]))

    def information(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        r"""Fisher information [n_parameters, n_parameters].

        :math:`\sum_i \partial_a\lambda_i\,\partial_b\lambda_i / \lambda_i` and the inverse variances of the
        constraints. Where the data are the expectation it is the Hessian of -ln L: second derivatives of
        :math:`\lambda_i` come with a factor :math:`1 - n_i / \lambda_i`.
        """
        expected, jacobian = self.expected(parameters), self.jacobian(parameters)
        information = np.einsum("ai,bi,i->ab", jacobian, jacobian, 1 / np.where(expected > 0, expected, np.inf))
        information[self._constrained, self._constrained] += 1 / self._widths**2
        return np.asarray(information)

    def expected(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expected counts [n_bins]."""
        return np.asarray(self._model.expected_data(parameters, include_auxdata=False), dtype=np.float64)


def minimise(
    objective: Objective,
    start: NDArray[np.float64],
    *,
    fixed: Sequence[bool],
    bounds: Sequence[tuple[float, float]],
    names: Sequence[str],
    scale: NDArray[np.float64],
    covariance: bool = True,
) -> Any:
    """Find the minimum and the covariance there.

    Args:
        objective: what to minimise.
        start, fixed, bounds, names, scale: by parameter; scale is the size of a first step.
        covariance: False where the minimum alone is wanted, which is faster.

    Returns:
        The ``iminuit.Minuit`` after MIGRAD and HESSE, or None without a valid minimum.
    """
    from iminuit import Minuit  # type: ignore[import-untyped]  # ships no type information

    # Strategy 2 recomputes derivatives often: slower, but it passes minima where the quick one gives up.
    for strategy in (1, 2) if covariance else (0, 1, 2):
        minimiser = Minuit(objective.value, start, grad=objective.gradient, name=names)
        minimiser.errordef = Minuit.LEAST_SQUARES
        minimiser.print_level = 0
        minimiser.strategy = strategy
        minimiser.tol = _TOLERANCE
        minimiser.limits = list(bounds)
        minimiser.errors = scale
        minimiser.fixed = list(fixed)
        if all(fixed):
            return minimiser
        minimiser.migrad()
        if covariance:
            minimiser.hesse()
        if minimiser.valid and minimiser.fval < _UNPHYSICAL / 2 and minimiser.covariance is not None:
            return minimiser
    return None
