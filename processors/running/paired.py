"""What the statistical error of a difference between two templates of the same hard events needs.

Nominal and varied templates share their hard events, so that the error of their difference is smaller than that of two
independent samples. Let hard event e fill bin i of the nominal template with weight w_e and bin j of the varied
one with weight v_e. Hard events are independent, so the covariance of the contents N_i and V_j is

    J_ij = cov(N_i, V_j) = sum of w_e v_e over the events with nominal bin i and varied bin j,

and that of the difference is cov(V - N) = diag(var V) + diag(var N) - J - J^T. An event that stays in its bin with the
same weight adds nothing to it.

Weights and shifts of objects vary the events that a chunk holds anyway, so that
:class:`rs3l_gnn.processors.running.exact.ExactHistogram` adds up their J; re-simulated events come from other files,
and the tables here bring the two together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError

__all__ = ["PairTable", "Pairs", "joint_weights"]


class PairTable:
    """Which bins each selected event of a data set fills; tables of chunks add up in any order.

    Args:
        names: histogram of each column of ``bins``.
        event: event numbers [n].
        channel: place of the channel on its axis [n]; an event in two channels has two rows.
        weight: event weights [n].
        bins: bins with underflow as 0 [n, len(names)].
    """

    def __init__(
        self,
        names: Sequence[str],
        event: NDArray[np.uint64],
        channel: NDArray[np.int8],
        weight: NDArray[np.float64],
        bins: NDArray[np.int32],
    ) -> None:
        self.names = tuple(names)
        self._parts = [(event, channel, weight, bins)]

    def __len__(self) -> int:
        return sum(len(part[0]) for part in self._parts)

    def __add__(self, other: PairTable) -> PairTable:
        merged = PairTable.__new__(PairTable)
        merged.names = self.names
        merged._parts = [*self._parts, *other._parts]
        return merged

    def columns(self) -> tuple[NDArray[np.uint64], NDArray[np.int8], NDArray[np.float64], NDArray[np.int32]]:
        """Event numbers, channels, weights [n] each, and bins [n, len(names)]."""
        event, channel, weight, bins = (np.concatenate(parts) for parts in zip(*self._parts, strict=True))
        return event, channel, weight, bins

    def buckets(self) -> Iterator[PairTable]:
        """The table in parts that share no event: here, the whole."""
        yield self

    def rows(self, channel: int) -> tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.int64]]:
        """Events and weights [n] and bins [n, len(names)] of one channel, by rising event number.

        Raises:
            InvalidDataError: an event number occurs twice.
        """
        event, channels, weight, bins = self.columns()
        here = np.flatnonzero(channels == channel)
        order = here[np.argsort(event[here], kind="stable")]
        twice = np.diff(event[order]) == 0
        if twice.any():
            raise InvalidDataError(
                f"event {event[order][int(np.argmax(twice))]} occurs twice in one data set",
                hint="a file is listed twice, or event numbers of its files overlap; "
                "set paired to false to go on without matching events",
            )
        return event[order], weight[order], bins[order].astype(np.int64)


class Pairs(Protocol):
    """A table in parts that share no event, such as :class:`PairTable`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Histogram of each column of bins."""

    def buckets(self) -> Iterator[PairTable]:
        """The parts; two tables that are matched have the same events in parts of the same number."""


def joint_weights(nominal: Pairs, varied: Pairs, *, n_channels: int, n_bins: int) -> NDArray[np.float64]:
    """Covariances J of the contents of the nominal and the varied templates, see the module's text.

    Args:
        nominal: table of the nominal data set.
        varied: table of the re-simulated one.
        n_channels: entries on the channel axis.
        n_bins: bins with underflow and overflow.

    Returns:
        J [len(names), n_channels, n_bins, n_bins], nominal bins first, for weights before normalisation.

    Raises:
        InvalidDataError: an event occurs twice in one of the data sets.
    """
    joint = np.zeros((len(nominal.names), n_channels, n_bins * n_bins))
    for mine, theirs in zip(nominal.buckets(), varied.buckets(), strict=True):
        for channel in range(n_channels):
            event, weight, bins = mine.rows(channel)
            other_event, other_weight, other_bins = theirs.rows(channel)
            _, here, there = np.intersect1d(event, other_event, assume_unique=True, return_indices=True)
            product = weight[here] * other_weight[there]
            for name in range(len(nominal.names)):
                cell = bins[here, name] * n_bins + other_bins[there, name]
                joint[name, channel] += np.bincount(cell, weights=product, minlength=n_bins * n_bins)
    return joint.reshape(*joint.shape[:2], n_bins, n_bins)
