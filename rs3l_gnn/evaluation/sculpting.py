"""How far a cut on the score shapes the mass of background jets: a decorrelated tagger leaves it as it was."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.evaluation.config import SculptingConfig
from rs3l_gnn.evaluation.meter import Meter, Task, Trainings, percent
from rs3l_gnn.evaluation.results import Sculpting

__all__ = ["jensen_shannon", "mass_spectra", "measure_sculpting"]

_SHUFFLES = 100


def jensen_shannon(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    r"""Jensen-Shannon divergence of histograms, in bits.

    .. math:: \frac12 \sum_i p_i \log_2\frac{p_i}{m_i} + \frac12 \sum_i q_i \log_2\frac{q_i}{m_i},\quad m = (p + q) / 2

    with the normalised contents p and q (J. Lin, IEEE Trans. Inf. Theory 37 (1991) 145, eq. 3.7 with equal weights). It
    is 0 for the same shape and 1 for shapes that do not overlap. Bins below zero, which weights can make, count as
    empty.

    Args:
        first, second: contents [..., n_bins].

    Returns:
        Of each pair [...]; NaN where one of them is empty.
    """
    p, q = (np.maximum(np.asarray(h, dtype=np.float64), 0) for h in (first, second))
    with np.errstate(divide="ignore", invalid="ignore"):
        p, q = (h / h.sum(axis=-1, keepdims=True) for h in (p, q))
        mean = (p + q) / 2
        parts = [np.where(h > 0, h * np.log2(h / mean), 0.0 * h).sum(axis=-1) for h in (p, q)]
    return np.asarray(np.clip((parts[0] + parts[1]) / 2, 0, 1))


def mass_spectra(
    mass: NDArray[np.floating], passed: NDArray[np.bool_], weights: NDArray[np.floating], edges: tuple[float, ...]
) -> NDArray[np.float64]:
    """Sums of weights in bins of the mass for the jets that fail and those that pass.

    Args:
        mass: GeV; jets outside of the bins and NaN are left out [n].
        passed: True for jets that pass [n].
        weights: of the jets [n].
        edges: of the bins, GeV.

    Returns:
        [2, n_bins]: failing, passing.
    """
    n_bins = len(edges) - 1
    return _sums(_bins(mass, edges), n_bins, passed, weights)


def _bins(mass: NDArray[np.floating], edges: tuple[float, ...]) -> NDArray[np.int64]:
    """Bin of each jet, and one behind the last for jets outside of all [n]."""
    bins = np.searchsorted(edges, mass, side="right").astype(np.int64) - 1
    bins[bins < 0] = len(edges) - 1
    return bins


def _sums(
    bins: NDArray[np.int64], n_bins: int, passed: NDArray[np.bool_], weights: NDArray[np.floating]
) -> NDArray[np.float64]:
    sums = np.bincount(bins + (n_bins + 1) * passed, weights=weights, minlength=2 * (n_bins + 1))
    return np.asarray(sums.reshape(2, n_bins + 1)[:, :n_bins], dtype=np.float64)


def measure_sculpting(meter: Meter, task: Task) -> dict[str, dict[str, Sculpting]]:
    """Divergence of the spectra of passing and failing background jets, by tagger and signal efficiency.

    Args:
        meter: scores, weights, replicas.
        task: defines the working points and the background.
    """
    if meter.config.sculpting is None:
        return {}
    return {
        name: {percent(e): _sculpting(meter, trainings, task, e) for e in meter.config.efficiencies}
        for name, trainings in meter.config.trainings.items()
    }


def _sculpting(meter: Meter, trainings: Trainings, task: Task, efficiency: float) -> Sculpting:
    settings = meter.config.sculpting or SculptingConfig()
    event = np.flatnonzero(meter.scored.in_class(task.background))
    mass = getattr(meter.scored.views, settings.observable)[meter.scored.nominal[event]]
    bins, n_bins = _bins(mass, settings.edges), len(settings.edges) - 1

    def divergence(passed: NDArray[np.bool_], weights: NDArray[np.floating]) -> float:
        return float(jensen_shannon(*_sums(bins, n_bins, passed, weights)))

    own, draws = meter.weights(task.background), meter.draws(task.background, event)
    parts, null = [], []
    for weights in trainings:
        passed = meter.nominal(weights, task.background) >= meter.threshold(weights, task, efficiency)
        central = divergence(passed, own)
        if np.isnan(central):
            return Sculpting(None, None, None)
        drawn = np.array([divergence(passed, own * row) for row in draws])
        # A replica without any passing jet says nothing.
        parts.append((central, np.where(np.isnan(drawn), central, drawn)))
        rng = np.random.default_rng([meter.config.seed, 19])
        null.append([divergence(rng.permutation(passed), own) for _ in range(_SHUFFLES)])
    by_chance = np.mean(null, axis=0)
    by_chance = by_chance[~np.isnan(by_chance)]  # NaN where no jet that passes is in the bins
    if len(by_chance) == 0:
        return Sculpting(None, None, None)
    estimate = meter.measured(trainings, parts).estimate()
    return Sculpting(estimate, float(by_chance.mean()), float(np.quantile(by_chance, 0.95)))
