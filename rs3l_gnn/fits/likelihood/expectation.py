r"""Expected counts of a pyhf model and their derivatives, in time that grows as its templates do.

pyhf holds each modifier for all samples in all bins, so that its time and memory grow as the square of the number of
channels; and its numpy backend has no derivatives.

In bin :math:`i`, :math:`\lambda_i = \gamma_i t_i + u_i`, where :math:`\gamma_i` is the factor of the statistical errors
of the simulation. :math:`t_i` and :math:`u_i` add up samples with such errors and without, each
:math:`\prod_k f_k(\theta_k)\,(\nu_i + \sum_k \delta_{ki}(\theta_k))` (CERN-OPEN-2012-016, equations 1 and 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.likelihood.interpolation import RateInterpolation, ShapeInterpolation

__all__ = ["Expectation"]

Array = NDArray[np.float64]
Places = NDArray[np.int64]
_NOTHING = 1e-200
"""Stands for a factor of zero, whose slope would be lost."""


class Expectation:
    """Expected counts as a function of the parameters.

    Args:
        model: a pyhf model of modifiers ``normfactor``, ``normsys``, ``histosys`` and ``staterror``, its factors
            interpolated by ``code4`` and ``code4p``.

    Attributes:
        gammas: places of the factors of statistical errors among the parameters [n_gammas].
        gamma_bins: their bins [n_gammas].

    Raises:
        FitError: another modifier.
    """

    def __init__(self, model: Any) -> None:
        config = model.config
        self._n_bins, self._n_parameters = config.nmaindata, config.npars
        found = _Parts(config)
        for channel in model.spec["channels"]:
            for sample in channel["samples"]:
                found.add(channel["name"], sample)
        self._nominal, self._bin = np.concatenate(found.nominal), np.concatenate(found.bins)
        self._has_gamma = np.concatenate(found.has_gamma)
        sizes = [len(content) for content in found.nominal]
        self._sample = np.repeat(np.arange(len(sizes)), sizes)

        self._free, self._free_sample = _places(found.free)
        self._rate, self._rate_sample = _places(found.rates)
        self._rate_of = RateInterpolation(*np.array(found.factors).reshape(-1, 2).T)
        self._shape, self._shape_row = _joined(found.shapes), _joined(found.shape_rows)
        self._shape_of = ShapeInterpolation(*np.concatenate([np.empty((2, 0)), *found.changes], axis=1))

        pairs = dict(pair for places in found.gammas for pair in zip(*places, strict=True))
        self.gamma_bins, self.gammas = _joined([list(pairs)]), _joined([list(pairs.values())])
        self._gamma_of_bin = np.full(self._n_bins, -1)
        self._gamma_of_bin[self.gamma_bins] = self.gammas
        self._pairs()

    def __call__(self, parameters: Array) -> Array:
        """Expected counts [n_bins]."""
        with_gamma, without = self.split(parameters)
        return self._gamma(parameters) * with_gamma + without

    def split(self, parameters: Array) -> tuple[Array, Array]:
        """Counts that the factors of statistical errors multiply, without these factors, and others [n_bins each]."""
        content = self._contents(parameters)[0]
        with_gamma = np.bincount(self._bin, content * self._has_gamma, minlength=self._n_bins)
        without = np.bincount(self._bin, content * ~self._has_gamma, minlength=self._n_bins)
        return np.asarray(with_gamma, dtype=np.float64), np.asarray(without, dtype=np.float64)

    def jacobian(self, parameters: Array) -> coo_array:
        """Derivatives of the expected counts [n_parameters, n_bins], zeros left out."""
        content, factor, factors, slopes, shape_slopes = self._contents(parameters)
        scale = np.where(self._has_gamma, self._gamma(parameters)[self._bin], 1.0)
        relative = slopes / factors
        by_rate = (content * scale)[self._rate_row] * relative[self._rate_entry]
        by_shape = (scale * factor[self._sample])[self._shape_row] * shape_slopes
        by_gamma = self.split(parameters)[0][self.gamma_bins]
        return coo_array(
            (np.concatenate([by_rate, by_shape, by_gamma]), (self._pair_parameter, self._pair_bin)),
            shape=(self._n_parameters, self._n_bins),
        )

    def _pairs(self) -> None:
        """Parameter and bin of each derivative: those of rates, of shapes, and of gammas."""
        samples = np.concatenate([self._free_sample, self._rate_sample])
        parameters = np.concatenate([self._free, self._rate])
        starts = np.searchsorted(self._sample, np.arange(self._sample[-1] + 2))
        rows = [np.arange(starts[sample], starts[sample + 1]) for sample in samples]
        self._rate_row = _joined(rows)
        self._rate_entry = np.repeat(np.arange(len(samples)), [len(row) for row in rows])
        self._pair_parameter = np.concatenate([parameters[self._rate_entry], self._shape, self.gammas])
        self._pair_bin = np.concatenate([self._bin[self._rate_row], self._bin[self._shape_row], self.gamma_bins])

    def _contents(self, parameters: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Contents of rows without gamma, factors of samples; all factors, their slopes, and slopes of shapes."""
        free = parameters[self._free]
        rate, rate_slope = self._rate_of(parameters[self._rate])
        change, change_slope = self._shape_of(parameters[self._shape])
        factors = np.concatenate([np.where(np.abs(free) < _NOTHING, _NOTHING, free), rate])
        slopes = np.concatenate([np.ones(len(free)), rate_slope])
        factor = np.ones(self._sample[-1] + 1)
        np.multiply.at(factor, np.concatenate([self._free_sample, self._rate_sample]), factors)
        shaped = self._nominal + np.bincount(self._shape_row, change, minlength=len(self._nominal))
        return factor[self._sample] * shaped, factor, factors, slopes, change_slope

    def _gamma(self, parameters: Array) -> Array:
        return np.where(self._gamma_of_bin >= 0, parameters[self._gamma_of_bin], 1.0)


class _Parts:
    """What the samples of all channels hold, collected one after another."""

    def __init__(self, config: Any) -> None:
        self._config, self._n_rows = config, 0
        self.nominal: list[Array] = []
        self.bins: list[Places] = []
        self.has_gamma: list[NDArray[np.bool_]] = []
        self.free: list[tuple[int, int]] = []
        """Parameter and sample of each free factor; also of rates."""
        self.rates: list[tuple[int, int]] = []
        self.factors: list[tuple[float, float]] = []
        self.shapes: list[Places] = []
        self.shape_rows: list[Places] = []
        self.changes: list[Array] = []
        self.gammas: list[tuple[Places, Places]] = []

    def add(self, channel: str, sample: dict[str, Any]) -> None:
        where = self._config.channel_slices[channel]
        content = np.asarray(sample["data"], dtype=np.float64)
        rows = self._n_rows + np.arange(len(content))
        bins, number = np.arange(where.start, where.stop), len(self.nominal)
        has_gamma = False
        for modifier in sample["modifiers"]:
            data, place = modifier["data"], self._config.par_slice(modifier["name"])
            match modifier["type"]:
                case "normfactor":
                    self.free.append((place.start, number))
                case "normsys":
                    self.rates.append((place.start, number))
                    self.factors.append((data["hi"], data["lo"]))
                case "histosys":
                    self.shapes.append(np.full(len(rows), place.start))
                    self.shape_rows.append(rows)
                    self.changes.append(np.array([data["hi_data"], data["lo_data"]]) - content)
                case "staterror":
                    has_gamma = True
                    self.gammas.append((bins, np.arange(place.start, place.stop)))
                case other:
                    raise FitError(f"channel {channel}: modifiers of type {other} have no derivative here")
        self.nominal.append(content)
        self.bins.append(bins)
        self.has_gamma.append(np.full(len(rows), has_gamma))
        self._n_rows += len(rows)


def _places(pairs: Sequence[tuple[int, int]]) -> tuple[Places, Places]:
    parameters, samples = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return parameters, samples


def _joined(parts: Sequence[Any]) -> Places:
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64)
