"""Minimise a pyhf likelihood with Minuit, without losing digits.

The likelihood of large counts is a small difference of huge numbers, and Minuit's derivatives are differences of that:
close to a minimum, where fits of Asimov data start, they drown in rounding, and fits fail or stop early. Here the
likelihood is taken relative to the saturated model, bin by bin, and its gradient from derivatives of the expectation.

Each bin has a factor of its own for the statistical error of its simulation. Given all other parameters the best one
is the root of a quadratic equation (Barlow and Beeston, Comput. Phys. Commun. 77 (1993) 219; Conway, arXiv:1103.0354,
section 5): Minuit sees the others alone, which are few where bins are many.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.fits.likelihood.expectation import Expectation

__all__ = ["Minimum", "Objective", "minimise", "numpy_backend"]

_TOLERANCE = 1e-3
"""Minuit stops at an estimated distance of 2e-6 above the minimum: parameters are good to 0.2 % of their errors."""
_STEP = 1e-2
"""Steps of differences of the gradient, in errors."""
_LOOKS = 3
_UNPHYSICAL = 1e12
"""Stands for -2 ln L where an expectation is negative, far above every physical value, so that Minuit steps back."""
_NOTHING = 1e-150
"""Expectations below come of what stands for a factor of zero: where something was seen, they are impossible."""


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

    Attributes:
        expected: the expectation of the model.
        steps: widths of the constraints, 1 for parameters without [n_parameters].
    """

    def __init__(self, model: Any, data: Sequence[float]) -> None:
        config = model.config
        self.expected = Expectation(model)
        # Auxiliary measurements, in their own order, are measurements of these parameters with these widths.
        places = [np.arange(config.npars)[config.par_slice(name)] for name in config.auxdata_order]
        widths = [np.asarray(config.param_set(name).width()) for name in config.auxdata_order]
        self._constrained = np.concatenate(places) if places else np.empty(0, dtype=np.int64)
        self._widths = np.concatenate(widths) if widths else np.empty(0)
        self.steps = np.ones(config.npars)
        self.steps[self._constrained] = self._widths
        self._set_data(data)

    def with_data(self, data: Sequence[float]) -> Objective:
        """The same model with other counts and auxiliary data."""
        other = copy.copy(self)
        other._set_data(data)
        return other

    def _set_data(self, data: Sequence[float]) -> None:
        content = np.asarray(data, dtype=np.float64)
        self._counts, self._auxiliary = np.split(content, [len(content) - len(self._constrained)])
        self._centre = np.zeros(len(self.steps))
        self._centre[self._constrained] = self._auxiliary

    def value(self, parameters: NDArray[np.float64]) -> float:
        """-2 ln(L / L_saturated)."""
        expected, counts = self.expected(parameters), self._counts
        filled = counts > 0
        if not (np.isfinite(expected).all() and (expected >= 0).all() and (expected[filled] > _NOTHING).all()):
            return _UNPHYSICAL
        seen, wanted = counts[filled], expected[filled]
        change = (wanted - seen) / seen
        # Close to the counts, the logarithm of 1 + change keeps its digits. Far below them, change has lost those of
        # the expectation, and is -1 below a ratio of 1e-16.
        logarithm = np.where(change > -0.5, np.log1p(np.maximum(change, -0.5)), np.log(wanted) - np.log(seen))
        total = 2 * (seen * (change - logarithm)).sum() + 2 * expected[~filled].sum()
        pulls = (self._auxiliary - parameters[self._constrained]) / self._widths
        return float(total + (pulls**2).sum())

    def gradient(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Its derivatives [n_parameters]."""
        expected = self.expected(parameters)
        residual = 1 - self._counts / np.where(expected > 0, expected, np.inf)
        # Reshaped, since scipy makes a scalar of a single parameter in a single bin.
        gradient = 2 * np.reshape(self.expected.jacobian(parameters) @ residual, len(parameters))
        gradient[self._constrained] += 2 * (parameters[self._constrained] - self._auxiliary) / self._widths**2
        return np.asarray(gradient)

    def jacobian(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivatives of the expected counts [n_parameters, n_bins]."""
        return np.asarray(self.expected.jacobian(parameters).toarray())

    def information(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        r"""Fisher information [n_parameters, n_parameters].

        :math:`\sum_i \partial_a\lambda_i\,\partial_b\lambda_i / \lambda_i` and the inverse variances of the
        constraints. Where the data are the expectation it is the Hessian of -ln L: second derivatives of
        :math:`\lambda_i` come with a factor :math:`1 - n_i / \lambda_i`.
        """
        expected, jacobian = self.expected(parameters), self.expected.jacobian(parameters).tocsr()
        weighted = jacobian.multiply(1 / np.where(expected > 0, expected, np.inf))
        information = np.asarray((weighted @ jacobian.T).toarray())
        information[self._constrained, self._constrained] += 1 / self._widths**2
        return information

    def profiled(
        self, parameters: NDArray[np.float64], gammas: NDArray[np.bool_], bounds: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        r"""Parameters with the best factors of statistical errors, given all others.

        :math:`\partial_\gamma` of :math:`2(\gamma t + u - n\ln(\gamma t + u)) + ((a - \gamma)/\sigma)^2` is zero
        where :math:`t\gamma^2 + (u + ct)\gamma + cu - nt\sigma^2 = 0`, :math:`c = t\sigma^2 - a`; the larger root
        has a positive expectation.

        Args:
            parameters: all of them [n_parameters].
            gammas: which of ``expected.gammas`` to set [n_gammas].
            bounds: of all parameters [n_parameters, 2].
        """
        places, bins = self.expected.gammas[gammas], self.expected.gamma_bins[gammas]
        t, u = (content[bins] for content in self.expected.split(parameters))
        variance, centre, n = self.steps[places] ** 2, self._centre[places], self._counts[bins]
        c = t * variance - centre
        linear, product = u + c * t, c * u - n * t * variance
        root = np.sqrt((u - c * t) ** 2 + 4 * n * t**2 * variance)
        # The form without a difference of large numbers.
        with np.errstate(divide="ignore", invalid="ignore"):  # one of both forms may be 0 / 0
            best = np.where(linear > 0, -2 * product / (linear + root), (root - linear) / (2 * t))
        found = parameters.copy()
        found[places] = np.clip(np.where(t == 0, centre, best), *bounds[places].T)
        return found

    def gamma_variances(self, parameters: NDArray[np.float64], gammas: NDArray[np.bool_]) -> NDArray[np.float64]:
        r"""Variances of factors of statistical errors where all others are held, :math:`2 / \partial_\gamma^2`."""
        places, bins = self.expected.gammas[gammas], self.expected.gamma_bins[gammas]
        t = self.expected.split(parameters)[0][bins]
        slope = t / self.expected(parameters)[bins]
        return np.asarray(1 / (self._counts[bins] * slope**2 + 1 / self.steps[places] ** 2))


@dataclass(frozen=True)
class Minimum:
    """A valid minimum.

    Attributes:
        parameters: all of them [n_parameters].
        value: -2 ln(L / L_saturated).
        covariance: zeros for parameters that were held [n_parameters, n_parameters]; its diagonal alone, and roughly,
            where no covariance was wanted [n_parameters].
        minuit: what found it; knows the parameters that are not profiled.
    """

    parameters: NDArray[np.float64]
    value: float
    covariance: NDArray[np.float64]
    minuit: Any


def minimise(
    objective: Objective,
    start: NDArray[np.float64],
    *,
    fixed: Sequence[bool],
    bounds: Sequence[tuple[float, float]],
    names: Sequence[str],
    scale: NDArray[np.float64],
    covariance: bool = True,
) -> Minimum | None:
    """Find the minimum and the covariance there.

    Args:
        objective: what to minimise.
        start, fixed, bounds, names, scale: by parameter; scale is the size of a first step.
        covariance: False where the minimum alone is wanted, which is faster; the covariance is then rough.

    Returns:
        The minimum after MIGRAD and HESSE, or None without a valid one.
    """
    from iminuit import Minuit  # type: ignore[import-untyped]  # ships no type information

    held, limits = np.asarray(fixed, dtype=bool), np.asarray(bounds)
    gammas = ~held[objective.expected.gammas]
    others = np.setdiff1d(np.arange(len(start)), objective.expected.gammas[gammas])

    def whole(some: NDArray[np.float64]) -> NDArray[np.float64]:
        parameters = start.copy()
        parameters[others] = some
        return objective.profiled(parameters, gammas, limits)

    # Strategy 2 recomputes derivatives often: slower, but it passes minima where the quick one gives up.
    for strategy in (1, 2) if covariance else (0, 1, 2):
        minimiser = Minuit(
            lambda some: objective.value(whole(some)),
            start[others],
            grad=lambda some: objective.gradient(whole(some))[others],  # of what is profiled it is zero
            name=[names[place] for place in others],
        )
        minimiser.errordef = Minuit.LEAST_SQUARES
        minimiser.print_level = 0
        minimiser.strategy = strategy
        minimiser.tol = _TOLERANCE
        minimiser.limits = limits[others]
        minimiser.errors = scale[others]
        minimiser.fixed = held[others]
        if not held[others].all():
            minimiser.migrad()
            if not (minimiser.valid and minimiser.covariance is not None):
                continue
        parameters, variances = whole(np.asarray(minimiser.values)), np.zeros(len(start))
        # Minuit has no value where it had nothing to do.
        value = objective.value(parameters)
        if not value < _UNPHYSICAL / 2:
            continue
        variances[objective.expected.gammas[gammas]] = objective.gamma_variances(parameters, gammas)
        free = ~held[others]
        if covariance:
            inner, slopes = _around(objective, whole, minimiser, others, limits)
            if inner is None:
                continue
            found = slopes @ inner @ slopes.T + np.diag(variances)
        else:
            variances[others[free]] = np.square(minimiser.errors)[free]
            found = variances
        return Minimum(parameters, value, found, minimiser)
    return None


def _around(
    objective: Objective,
    whole: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    minimiser: Any,
    others: NDArray[np.int64],
    limits: NDArray[np.float64],
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    r"""Covariance :math:`C` of what Minuit left free, and the slopes :math:`G` of all parameters along it.

    The whole covariance is :math:`G C G^T`, and the variances of what was profiled with all others held. Both come from
    differences over two hundredths of an error: of the gradient, which is exact, and not as in HESSE of the value.
    Where Minuit's errors are far too large, as between parameters that nearly undo each other, the likelihood is no
    parabola over them: what is not positive is looked at again over smaller steps.

    Returns:
        Covariance [n_free, n_free], None where it is not positive, and slopes [n_parameters, n_free].
    """
    free = np.flatnonzero(~np.asarray(minimiser.fixed))
    if not free.size:
        return np.zeros((0, 0)), np.zeros((len(objective.steps), 0))

    def at(some: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        parameters = whole(some)
        return parameters, objective.gradient(parameters)[others[free]]

    errors = np.array(minimiser.errors)
    for _ in range(_LOOKS):
        matrix, along = _differences(at, np.asarray(minimiser.values), _STEP * np.diag(errors)[free], limits[others])
        inner = _inverted(matrix)
        if inner is not None:
            break
        curved = np.maximum(np.diag(matrix), 2 / np.square(errors[free]))  # -2 ln L grows by 1 within an error
        errors[free] = np.minimum(np.sqrt(2 / curved), errors[free] / 10)
    return inner, along


def _differences(
    at: Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]],
    values: NDArray[np.float64],
    steps: NDArray[np.float64],
    limits: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Second derivatives [n_free, n_free] and slopes [n_parameters, n_free] over steps [n_free, n_values]."""
    hessian, slopes = [], []
    for step in steps:
        below, above = (np.clip(values + side * step, *limits.T) for side in (-1, 1))
        width = (above - below).sum()
        (low, low_gradient), (high, high_gradient) = at(below), at(above)
        slopes.append((high - low) / width)
        hessian.append((high_gradient - low_gradient) / width)
    return np.array(hessian), np.array(slopes).T


def _inverted(matrix: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Covariance of second derivatives of -2 ln L; None where they are not positive."""
    if not (np.diag(matrix) > 0).all():
        return None
    # In units of single errors, so that parameters of any size can be inverted together.
    scale = np.sqrt(np.diag(matrix))
    try:
        unit = np.linalg.cholesky((matrix + matrix.T) / 2 / np.outer(scale, scale))
    except np.linalg.LinAlgError:
        return None
    inverse = np.linalg.inv(unit)
    return np.asarray(2 * inverse.T @ inverse / np.outer(scale, scale))
