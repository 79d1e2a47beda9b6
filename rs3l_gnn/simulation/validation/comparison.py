"""Two views of the same hard events, compared with errors that know they are the same events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.simulation.validation.jets import AnchorJets, Variable

__all__ = ["MeanShift", "YieldRatio", "entries", "mean_shift", "yield_ratio", "yields"]


@dataclass(frozen=True)
class MeanShift:
    """Change of a mean between two views, over the events that have their jet in both.

    Attributes:
        events: their number.
        nominal: mean in the nominal view.
        shift: mean of the change.
        error: statistical error of ``shift``, from the spread of the changes.
    """

    events: int
    nominal: float
    shift: float
    error: float

    @property
    def significance(self) -> float | None:
        """Shift over error; None where nothing changes in any event."""
        return self.shift / self.error if self.error > 0 else None


@dataclass(frozen=True)
class YieldRatio:
    """Yields of bins in two views and their ratio; arrays [n_bins], NaN where the nominal bin is empty.

    Attributes:
        nominal, varied: sums of weights.
        ratio: varied over nominal.
        error: of ``ratio``, paired: an event with both jets in a bin adds to both sides.
    """

    nominal: NDArray[np.float64]
    varied: NDArray[np.float64]
    ratio: NDArray[np.float64]
    error: NDArray[np.float64]


def mean_shift(nominal: AnchorJets, varied: AnchorJets, name: str) -> MeanShift:
    """Weighted mean change of a variable, event by event.

    The error is that of a weighted mean, sqrt(sum w^2 (x - mean)^2) / sum w; NaN without common events.
    """
    _, one, other = np.intersect1d(nominal.event, varied.event, return_indices=True)
    weight, before = nominal.weight[one], getattr(nominal, name)[one]
    change = getattr(varied, name)[other] - before
    total = weight.sum()
    if len(one) == 0 or total == 0:
        return MeanShift(len(one), np.nan, np.nan, np.nan)
    mean = float((weight * change).sum() / total)
    error = float(np.sqrt((np.square(weight) * np.square(change - mean)).sum()) / abs(total))
    return MeanShift(len(one), float((weight * before).sum() / total), mean, error)


def yields(jets: AnchorJets, variable: Variable, factor: NDArray[np.float64] | float = 1.0) -> NDArray[np.float64]:
    """Sums of weights [n_bins]; what lies beyond the last edge is in the last bin, as below the first in the first."""
    place = _places(jets, variable)
    return np.bincount(place, jets.weight * factor, minlength=variable.bins).astype(np.float64)


def entries(jets: AnchorJets, variable: Variable) -> NDArray[np.int64]:
    """Numbers of jets [n_bins], in the bins of :func:`yields`."""
    return np.bincount(_places(jets, variable), minlength=variable.bins).astype(np.int64)


def yield_ratio(
    nominal: AnchorJets,
    varied: AnchorJets,
    variable: Variable,
    *,
    factor: NDArray[np.float64] | float = 1.0,
) -> YieldRatio:
    """Ratio of the yields of two views, bin by bin.

    Linear errors over hard events: with a and b the weights that an event puts into the bin in the varied and in the
    nominal view, the variance of R = sum a / sum b is sum (a - R b)^2 / (sum b)^2.

    Args:
        nominal, varied: views of the same hard events, each with the events that have their jet.
        variable: what is binned.
        factor: on the weights of ``varied`` [n_jets], such as a shower weight.
    """
    events = np.union1d(nominal.event, varied.event)
    sums = yields(nominal, variable), yields(varied, variable, factor)
    below = np.where(sums[0] == 0, np.nan, sums[0])
    ratio = sums[1] / below
    squares = np.zeros(variable.bins)
    filled = [np.zeros(len(events)), np.zeros(len(events))]
    places = [np.full(len(events), -1), np.full(len(events), -1)]
    for side, (jets, scale) in enumerate(((nominal, 1.0), (varied, factor))):
        row = np.searchsorted(events, jets.event)
        places[side][row] = _places(jets, variable)
        filled[side][row] = jets.weight * scale
    for k in range(variable.bins):
        before = np.where(places[0] == k, filled[0], 0.0)
        after = np.where(places[1] == k, filled[1], 0.0)
        squares[k] = np.square(after - ratio[k] * before).sum()
    return YieldRatio(sums[0], sums[1], ratio, np.sqrt(squares) / np.abs(below))


def _places(jets: AnchorJets, variable: Variable) -> NDArray[np.int64]:
    place = np.searchsorted(variable.edges, getattr(jets, variable.name), side="right") - 1
    clipped: NDArray[np.int64] = np.clip(place, 0, variable.bins - 1)
    return clipped
