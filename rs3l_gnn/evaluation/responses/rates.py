"""Weighted pass rates in every replica of the events, and what each event does to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["log_rates", "pull_of_events", "weighted_sums"]

_BLOCK = 16


def weighted_sums(draws: NDArray[np.integer], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of columns over the events, as they are and in every replica.

    Args:
        draws: multiplicities of the events [n_replicas, n].
        columns: [n, n_columns].

    Returns:
        Sums [1 + n_replicas, n_columns]; the first row counts every event once.
    """
    blocks = [draws[start : start + _BLOCK] for start in range(0, len(draws), _BLOCK)]
    return np.concatenate([columns.sum(axis=0)[None], *(block.astype(np.float64) @ columns for block in blocks)])


def log_rates(
    passed: NDArray[np.bool_], weights: NDArray[np.float64], draws: NDArray[np.integer]
) -> NDArray[np.float64]:
    r"""ln of the share of the weights that pass, :math:`\ln(\sum_i w_i p_i / \sum_i w_i)`.

    Args:
        passed: which jets pass, in several ways (p) [n, n_ways].
        weights: of the jets, of either sign (w) [n].
        draws: multiplicities of their events [n_replicas, n].

    Returns:
        [1 + n_replicas, n_ways], the first row for the jets as they are; NaN where a sum is not positive.
    """
    sums = weighted_sums(draws, np.concatenate([passed, np.ones((len(passed), 1))], axis=1) * weights[:, None])
    above, total = sums[:, :-1], sums[:, -1:]
    known = (above > 0) & (total > 0)
    rates = np.divide(above, total, out=np.full(above.shape, np.nan), where=known)
    return np.asarray(np.log(rates))


def pull_of_events(passed: NDArray[np.bool_], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Derivative of ln(rate) by how often each event counts, :math:`w_i (p_i - \varepsilon) / (\varepsilon \sum w)`.

    The sum of its squares is the variance of ln(rate), to first order.

    Args:
        passed: which jets pass, in several ways [n, n_ways].
        weights: of the jets [n].

    Returns:
        [n, n_ways]; NaN where no rate is defined.
    """
    total = float(weights.sum())
    above = weights @ passed
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(above > 0, above, np.nan) / total
        return np.asarray(weights[:, None] * (passed - rate) / (rate * total))
