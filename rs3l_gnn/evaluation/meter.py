"""Numbers of each training on the test events, computed once and put together for recipes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, InvalidDataError, Variation
from rs3l_gnn.evaluation.config import BASELINE, ClassConfig, EvaluateConfig
from rs3l_gnn.evaluation.measured import Measured, normal_scores
from rs3l_gnn.evaluation.replicas import bootstrap_weights, distance_replicas, null_distances, rate_replicas
from rs3l_gnn.evaluation.results import Distances, Rejection
from rs3l_gnn.evaluation.robustness import distance, quantile_scores, rate_changes
from rs3l_gnn.evaluation.roc import roc_curve, threshold_at
from rs3l_gnn.evaluation.scoring import ScoredViews

__all__ = ["ROC_GRID", "Meter", "Task", "Trainings", "percent"]

ROC_GRID = tuple(round(0.01 * step, 2) for step in range(1, 101))
"""Signal efficiencies at which ROC curves are given."""

Trainings = tuple[str, ...]
"""Weights of the trainings of one recipe."""

_Result = TypeVar("_Result")
_Numbers = tuple[float, NDArray[np.float64]]
_Rates = tuple[_Numbers, tuple[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""Area and rates with their replicas; effective numbers of background jets that pass."""


@dataclass(frozen=True)
class Task:
    """What a tagger is asked to tell apart."""

    signal: ClassConfig
    background: ClassConfig

    @property
    def key(self) -> str:
        """Jet types of both classes."""
        return f"{','.join(self.signal.jettypes)}|{','.join(self.background.jettypes)}"


class Meter:
    """Measures recipes (groups of trainings) on scored test events.

    Args:
        config: replicas, seed, efficiencies.
        scored: the scores of all trainings.
        others: the same of other hard events, from other generators.
    """

    def __init__(self, config: EvaluateConfig, scored: ScoredViews, others: Mapping[str, Meter] | None = None) -> None:
        self.config, self.scored, self.others = config, scored, others or {}
        self._cache: dict[tuple[str, ...], object] = {}

    @cached_property
    def variations(self) -> tuple[Variation, ...]:
        """The variations that are compared with nominal: the wanted ones, or all that occur.

        Raises:
            UnknownVariationError: a wanted one does not occur.
        """
        found = [variation for variation in self.scored.views.variations if variation.name != NOMINAL.name]
        if self.config.variations is None:
            return tuple(found)
        wanted = {self.scored.views.vartype_of(name) for name in self.config.variations}
        return tuple(variation for variation in found if variation.vartype in wanted)

    @cached_property
    def efficiencies(self) -> tuple[float, ...]:
        """Every signal efficiency that anything asks for, rising."""
        asked = {*self.config.efficiencies, *ROC_GRID}
        asked |= {curve.efficiency for curve in self.config.curves.values()}
        asked |= {efficiency for table in self.config.tables.values() for efficiency in table.efficiencies}
        return tuple(sorted(asked))

    def check(self) -> None:
        """Raise now what :attr:`variations` and :meth:`task` would raise later, after all the scoring."""
        _ = self.variations
        self.task(None, None)
        for curve in self.config.curves.values():
            self.task(curve.signal, curve.background)
        for table in self.config.tables.values():
            self.task(table.signal, table.background)

    def task(self, signal: ClassConfig | None, background: ClassConfig | None) -> Task:
        """Classes to tell apart; those of the evaluation unless others are given.

        Raises:
            InvalidDataError: a class without test events.
        """
        task = Task(signal or self.config.signal, background or self.config.background)
        for which in (task.signal, task.background):
            if not self.scored.in_class(which).any():
                raise InvalidDataError(
                    f"no test event is of class {which.name!r}",
                    got=f"{self.counts()}",
                    hint=f"jet types {which.jettypes}",
                )
            total = float(self.weights(which).sum())
            if not total > 0:
                raise InvalidDataError(f"the weights of class {which.name!r} have no positive sum", got=total)
        return task

    def counts(self) -> dict[str, int]:
        """Test events of each class of the evaluation."""
        return {which.name: int(self.scored.in_class(which).sum()) for which in self.config.classes}

    def nominal(self, weights: str, which: ClassConfig) -> NDArray[np.float64]:
        """Nominal scores of a training for the events of a class [n]."""
        return self.scored.scores[weights].nominal[self.scored.in_class(which)]

    def weights(self, which: ClassConfig) -> NDArray[np.float64]:
        """Generator weights of the nominal views of the events of a class [n]."""
        return self.scored.nominal_weights[self.scored.in_class(which)]

    def threshold(self, weights: str, task: Task, efficiency: float) -> float:
        """Threshold of a training at a signal efficiency."""
        return threshold_at(self.nominal(weights, task.signal), efficiency, self.weights(task.signal))

    def area(self, trainings: Trainings, task: Task) -> Measured:
        """Area under the ROC curve."""
        return self._gather(trainings, lambda weights: self._areas_and_rates(weights, task)[0])

    def rate(self, trainings: Trainings, task: Task, efficiency: float) -> Measured:
        """False positive rate at a signal efficiency out of :attr:`efficiencies`."""
        place = self.efficiencies.index(efficiency)

        def one(weights: str) -> _Numbers:
            values, replicas = self._areas_and_rates(weights, task)[1]
            return float(values[place]), replicas[:, place]

        return self._gather(trainings, one)

    def rejection(self, trainings: Trainings, task: Task, efficiency: float, *, count: bool = False) -> Rejection:
        """1/FPR at a signal efficiency; ``count`` adds the effective number of background jets that pass."""
        rate = self.rate(trainings, task, efficiency)
        place = self.efficiencies.index(efficiency)
        passing = [self._areas_and_rates(weights, task)[2][place] for weights in trainings] if count else None
        jets = None if passing is None else round(float(np.mean(passing)), 2)
        return Rejection(rate.inverse(), rate.estimate(), jets)

    def has_views(self, trainings: Trainings, which: ClassConfig, variation: Variation) -> bool:
        """Whether all trainings were scored in a variation that occurs in a class."""
        return (
            all(self.scored.scores[weights].views is not None for weights in trainings)
            and len(self.scored.pairs(which, variation.vartype)[0]) > 0
        )

    def n_pairs(self, which: ClassConfig, variation: Variation) -> int:
        """Events of a class with both views."""
        return len(self.scored.pairs(which, variation.vartype)[0])

    def shift(
        self, trainings: Trainings, task: Task, which: ClassConfig, variation: Variation, *, common: bool
    ) -> Measured:
        """Wasserstein distance of the scores of the nominal and the varied view.

        Args:
            trainings: the recipe.
            task: defines the common scale.
            which: class of jets.
            variation: the variation.
            common: on the scale of :func:`~rs3l_gnn.evaluation.robustness.quantile_scores` rather than of the score.
        """
        place = 1 if common else 0
        return self._gather(trainings, lambda weights: self._shifts(weights, task, which, variation)[place])

    def null_shift(
        self, trainings: Trainings, task: Task, which: ClassConfig, variation: Variation, *, common: bool
    ) -> NDArray[np.float64]:
        """Distances that statistics alone makes, mean over the trainings [n_swaps]; arguments as for :meth:`shift`."""

        def one(weights: str) -> NDArray[np.float64]:
            left, right = self._paired_scores(weights, task, which, variation)[1 if common else 0]
            of_views = self._pair_weights(which, variation)
            rng = np.random.default_rng([self.config.seed, 17, variation.vartype + 1])
            key = ("null", weights, task.key, ",".join(which.jettypes), variation.name, str(common))
            return self._once(key, lambda: null_distances(left, right, rng, weights=of_views))

        return np.asarray(np.mean([one(weights) for weights in trainings], axis=0))

    def mean_shift(self, trainings: Trainings, task: Task, which: ClassConfig, *, common: bool) -> Measured | None:
        """Mean distance of all variations but ``seed``, whose distance is statistics alone; None without any."""
        parts = [
            self.shift(trainings, task, which, variation, common=common)
            for variation in self.variations
            if variation.name != "seed" and self.has_views(trainings, which, variation)
        ]
        if not parts:
            return None
        return Measured(
            np.mean([part.values for part in parts], axis=0),
            np.mean([part.replicas for part in parts], axis=0),
            parts[0].noise,
            parts[0].trained,
        )

    def mean_distances(self, trainings: Trainings, task: Task) -> dict[str, Distances]:
        """Mean distances of background and signal on both scales, where variations were scored."""
        found = {}
        for which in (task.background, task.signal):
            plain, common = (self.mean_shift(trainings, task, which, common=scale) for scale in (False, True))
            if plain is not None and common is not None:
                found[which.name] = Distances(plain.estimate(), common.estimate())
        return found

    def rate_change(
        self, trainings: Trainings, task: Task, which: ClassConfig, variation: Variation, efficiency: float
    ) -> Measured | None:
        """Relative change of the pass rate at the threshold of the nominal signal; None if no nominal view passes."""

        def compute() -> Measured | None:
            event, varied = self.scored.pairs(which, variation.vartype)
            draws, of_views = self.draws(which, event), self._pair_weights(which, variation)

            def one(weights: str) -> tuple[float, NDArray[np.float64]] | None:
                scores = self.scored.scores[weights]
                if scores.views is None:
                    return None
                cut = self.threshold(weights, task, efficiency)
                return rate_changes(scores.nominal[event] >= cut, scores.views[varied] >= cut, draws, of_views)

            parts = [one(weights) for weights in trainings]
            known = [part for part in parts if part is not None]
            return self.measured(trainings, known) if len(known) == len(parts) else None

        # Each pair of recipes asks for both.
        key = ("change", *trainings, task.key, ",".join(which.jettypes), variation.name, str(efficiency))
        return self._once(key, compute)

    def _areas_and_rates(self, weights: str, task: Task) -> _Rates:
        def compute() -> _Rates:
            signal, background = (self.nominal(weights, which) for which in (task.signal, task.background))
            of_jets = self.weights(task.signal), self.weights(task.background)
            roc = roc_curve(signal, background, of_jets)
            drawn = (self._replicas(task.signal), self._replicas(task.background))
            areas, rates = rate_replicas(signal, background, drawn, self.efficiencies, of_jets)
            places = [roc.place_of(efficiency) for efficiency in self.efficiencies]
            return (roc.area, areas), (roc.background[places], rates), roc.n_background[places]

        return self._once(("rates", weights, task.key), compute)

    def _shifts(self, weights: str, task: Task, which: ClassConfig, variation: Variation) -> tuple[_Numbers, _Numbers]:
        def compute() -> tuple[_Numbers, _Numbers]:
            drawn = self.draws(which, self.scored.pairs(which, variation.vartype)[0])
            of_views = self._pair_weights(which, variation)
            plain, common = self._paired_scores(weights, task, which, variation)
            return (
                (distance(*plain, of_views), distance_replicas(*plain, drawn, of_views)),
                (distance(*common, of_views), distance_replicas(*common, drawn, of_views)),
            )

        key = ("shifts", weights, task.key, ",".join(which.jettypes), variation.name)
        return self._once(key, compute)

    def _paired_scores(
        self, weights: str, task: Task, which: ClassConfig, variation: Variation
    ) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Nominal and varied scores of the same events, as they are and on the common scale."""
        scores = self.scored.scores[weights]
        if scores.views is None:
            raise InvalidDataError(f"{weights} was not scored in the variations")
        event, varied = self.scored.pairs(which, variation.vartype)
        left, right = scores.nominal[event], scores.views[varied]
        references = self.nominal(weights, task.signal), self.nominal(weights, task.background)
        of_jets = self.weights(task.signal), self.weights(task.background)
        quantiles = [quantile_scores(scores, *references, of_jets) for scores in (left, right)]
        return (left, right), (quantiles[0], quantiles[1])

    def _pair_weights(
        self, which: ClassConfig, variation: Variation
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights of the nominal and the varied views of the same events."""
        event, varied = self.scored.pairs(which, variation.vartype)
        return self.scored.nominal_weights[event], self.scored.weights[varied]

    def _gather(self, trainings: Trainings, one: Callable[[str], _Numbers]) -> Measured:
        return self.measured(trainings, [one(weights) for weights in trainings])

    def measured(
        self, trainings: Trainings, parts: list[tuple[float, NDArray[np.float64]]], *, seeds_alone: bool = False
    ) -> Measured:
        """Put values and replicas of the trainings of a recipe together; ``seeds_alone`` as in :class:`Measured`."""
        # Recipes share the replicas of the events; the seeds of two recipes have nothing in common.
        rng = np.random.default_rng([self.config.seed, 13, zlib.crc32("\0".join(trainings).encode())])
        return Measured(
            np.array([value for value, _ in parts]),
            np.stack([replicas for _, replicas in parts]),
            normal_scores(self.config.bootstrap, rng),
            trained=trainings != (BASELINE,),
            seeds_alone=seeds_alone,
        )

    def _replicas(self, which: ClassConfig) -> NDArray[np.uint8]:
        """Multiplicities of the events of a class, the same for whoever asks [n_replicas, n]."""

        def compute() -> NDArray[np.uint8]:
            rng = np.random.default_rng([self.config.seed, 11, zlib.crc32(",".join(which.jettypes).encode())])
            return bootstrap_weights(int(self.scored.in_class(which).sum()), self.config.bootstrap, rng)

        return self._once(("replicas", *which.jettypes), compute)

    def draws(self, which: ClassConfig, event: NDArray[np.int64]) -> NDArray[np.uint8]:
        """How often each replica draws some events of a class [n_replicas, n]; the same for all taggers."""
        place = np.cumsum(self.scored.in_class(which)) - 1
        return self._replicas(which)[:, place[event]]

    def _once(self, key: tuple[str, ...], compute: Callable[[], _Result]) -> _Result:
        if key not in self._cache:
            self._cache[key] = compute()
        return self._cache[key]  # type: ignore[return-value]  # the key tells the type


def percent(efficiency: float) -> str:
    """A signal efficiency as a key, such as ``50``."""
    return f"{100 * efficiency:g}"
