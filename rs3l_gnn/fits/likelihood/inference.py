"""What follows the best fit: ranking, scan and toys; limits and significances are in ``hypotheses``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError, progress
from rs3l_gnn.fits.config.blocks import InferenceConfig
from rs3l_gnn.fits.likelihood.hypotheses import conditional, limit, significance
from rs3l_gnn.fits.likelihood.likelihood import Likelihood, covariance_of, value_of
from rs3l_gnn.fits.report import Report

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import (
        FitResults,
        LimitResults,
        RankingResults,
        ScanResults,
        SignificanceResults,
    )

__all__ = ["Inference", "Toys", "infer", "rank", "scan", "throw_toy", "toys"]

_log = logging.getLogger(__name__)


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
class Inference:
    """Everything that was asked for besides the best fit; None where it was not, or where it failed."""

    ranking: RankingResults | None = None
    scan: ScanResults | None = None
    limit: LimitResults | None = None
    significance: SignificanceResults | None = None
    toys: Toys | None = None
    failed: tuple[str, ...] = ()


def infer(
    likelihood: Likelihood, best: FitResults, wanted: InferenceConfig, *, truth: float, report: Report
) -> Inference:
    """Compute what is wanted; the best fit stands where something fails beside it, and the report says so.

    Args:
        truth: signal strength of the toys.
    """
    steps: dict[str, Callable[[], Any] | None] = {
        "ranking": partial(rank, likelihood, best) if wanted.ranking else None,
        "scan": partial(scan, likelihood, best, points=wanted.scan_points) if wanted.scan else None,
        "limit": partial(limit, likelihood, best, confidence_level=wanted.confidence_level) if wanted.limit else None,
        "significance": partial(significance, likelihood, best) if wanted.significance else None,
        "toys": partial(toys, likelihood, wanted.toys, truth={likelihood.poi: truth}, seed=wanted.toy_seed)
        if wanted.toys
        else None,
    }
    found: dict[str, Any] = {}
    failed = []
    for name, step in steps.items():
        try:
            found[name] = None if step is None else step()
        except FitError as error:
            report.add("inference", "dropped", name, str(error))
            _log.warning("%s: %s", name, error)
            failed.append(name)
    return Inference(**found, failed=tuple(failed))


def rank(likelihood: Likelihood, best: FitResults) -> RankingResults:
    """Impacts of all nuisances on the signal strength, largest first; nuisances of single bins are among them.

    ``prefit_up`` and ``prefit_down`` move a nuisance by its prior width (0 without one), ``postfit_up`` and
    ``postfit_down`` by its fitted error: four fits for each nuisance, two without a prior width.
    """
    import cabinetry
    from cabinetry.fit.results_containers import RankingResults

    widths = cabinetry.model_utils.prefit_uncertainties(likelihood.model)
    centre, covariance = value_of(best, likelihood.poi)[0], covariance_of(best)
    rows = []
    for position, label in enumerate(best.labels):
        if label == likelihood.poi or not best.uncertainty[position] > 0:
            continue
        value, error, width = (float(content[position]) for content in (best.bestfit, best.uncertainty, widths))
        # Where the others go if the likelihood is a parabola: close to the minimum that is looked for.
        slope = covariance[position] / covariance[position, position]
        moved = {
            step: value_of(
                likelihood.fit(fixed={label: value + step}, start=best.bestfit + step * slope, covariance=False),
                likelihood.poi,
            )[0]
            - centre
            for step in {width, -width, error, -error} - {0.0}
        }
        rows.append((label, value, error, moved.get(width, 0.0), moved.get(-width, 0.0), moved[error], moved[-error]))
    rows.sort(key=lambda row: -max(abs(row[5]), abs(row[6])))
    values, errors, *impacts = np.array([row[1:] for row in rows]).reshape(len(rows), 6).T
    return RankingResults(values, errors, [row[0] for row in rows], *impacts)


def scan(likelihood: Likelihood, best: FitResults, *, points: int = 11, widths: float = 2.0) -> ScanResults:
    """Likelihood over ``widths`` errors of the signal strength on both sides, inside its range."""
    from cabinetry.fit.results_containers import ScanResults

    value, error = value_of(best, likelihood.poi)
    low, high = likelihood.model.config.suggested_bounds()[likelihood.poi_index]
    values = np.linspace(max(value - widths * error, low), min(value + widths * error, high), points)
    fits = [conditional(likelihood, best, {likelihood.poi: point}) for point in values]
    rise = np.asarray([fitted.best_twice_nll - best.best_twice_nll for fitted in fits])
    return ScanResults(likelihood.poi, value, error, values, rise)


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
                value, error = value_of(likelihood.with_data(data.tolist()).fit(), likelihood.poi)
            except FitError:
                failed += 1
            else:
                values.append(value)
                errors.append(error)
            bar.advance()
    if len(values) < 2:
        raise FitError("the fits of the toys fail", got=f"{failed} of {n}", hint="look at the fit of the nominal data")
    return Toys(float(parameters[likelihood.poi_index]), np.asarray(values), np.asarray(errors), failed)
