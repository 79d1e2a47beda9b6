"""Tests of the signal hypothesis: upper limits and discovery significance, with asymptotic formulae."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.likelihood.likelihood import Likelihood, value_of

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import FitResults, LimitResults, SignificanceResults

__all__ = ["conditional", "limit", "significance"]

_MOST_DOUBLINGS = 10


def conditional(likelihood: Likelihood, best: FitResults, fixed: Mapping[str, float]) -> FitResults:
    """Minimum with parameters held at given values, without covariance, starting from another fit."""
    return likelihood.fit(fixed=fixed, start=best.bestfit, covariance=False)


def limit(likelihood: Likelihood, best: FitResults, *, confidence_level: float = 0.95) -> LimitResults:
    """Observed and expected CLs upper limits with asymptotic formulae for q-tilde (arXiv:1007.1727).

    CLs is computed on a coarse grid, then where each curve is expected to cross the level, and interpolated in between.

    Raises:
        FitError: a fit fails, or a curve does not cross the level.
    """
    from cabinetry.fit.results_containers import LimitResults

    value, error = value_of(best, likelihood.poi)
    tests = _SignalTests(likelihood, best)
    # Without any signal in the tested hypothesis both hypotheses are one, and CLs is 1.
    found: dict[float, tuple[float, NDArray[np.float64]]] = {0.0: (1.0, np.ones(5))}
    level = 1 - confidence_level
    # Asymptotically, expected limits lie at error * (Phi^-1(1 - alpha Phi(N)) + N), below 5 errors for N = 2; errors
    # that grow with the signal push them further out.
    top = max(value, 0.0) + 6 * error
    for point in np.linspace(0.05, 1.0, 8) * top:
        found[float(point)] = tests.cls(float(point))
    for _ in range(_MOST_DOUBLINGS):
        observed, expected = found[max(found)]
        if max(observed, *expected) < level:
            break
        top *= 2
        found[top] = tests.cls(top)
    else:
        raise FitError("CLs stays above the level of the limit", got=f"signal strengths up to {top:g}")
    for _ in range(2):
        for curve in range(6):
            point = _crossing(found, curve, level)
            if min(abs(point - known) for known in found) > 1e-3 * error:
                found[point] = tests.cls(point)
    values = np.asarray(sorted(found))
    crossings = [_crossing(found, curve, level) for curve in range(6)]
    return LimitResults(
        observed_limit=crossings[0],
        expected_limit=np.asarray(crossings[1:]),
        observed_CLs=np.asarray([found[point][0] for point in values]),
        expected_CLs=np.asarray([found[point][1] for point in values]),
        poi_values=values,
        confidence_level=confidence_level,
    )


class _SignalTests:
    """q-tilde of the data and of Asimov data without signal (arXiv:1007.1727, equations 16, 61 to 66)."""

    def __init__(self, likelihood: Likelihood, best: FitResults) -> None:
        self._top = max(value_of(best, likelihood.poi)[0], 0.0) + 20 * value_of(best, likelihood.poi)[1]
        without = conditional(likelihood, best, {likelihood.poi: 0.0})
        asimov = likelihood.with_data(likelihood.expected(without.bestfit, auxiliary=True).tolist())
        self._sides = [(case, self._minimum(case, start)) for case, start in ((likelihood, best), (asimov, without))]

    def cls(self, point: float) -> tuple[float, NDArray[np.float64]]:
        """Observed CLs, and expected ones at -2, -1, 0, 1, 2 standard deviations [5]."""
        from scipy.stats import norm

        root, asimov = (self._root(case, minimum, point) for case, minimum in self._sides)
        if asimov == 0:
            return 1.0, np.ones(5)
        distance = root - asimov if root <= asimov else (root**2 - asimov**2) / (2 * asimov)
        observed = norm.sf(distance + asimov) / norm.sf(distance)
        deviations = np.arange(-2.0, 3.0)
        # An upward fluctuation of the background by N makes the limit weaker.
        return float(observed), np.asarray(norm.sf(asimov - deviations) / norm.cdf(deviations))

    def _minimum(self, case: Likelihood, start: FitResults) -> FitResults:
        return case.fit(start=start.bestfit, poi_bounds=(0.0, self._top), covariance=False)

    @staticmethod
    def _root(case: Likelihood, minimum: FitResults, point: float) -> float:
        if value_of(minimum, case.poi)[0] >= point:
            return 0.0
        held = conditional(case, minimum, {case.poi: point})
        return float(np.sqrt(max(held.best_twice_nll - minimum.best_twice_nll, 0.0)))


def _crossing(found: Mapping[float, tuple[float, NDArray[np.float64]]], curve: int, level: float) -> float:
    from scipy.interpolate import PchipInterpolator
    from scipy.optimize import brentq

    values = np.asarray(sorted(found))
    curves = [found[point][0] if curve == 0 else found[point][1][curve - 1] for point in values]
    heights = np.log(np.maximum(curves, 1e-300)) - np.log(level)
    below = np.flatnonzero(heights < 0)
    line = PchipInterpolator(values, heights)
    return float(brentq(line, values[below[0] - 1], values[below[0]]))


def significance(likelihood: Likelihood, best: FitResults, *, mu: float = 1.0) -> SignificanceResults:
    """Discovery significance with asymptotic formulae for q0 (arXiv:1007.1727, equations 12 and 52).

    Args:
        likelihood: model and data.
        best: its fit.
        mu: signal strength for which the expected significance is computed, with nuisances as fitted to the data.

    Raises:
        FitError: a fit fails.
    """
    from cabinetry.fit.results_containers import SignificanceResults
    from scipy.stats import norm

    with_signal = conditional(likelihood, best, {likelihood.poi: mu})
    asimov = likelihood.with_data(likelihood.expected(with_signal.bestfit, auxiliary=True).tolist())
    roots = []
    for case, fitted in ((likelihood, best), (asimov, asimov.fit(start=with_signal.bestfit, covariance=False))):
        without = conditional(case, fitted, {case.poi: 0.0})
        rise = max(without.best_twice_nll - fitted.best_twice_nll, 0.0)
        roots.append(float(np.sqrt(rise)) if value_of(fitted, case.poi)[0] > 0 else 0.0)
    return SignificanceResults(float(norm.sf(roots[0])), roots[0], float(norm.sf(roots[1])), roots[1])
