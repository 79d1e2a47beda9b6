"""The likelihood: a pyhf model with its data, the best fit, and the errors by group."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.likelihood.minimise import Minimum, Objective, minimise, numpy_backend
from rs3l_gnn.fits.templates.model import Templates
from rs3l_gnn.fits.writers.pyhf import pyhf_workspace

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import FitResults

__all__ = ["Likelihood", "covariance_of", "errors_by_group", "value_of"]

_log = logging.getLogger(__name__)
_INTERPOLATION = {"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}}  # cabinetry's


def value_of(results: FitResults, parameter: str) -> tuple[float, float]:
    """Value and error of one parameter."""
    position = results.labels.index(parameter)
    return float(results.bestfit[position]), float(results.uncertainty[position])


def covariance_of(results: FitResults) -> NDArray[np.float64]:
    """Covariance of all parameters [n_parameters, n_parameters]."""
    return np.asarray(results.corr_mat * np.outer(results.uncertainty, results.uncertainty))


def _model_and_data(workspace: dict[str, Any], *, checked: bool) -> tuple[Any, list[float]]:
    """What cabinetry makes of a workspace; unchecked without the comparison with pyhf's schemas."""
    import cabinetry
    import pyhf

    if checked:
        model, data = cabinetry.model_utils.model_and_data(workspace)
        return model, data
    unchecked = pyhf.Workspace(workspace, validate=False)
    model = unchecked.model(modifier_settings=_INTERPOLATION, validate=False)
    return model, unchecked.data(model)


class Likelihood:
    """A model and its data.

    Args:
        templates: the model.
        data: counts [n_bins of all channels], None for the data in the templates.
        checked: False to believe that pyhf takes the model, and that its expectation is finite wherever a fit may go:
            for the replicas of a model that was checked, since to check one takes many times longer than to build it.

    Raises:
        FitError: the expectation is not finite within three standard deviations of a nuisance.
    """

    def __init__(self, templates: Templates, data: NDArray[np.float64] | None = None, *, checked: bool = True) -> None:
        self.templates = templates
        with numpy_backend():
            self.model, own = _model_and_data(pyhf_workspace(templates), checked=checked)
        n = self.model.config.nmaindata
        counts = own[:n] if data is None else [float(count) for count in data]
        self.data: list[float] = [*counts, *own[n:]]
        self._objective = Objective(self.model, self.data)
        config = self.model.config
        self._labels = tuple(config.par_names)
        self._constant = tuple(config.suggested_fixed())
        self._bounds = tuple((float(low), float(high)) for low, high in config.suggested_bounds())
        self.poi = templates.poi
        self.poi_index: int = self.model.config.poi_index
        if checked:
            self._check()

    @property
    def counts(self) -> NDArray[np.float64]:
        """Data in all channels, one after another, in the model's order."""
        return np.asarray(self.data[: self.model.config.nmaindata])

    def with_data(self, data: Sequence[float]) -> Likelihood:
        """The same model with other data, auxiliary data included."""
        other = copy.copy(self)
        other.data = [float(value) for value in data]
        other._objective = self._objective.with_data(other.data)
        return other

    def asimov_parameters(self) -> NDArray[np.float64]:
        """Parameters of the nominal expectation."""
        import cabinetry

        return np.asarray(cabinetry.model_utils.asimov_parameters(self.model), dtype=np.float64)

    def expected(self, parameters: NDArray[np.float64], *, auxiliary: bool = False) -> NDArray[np.float64]:
        """Expected counts in all channels, one after another."""
        if not auxiliary:
            return self._objective.expected(parameters)
        with numpy_backend():
            return np.asarray(self.model.expected_data(parameters), dtype=np.float64)

    def expected_by_sample(self, parameters: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Expected counts of each sample in all channels; zeros where a channel does not have it."""
        with numpy_backend():
            content = np.asarray(self.model.main_model.expected_data(parameters, return_by_sample=True))
        return dict(zip(self.model.config.samples, content, strict=True))

    def channel_slices(self) -> dict[str, slice]:
        """Where each channel lies in the concatenated counts."""
        return {channel: self.model.config.channel_slices[channel] for channel in self.model.config.channels}

    def fit(
        self,
        *,
        minos: bool = False,
        fixed: Mapping[str, float] | None = None,
        start: NDArray[np.float64] | None = None,
        poi_bounds: tuple[float, float] | None = None,
        covariance: bool = True,
    ) -> FitResults:
        """Maximise the likelihood with Minuit.

        Args:
            minos: asymmetric errors of the signal strength.
            fixed: parameters held at given values.
            start: where to start from, nominal if absent [n_parameters].
            poi_bounds: another range of the signal strength than the model's.
            covariance: False where the minimum alone is wanted, which is faster; errors are then rough.

        Returns:
            Parameters [n_parameters], fixed ones with an error of 0, and their correlations; ``best_twice_nll`` is
            -2 ln(L / L_saturated), and ``minos_uncertainty`` holds (down, up) where MINOS succeeded.

        Raises:
            FitError: no valid minimum.
        """
        labels, constant, bounds = self._labels, list(self._constant), list(self._bounds)
        initial = np.array(self.asimov_parameters() if start is None else start, dtype=np.float64)
        if poi_bounds is not None:
            bounds[self.poi_index] = poi_bounds
        for name, value in (fixed or {}).items():
            position = labels.index(name)
            initial[position], constant[position] = float(value), True
            bounds[position] = (min(bounds[position][0], float(value)), max(bounds[position][1], float(value)))
        initial = np.clip(initial, [low for low, _ in bounds], [high for _, high in bounds])
        scale = 0.1 * self._objective.steps
        scale[self.poi_index] = 1e-2 * (bounds[self.poi_index][1] - bounds[self.poi_index][0])
        found = minimise(
            self._objective, initial, fixed=constant, bounds=bounds, names=labels, scale=scale, covariance=covariance
        )
        if found is None:
            raise FitError(
                "the fit finds no valid minimum",
                hint="merge bins with few events, or prune nuisances without effect",
            )
        return _results(found, labels, _minos(found.minuit, self.poi) if minos else {})

    def objective(self) -> Objective:
        """-2 ln(L / L_saturated) as a function, with its gradient."""
        return self._objective

    def goodness_of_fit(self, best: FitResults) -> float | None:
        """P-value of the fit against the saturated model, None without degrees of freedom.

        -2 ln(L / L_saturated) follows a chi^2 distribution with as many degrees of freedom as there are bins less free
        parameters (Wilks' theorem).
        """
        from scipy.stats import chi2

        config = self.model.config
        degrees = config.nmaindata - sum(name in self.free_parameters for name in config.par_names)
        return float(chi2.sf(best.best_twice_nll, degrees)) if degrees > 0 else None

    @property
    def free_parameters(self) -> frozenset[str]:
        """Parameters without a constraint: the signal strength and free normalisations."""
        return frozenset({self.poi, *(rate.name for rate in self.templates.free_rates)})

    def band(self, best: FitResults | None) -> dict[str, NDArray[np.float64]]:
        """Error of the total expectation by channel [n_bins]: before the fit without ``best``, else after it."""
        from cabinetry.model_utils import prediction

        with numpy_backend():
            found = prediction(self.model, fit_results=best)
        return {
            channel: np.asarray(found.total_stdev_model_bins[position][-1])
            for position, channel in enumerate(self.model.config.channels)
        }

    def _check(self) -> None:
        # Interpolations can leave the physical region beyond one standard deviation: better told here than as a
        # minimiser that fails.
        start = self.asimov_parameters()
        names = self.model.config.par_names
        for position, name in enumerate(names):
            if name not in {nuisance.name for nuisance in self.templates.nuisances}:
                continue
            for width in (-3.0, -1.0, 1.0, 3.0):
                shifted = start.copy()
                shifted[position] = width
                content = self.expected(shifted)
                if not np.isfinite(content).all():
                    raise FitError(f"nuisance {name} at {width:+g} standard deviations: the expectation is not finite")
                if (content < 0).any():
                    _log.warning("nuisance %s at %+g standard deviations: negative expectation", name, width)


def _minos(minimiser: Any, poi: str) -> dict[str, tuple[float, float]]:
    minimiser.minos(poi)
    errors = minimiser.merrors[poi]
    return {poi: (float(errors.lower), float(errors.upper))} if errors.is_valid else {}


def _results(found: Minimum, labels: tuple[str, ...], asymmetric: dict[str, tuple[float, float]]) -> FitResults:
    from cabinetry.fit.results_containers import FitResults

    errors = np.sqrt(np.diag(found.covariance) if found.covariance.ndim == 2 else found.covariance)
    correlation = np.diag((errors > 0).astype(np.float64))
    if found.covariance.ndim == 2:
        scale = np.outer(errors, errors)
        np.divide(found.covariance, scale, out=correlation, where=scale > 0)
    return FitResults(found.parameters, errors, list(labels), correlation, found.value, minos_uncertainty=asymmetric)


def errors_by_group(templates: Templates, best: FitResults) -> dict[str, float]:
    r"""Split the error of the signal strength by groups of nuisances.

    A group's part is :math:`\sqrt{\sigma^2 - \sigma_{fixed}^2}`, with the group's nuisances held at their best-fit
    values in :math:`\sigma_{fixed}`. At the minimum this needs no new fit: the variance with parameters :math:`F` held
    is :math:`C_{\mu\mu} - C_{\mu F} C_{FF}^{-1} C_{F\mu}`. Parts are correlated, so their squares need not add up to
    the total.

    Returns:
        ``statistical`` (every constrained parameter held; free normalisations float), ``mc_stat``, and each group of
        nuisances; ``systematic`` is all constrained parameters together.
    """
    position = best.labels.index(templates.poi)
    covariance = covariance_of(best)
    free = {templates.poi, *(rate.name for rate in templates.free_rates)}
    total = float(covariance[position, position])

    def held(names: Sequence[int]) -> float:
        rows = [index for index in names if best.uncertainty[index] > 0]
        if not rows:
            return total
        block = covariance[np.ix_(rows, rows)]
        side = covariance[rows, position]
        return max(total - float(side @ np.linalg.solve(block, side)), 0.0)

    constrained = [index for index, label in enumerate(best.labels) if label not in free]
    groups = {"mc_stat": [index for index, label in enumerate(best.labels) if label.startswith("staterror_")]}
    for group, names in templates.groups.items():
        groups[group] = [best.labels.index(name) for name in names if name in best.labels]
    statistical = held(constrained)
    errors = {"statistical": statistical**0.5, "systematic": max(total - statistical, 0.0) ** 0.5}
    return errors | {group: max(total - held(names), 0.0) ** 0.5 for group, names in groups.items()}
