"""Replicas of the histograms by a Poisson bootstrap of the hard events, alike for all taggers and all their views.

In replica r every hard event counts k times, with k from a Poisson distribution of mean 1 (Efron, Ann. Statist. 7
(1979) 1; with Poisson counts: Hanley and MacGibbon, Comput. Methods Programs Biomed. 83 (2006) 57). The count comes
from a hash of the event, so that nominal and re-simulated events, all taggers, channels and variations fluctuate
together, however the work is cut. The normalisation stays that of all events: the variance of a bin over replicas is
then the sum of its squared weights, as everywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, event_hash

__all__ = ["ReplicaHistogram", "Replicas", "multiplicities", "write_replicas"]

_TERMS = 20  # the chance of more than this is 1e-20, below the steps of the hash
_BELOW = np.exp(-1.0) * np.cumsum(1 / np.cumprod([1.0, *range(1, _TERMS)]))
_ROWS_AT_ONCE = 1 << 14


def multiplicities(dataset: str, event: NDArray[np.uint64], *, replicas: int, seed: int) -> NDArray[np.uint8]:
    """How often each hard event counts in each replica [n_events, replicas].

    Args:
        dataset: the data set that the hard events were made for; its re-simulations have the name of nominal here.
        event: event numbers [n_events].
        replicas: how many.
        seed: a replica depends on the seed and its number alone.
    """
    counts = np.empty((len(event), replicas), dtype=np.uint8)
    for number in range(replicas):
        even = event_hash(f"bootstrap-{seed}-{number}-{dataset}", event)
        counts[:, number] = np.searchsorted(_BELOW, even, side="right")
    return counts


class ReplicaHistogram:
    """Replicas of one histogram, by channel and variation [replicas, n_bins with flow].

    Sums are those of floating-point numbers: other chunks or another order change them by rounding.

    Args:
        n_bins: bins, with underflow and overflow.
        replicas: how many.
    """

    def __init__(self, n_bins: int, replicas: int) -> None:
        self.shape = (replicas, n_bins)
        self.contents: dict[tuple[str, str], NDArray[np.float64]] = {}

    def fill(
        self,
        *,
        channel: str,
        variation: str,
        bins: NDArray[np.int64],
        weight: NDArray[np.float64],
        counts: NDArray[np.uint8],
    ) -> None:
        """Add entries.

        Args:
            channel, variation: whose.
            bins: bins with underflow as 0 [n].
            weight: weights [n].
            counts: of the entries' events, from :func:`multiplicities` [n, replicas].
        """
        total = self.contents.setdefault((channel, variation), np.zeros(self.shape))
        order = np.argsort(bins, kind="stable")
        for start in range(0, len(order), _ROWS_AT_ONCE):
            rows = order[start : start + _ROWS_AT_ONCE]
            filled, first = np.unique(bins[rows], return_index=True)
            total[:, filled] += np.add.reduceat(weight[rows, None] * counts[rows], first, axis=0).T

    def __add__(self, other: ReplicaHistogram) -> ReplicaHistogram:
        merged = ReplicaHistogram(self.shape[1], self.shape[0])
        merged += self
        merged += other
        return merged

    def __iadd__(self, other: ReplicaHistogram) -> ReplicaHistogram:
        if other.shape != self.shape:
            raise ConfigError("replicas of different shapes cannot be merged", got=other.shape, allowed=self.shape)
        for place, content in other.contents.items():
            self.contents[place] = self.contents[place] + content if place in self.contents else content.copy()
        return self


@dataclass
class Replicas:
    """Normalised replicas of all histograms: name -> (dataset, channel, variation) -> [replicas, n_bins with flow]."""

    number: int
    seed: int
    histograms: dict[str, dict[tuple[str, str, str], NDArray[np.float64]]]

    def add(self, entry: str, scale: float, part: Mapping[str, ReplicaHistogram]) -> None:
        """Add the replicas of a data set.

        Args:
            entry: its name on the dataset axis.
            scale: factor on its weights.
            part: histogram -> replicas.
        """
        for name, histogram in part.items():
            cells = self.histograms.setdefault(name, {})
            for (channel, variation), content in histogram.contents.items():
                place = (entry, channel, variation)
                cells[place] = cells[place] + scale * content if place in cells else scale * content


def write_replicas(path: Path, replicas: Replicas) -> None:
    """Write a compressed NumPy archive: ``header``, and by histogram contents in pb [cells, replicas, bins with flow].

    The header is JSON: ``format``, ``version``, ``replicas``, ``seed``, ``axes`` (what the three axes are) and
    ``cells`` (by histogram the dataset, channel and variation of each entry of the first axis).
    """
    cells = {name: sorted(contents) for name, contents in replicas.histograms.items()}
    header = {
        "format": "rs3l-replicas",
        "version": 1,
        "replicas": replicas.number,
        "seed": replicas.seed,
        "axes": ["cell", "replica", "bin"],
        "cells": cells,
    }
    arrays: dict[str, Any] = {
        name: np.stack([replicas.histograms[name][place] for place in places])
        for name, places in cells.items()
        if places
    }
    with path.open("wb") as file:
        np.savez_compressed(file, header=np.array(json.dumps(header)), **arrays)
