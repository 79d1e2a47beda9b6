"""Responses of taggers in bins of observables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.evaluation.config import ClassConfig
from rs3l_gnn.evaluation.estimates import Estimate
from rs3l_gnn.evaluation.measured import Measured, compare_pairs
from rs3l_gnn.evaluation.meter import Meter, Task, Trainings
from rs3l_gnn.evaluation.responses.config import ProfileConfig
from rs3l_gnn.evaluation.responses.observables import Observable, observable
from rs3l_gnn.evaluation.responses.profiles import Parts, bin_edges, response_parts
from rs3l_gnn.evaluation.responses.results import Estimator, Profile, ProfileBin, ProfileComparison
from rs3l_gnn.evaluation.responses.sides import Side, scored_trainings, sides_of

__all__ = ["BinnedResponses"]


@dataclass(frozen=True)
class _Found:
    """Parts of the responses of some trainings, one way to pass each."""

    edges: NDArray[np.float64]
    parts: Parts
    names: list[str]


class BinnedResponses:
    """Both parts of the responses of the taggers of an evaluation, by observable.

    Args:
        meter: scores, weights, replicas, observables.
        task: defines the working point.
        config: observables and bins.
    """

    def __init__(self, meter: Meter, task: Task, config: ProfileConfig) -> None:
        self._meter, self._task, self._config = meter, task, config
        self._known: dict[tuple[str, str, str], _Found | None] = {}

    def document(self, trainings: Trainings, which: ClassConfig, estimator: Estimator) -> dict[str, Profile]:
        """The numbers to report by observable; empty where the class or a training lacks the views."""
        profiles: dict[str, Profile] = {}
        for name in self._config.observables:
            found = self._found(which, estimator, name)
            if found is None or not set(trainings) <= set(found.names):
                continue
            ways = [found.names.index(weights) for weights in trainings]
            parts = (found.parts.moving, found.parts.passing)
            bins = tuple(
                ProfileBin(
                    low=float(found.edges[place]),
                    high=float(found.edges[place + 1]),
                    share=float(found.parts.share[place]),
                    rate=float(found.parts.rate[place, ways].mean()),
                    moving=self._estimate(trainings, parts[0][:, place, ways]),
                    passing=self._estimate(trainings, parts[1][:, place, ways]),
                )
                for place in range(len(found.edges) - 1)
            )
            sums = [self._estimate(trainings, part[:, :, ways].sum(axis=1)) for part in parts]
            profiles[name] = Profile(bins, *sums)
        return profiles

    def compared(
        self, first: Trainings, second: Trainings, which: ClassConfig, estimator: Estimator
    ) -> dict[str, ProfileComparison]:
        """Second minus first by observable."""
        out: dict[str, ProfileComparison] = {}
        for name in self._config.observables:
            found = self._found(which, estimator, name)
            if found is None or not {*first, *second} <= set(found.names):
                continue
            sums = [
                [
                    self._measured(one, part[:, :, [found.names.index(weights) for weights in one]].sum(axis=1))
                    for one in (first, second)
                ]
                for part in (found.parts.moving, found.parts.passing)
            ]
            out[name] = ProfileComparison(*(compare_pairs(*pair) for pair in sums))
        return out

    def _estimate(self, trainings: Trainings, rows: NDArray[np.float64]) -> Estimate | None:
        found = self._measured(trainings, rows)
        return None if found is None else found.estimate()

    def _measured(self, trainings: Trainings, rows: NDArray[np.float64]) -> Measured | None:
        """A number of each training, with its replicas below [1 + n_replicas, n_trainings]."""
        if np.isnan(rows[0]).any():
            return None
        parts = [(float(column[0]), column[1:]) for column in rows.T]
        return self._meter.measured(trainings, parts, seeds_alone=True)

    def _found(self, which: ClassConfig, estimator: Estimator, name: Observable) -> _Found | None:
        key = ",".join(which.jettypes), estimator.name, name
        if key not in self._known:
            sides = sides_of(self._meter, which, estimator)
            self._known[key] = None if sides is None else self._measure(sides, which, estimator, name)
        return self._known[key]

    def _measure(
        self, sides: tuple[Side, Side], which: ClassConfig, estimator: Estimator, name: Observable
    ) -> _Found | None:
        names = scored_trainings(self._meter, sides)
        edges = self._edges(which, name)
        if not names or len(edges) < 3:
            return None
        cuts = [(weights, self._meter.threshold(weights, self._task, self._config.efficiency)) for weights in names]
        made = [
            (
                np.searchsorted(edges[1:-1], _values(side.meter, name)[side.place], side="right"),
                side.passed(cuts),
                side.weights,
                side.draws,
            )
            for side in sides
        ]
        return _Found(edges, response_parts(made, len(edges) - 1, estimator.logarithm), names)

    def _edges(self, which: ClassConfig, name: Observable) -> NDArray[np.float64]:
        """Edges of the bins of a class: those of the configuration, or from its nominal views."""
        if name in self._config.edges:
            return np.array(self._config.edges[name])
        scored = self._meter.scored
        mine = scored.in_class(which)
        values = _values(self._meter, name)[scored.nominal[mine]]
        return bin_edges(values, scored.nominal_weights[mine], self._config.bins)


def _values(meter: Meter, name: Observable) -> NDArray[np.float64]:
    """An observable of every view [n_jets]."""
    return observable(name, meter.scored.views, meter.scored.observables)
