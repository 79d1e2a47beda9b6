r"""Which jets move: a response as a sum over bins of an observable.

With the share :math:`f_k` of the jets in bin k and the rate :math:`e_k` at which they pass, :math:`\varepsilon = \sum_k
f_k e_k` on both sides, each side with its own observable. The difference of two products is that of the first factors
times the mean of the second ones and vice versa,

.. math::

    \varepsilon_u - \varepsilon_d =
    \sum_k (f^u_k - f^d_k) (\bar e_k - \bar\varepsilon) + \sum_k \bar f_k (e^u_k - e^d_k),

where the middle rate :math:`\bar\varepsilon = (\varepsilon_u - \varepsilon_d) / (\ln\varepsilon_u -
\ln\varepsilon_d)` may be subtracted as both shares sum to one. Over :math:`L\bar\varepsilon`, with the logarithm L of
the estimator, the sums are the two parts of the response, exactly: jets that move between bins where others pass, and
jets that pass otherwise in their bin. A bin that is empty on one side has the rate of the other: its jets moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.evaluation.responses.rates import weighted_sums

__all__ = ["Parts", "bin_edges", "response_parts"]


@dataclass(frozen=True)
class Parts:
    """Parts of the responses of several ways to pass; the first row is for the jets as they are.

    Attributes:
        moving: of jets that move between bins [1 + n_replicas, n_bins, n_ways].
        passing: of jets that pass otherwise [1 + n_replicas, n_bins, n_ways].
        share: of the jets in each bin, mean of the sides [n_bins].
        rate: at which they pass, mean of the sides [n_bins, n_ways].
    """

    moving: NDArray[np.float64]
    passing: NDArray[np.float64]
    share: NDArray[np.float64]
    rate: NDArray[np.float64]


def bin_edges(values: NDArray[np.float64], weights: NDArray[np.float64], n_bins: int) -> NDArray[np.float64]:
    """Edges of bins that hold the same sum of weights, as far as values differ [<= n_bins + 1].

    Args:
        values: observable of each jet [n].
        weights: of the jets; negative ones count as none [n].
        n_bins: how many.
    """
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(np.maximum(weights[order], 0.0))
    inner = values[order][np.searchsorted(sums, sums[-1] * np.arange(1, n_bins) / n_bins)]
    return np.unique([values.min(), *inner, values.max()])


def response_parts(
    sides: Sequence[tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64], NDArray[np.integer]]],
    n_bins: int,
    logarithm: float,
) -> Parts:
    """Both parts of a response in every bin.

    Args:
        sides: up and down: bin of each jet [n], which jets pass [n, n_ways], weights [n], multiplicities of the events
            [n_replicas, n].
        n_bins: number of bins.
        logarithm: of the estimator.
    """
    (f_up, e_up), (f_down, e_down) = (_shares_and_rates(*side, n_bins=n_bins) for side in sides)
    e_up, e_down = np.where(np.isnan(e_up), e_down, e_up), np.where(np.isnan(e_down), e_up, e_down)
    e_up, e_down = np.nan_to_num(e_up), np.nan_to_num(e_down)  # no jet on either side
    rates = [(f[:, :, None] * e).sum(axis=1) for f, e in ((f_up, e_up), (f_down, e_down))]
    middle = _logarithmic_mean(*rates)[:, None, :]
    share, rate = (f_up + f_down) / 2, (e_up + e_down) / 2
    scale = logarithm * middle
    with np.errstate(divide="ignore", invalid="ignore"):
        moving = (f_up - f_down)[:, :, None] * (rate - middle) / scale
        passing = share[:, :, None] * (e_up - e_down) / scale
    return Parts(moving, passing, share[0], rate[0])


def _shares_and_rates(
    place: NDArray[np.int64],
    passed: NDArray[np.bool_],
    weights: NDArray[np.float64],
    draws: NDArray[np.integer],
    *,
    n_bins: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of each bin [1 + n_replicas, n_bins], rate in it [1 + n_replicas, n_bins, n_ways]; NaN for an empty bin."""
    columns = np.concatenate([np.ones((len(passed), 1)), passed], axis=1) * weights[:, None]
    inside = [np.flatnonzero(place == number) for number in range(n_bins)]
    sums = np.stack([weighted_sums(draws[:, rows], columns[rows]) for rows in inside], axis=1)
    bins = sums[:, :, 0]
    total = bins.sum(axis=1, keepdims=True)
    shares = np.divide(bins, total, out=np.full(bins.shape, np.nan), where=total > 0)
    passing = sums[:, :, 1:]
    rates = np.divide(passing, bins[:, :, None], out=np.full(passing.shape, np.nan), where=bins[:, :, None] != 0)
    return shares, rates


def _logarithmic_mean(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(a - b) / (ln a - ln b), a where they are equal; NaN unless both are positive."""
    known = (one > 0) & (other > 0)
    a, b = np.where(known, one, 1.0), np.where(known, other, 1.0)
    difference = np.log(a) - np.log(b)
    mean = np.divide(a - b, difference, out=a.copy(), where=np.abs(difference) > 1e-9)
    return np.asarray(np.where(known, mean, np.nan))
