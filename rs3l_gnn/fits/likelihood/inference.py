"""What follows the best fit: ranking, scan and toys; limits and significances are in ``hypotheses``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError, progress
from rs3l_gnn.fits.likelihood.hypotheses import Limit, Significance, conditional
from rs3l_gnn.fits.likelihood.likelihood import BestFit, Likelihood

__all__ = ["Impact", "Inference", "Scan", "Toys", "rank", "scan", "throw_toy", "toys"]


@dataclass(frozen=True)
class Impact:
    """Change of the signal strength when one nuisance is held away from its best fit.

    ``pre_fit`` moves it by its prior width (0, 0 without one), ``post_fit`` by its fitted error; each is (up, down).
    """

    name: str
    value: float
    error: float
    pre_fit: tuple[float, float]
    post_fit: tuple[float, float]

    @property
    def size(self) -> float:
        """Larger of the two post-fit impacts."""
        return max(abs(self.post_fit[0]), abs(self.post_fit[1]))


@dataclass(frozen=True)
class Toys:
    """Fits of random data sets: fitted signal strength and its error [n_toys], and how many fits failed."""

    truth: float
    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    failed: int

    @property
    def pulls(self) -> NDArray[np.float64]:
        """(fitted - true) / error [n_toys]."""
        return (self.values - self.truth) / self.errors

    @property
    def coverage(self) -> float:
        """Fraction of toys whose error interval holds the true value."""
        return float((np.abs(self.pulls) <= 1).mean())

    def record(self) -> dict[str, Any]:
        """Summary for JSON."""
        n = len(self.values)
        return {
            "toys": n,
            "failed": self.failed,
            "true": self.truth,
            "mean": float(self.values.mean()),
            "mean_error": float(self.values.std(ddof=1) / np.sqrt(n)),
            "spread": float(self.values.std(ddof=1)),
            "pull_mean": float(self.pulls.mean()),
            "pull_width": float(self.pulls.std(ddof=1)),
            "coverage": self.coverage,
        }


@dataclass(frozen=True)
class Scan:
    """-2 ln(L / L_max) at values of the signal strength [n_points]."""

    values: NDArray[np.float64]
    rise: NDArray[np.float64]


@dataclass(frozen=True)
class Inference:
    """Everything that was asked for besides the best fit; None where it was not."""

    ranking: tuple[Impact, ...] | None = None
    scan: Scan | None = None
    limit: Limit | None = None
    significance: Significance | None = None
    toys: Toys | None = None


def rank(likelihood: Likelihood, best: BestFit) -> tuple[Impact, ...]:
    """Impacts of all nuisances, largest first; statistical nuisances of single bins are among them.

    Four fits for each nuisance, two without a prior width.
    """
    import cabinetry

    widths = cabinetry.model_utils.prefit_uncertainties(likelihood.model)
    centre = best.of(likelihood.poi)[0]
    impacts = []
    for position, label in enumerate(best.labels):
        if label == likelihood.poi or not best.errors[position] > 0:
            continue
        value, error = float(best.values[position]), float(best.errors[position])
        moved = {
            step: conditional(likelihood, best, {label: value + step}).of(likelihood.poi)[0] - centre
            for step in {float(widths[position]), -float(widths[position]), error, -error} - {0.0}
        }
        pre_fit = (moved.get(float(widths[position]), 0.0), moved.get(-float(widths[position]), 0.0))
        impacts.append(Impact(label, value, error, pre_fit, (moved[error], moved[-error])))
    return tuple(sorted(impacts, key=lambda impact: -impact.size))


def scan(likelihood: Likelihood, best: BestFit, *, points: int = 11, widths: float = 2.0) -> Scan:
    """Likelihood over ``widths`` errors of the signal strength on both sides, inside its range."""
    value, error = best.of(likelihood.poi)
    low, high = likelihood.model.config.suggested_bounds()[likelihood.poi_index]
    values = np.linspace(max(value - widths * error, low), min(value + widths * error, high), points)
    rise = [conditional(likelihood, best, {likelihood.poi: point}).twice_nll - best.twice_nll for point in values]
    return Scan(values, np.asarray(rise))


def throw_toy(likelihood: Likelihood, parameters: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """One random data set: Poisson counts, and auxiliary measurements around the given parameters.

    Args:
        parameters: true values of all parameters [n_parameters].
        rng: source of randomness; pyhf's own sampling would use numpy's global one.

    Returns:
        Counts and auxiliary data [n_bins + n_constrained].
    """
    config = likelihood.model.config
    expected = likelihood.expected(parameters)
    counts = rng.poisson(np.maximum(expected, 0.0)).astype(np.float64)
    auxiliary = []
    for name in config.auxdata_order:
        true = parameters[config.par_slice(name)]
        auxiliary.append(rng.normal(true, np.asarray(config.param_set(name).width())))
    return np.concatenate([counts, *auxiliary])


def toys(likelihood: Likelihood, n: int, *, truth: Mapping[str, float] | None = None, seed: int = 1) -> Toys:
    """Fit ``n`` random data sets.

    Args:
        likelihood: the model; its data are not used.
        n: number of toys.
        truth: true values of parameters, where they differ from nominal.
        seed: toy ``i`` depends on the seed and ``i`` alone.

    Raises:
        FitError: every fit fails.
    """
    parameters = likelihood.asimov_parameters()
    labels = likelihood.model.config.par_names
    for name, value in (truth or {}).items():
        parameters[labels.index(name)] = value
    values, errors, failed = [], [], 0
    with progress("toys", n, "toys") as bar:
        for number in range(n):
            data = throw_toy(likelihood, parameters, np.random.default_rng([seed, number]))
            try:
                value, error = likelihood.with_data(data.tolist()).fit().of(likelihood.poi)
            except FitError:
                failed += 1
            else:
                values.append(value)
                errors.append(error)
            bar.advance()
    if len(values) < 2:
        raise FitError("the fits of the toys fail", got=f"{failed} of {n}", hint="look at the fit of the nominal data")
    return Toys(float(parameters[likelihood.poi_index]), np.asarray(values), np.asarray(errors), failed)
