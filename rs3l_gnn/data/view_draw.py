"""Which events and which of their views a training sees, by random numbers that depend on the seed alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, ConfigError, Split, SplitFractions
from rs3l_gnn.data.views import Views

__all__ = ["ViewDraw", "choose_events", "draw_rng", "draw_views", "events_on"]

_VIEWS, _SUBSET = 2, 3  # random streams: choice of the views, choice of the events


def draw_rng(seed: int, epoch: int) -> np.random.Generator:
    """Random numbers that choose the views of one epoch."""
    return np.random.default_rng([seed, epoch, _VIEWS])


def events_on(
    index: Views, side: Split | None, splits: SplitFractions, samples: Sequence[str] | None = None
) -> NDArray[np.int64]:
    """Events on one side of the split, on all for None, of some samples, of all for None.

    Raises:
        ConfigError: a sample that no view is of.
    """
    unknown = [name for name in samples or () if name not in index.samples]
    if unknown:
        raise ConfigError(f"no view is of sample {unknown[0]!r}", allowed=index.samples)
    nominal = index.first[:-1]
    numbers = [number for number, name in enumerate(index.samples) if samples is None or name in samples]
    wanted = np.isin(index.sample[nominal], numbers)
    if side is not None:
        wanted &= index.split(splits)[nominal] == side
    return np.flatnonzero(wanted)


@dataclass(frozen=True)
class ViewDraw:
    """How the views of an event are chosen.

    Attributes:
        n_views: views of each event in a batch.
        anchored: True = the nominal view is always the first.
        weights: relative probability of each variation, by name; others are never drawn.
    """

    n_views: int = 2
    anchored: bool = True
    weights: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, index: Views, n_views: int, weights: Mapping[str, float] | None, *, anchored: bool) -> ViewDraw:
        """A draw whose partners are all variations of ``index``, equally, where ``weights`` is None."""
        if weights is None:
            weights = {variation.name: 1.0 for variation in index.variations if variation.name != NOMINAL.name}
            weights |= {} if anchored else {NOMINAL.name: 1.0}
        return cls(n_views, anchored=anchored, weights=weights)

    def jet_weights(self, index: Views) -> NDArray[np.float64]:
        """Weight of each view in the draw [n_jets]; infinite for an anchor.

        Raises:
            ConfigError: a negative weight, or none that is positive.
            UnknownVariationError: a variation that does not occur.
        """
        weights = np.zeros(index.n_jets)
        for name, weight in self.weights.items():
            if not weight >= 0:
                raise ConfigError(f"the weight of variation {name!r} must be >= 0", got=weight)
            if weight > 0:  # what is not wanted need not be there
                weights[index.vartype == index.vartype_of(name)] = weight
        if self.anchored:
            weights[index.vartype == NOMINAL.vartype] = np.inf
        if not weights.any():
            raise ConfigError("no variation has a positive weight", allowed=[v.name for v in index.variations])
        return weights

    def has_enough(self, index: Views, events: NDArray[np.int64]) -> NDArray[np.bool_]:
        """True for the events that have enough views, and the nominal one first where it anchors [n].

        Args:
            index: all views.
            events: to look at [n]; errors as :meth:`jet_weights`.
        """
        usable = self.jet_weights(index) > 0
        n_usable = np.add.reduceat(usable, index.first[:-1]) if index.n_events else np.zeros(0)
        enough = n_usable[events] >= self.n_views
        if self.anchored:
            enough &= index.vartype[index.first[:-1][events]] == NOMINAL.vartype
        return np.asarray(enough)


def draw_views(index: Views, events: NDArray[np.int64], draw: ViewDraw, rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose different views of each event, weighted, without replacement.

    Each view gets the key ``-log(u) / weight`` with uniform u, and the smallest keys win (Efraimidis and Spirakis,
    Inf. Process. Lett. 97 (2006) 181). An anchor has an infinite weight, hence key 0.

    Args:
        index: all views.
        events: events that have enough views [n].
        draw: how to choose.
        rng: random numbers; one is used for each view of the index, whatever ``events`` is.

    Returns:
        Jet indices [n, n_views], the anchor first.
    """
    weights = draw.jet_weights(index)
    uniform = 1.0 - rng.random(index.n_jets)  # in (0, 1], so the logarithm is finite
    with np.errstate(divide="ignore", invalid="ignore"):
        keys = np.where(weights > 0, -np.log(uniform) / weights, np.inf)
    order = np.lexsort((keys, index.event_of_jet))
    return np.asarray(order[index.first[events][:, None] + np.arange(draw.n_views)[None, :]], dtype=np.int64)


def choose_events(events: NDArray[np.int64], size: int | None, n_events: int, seed: int) -> NDArray[np.int64]:
    """The ``size`` events with the smallest of some random numbers, of which every event of the source has one.

    Every event has the same chance, whatever its weight: the weights of those that are chosen stay what they are.

    Args:
        events: to choose from [n].
        size: how many; all if None or more than there are.
        n_events: events of the source.
        seed: for one seed and source, a smaller size gives a part of those of a larger one.

    Returns:
        Event indices, rising.
    """
    if size is None or size >= len(events):
        return np.asarray(events, dtype=np.int64)
    keys = np.random.default_rng([seed, _SUBSET]).random(n_events)
    return np.sort(events[np.argsort(keys[events], kind="stable")[:size]])
