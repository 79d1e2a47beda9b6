"""What a comparison of taggers found, and how it stands in ``comparison.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from rs3l_gnn.fits.compare.replicas import Series, Spread
from rs3l_gnn.fits.compare.shower import ShowerContrast, ShowerPart, contrast_of_shower
from rs3l_gnn.fits.result import FitResult
from rs3l_gnn.fits.templates.period import Built

__all__ = ["PARTS", "Comparison", "Contrast", "TaggerFits", "TaggerResult", "average_trainings"]

PARTS = {
    "mu_error": "total",
    "mu_error_statistical": "statistical",
    "mu_error_shower": "shower",
    "mu_error_other": "other",
}
"""Parts of the error of the signal strength, and what they are called."""


@dataclass(frozen=True)
class TaggerResult:
    """Signal strength with one tagger.

    Attributes:
        mu, mu_error: of the Asimov fit.
        mu_error_statistical, mu_error_shower, mu_error_other: parts of the error that add up in squares; ``other``
            holds the finite simulation, luminosity, normalisations and detector.
        edges, signal_efficiency, background_efficiency: by channel, the binning and the fractions above each edge.
        bias, bias_error: of the fit to each pseudo-data, nominal templates; the error is the statistical one of the
            simulation, None where the run does not tell.
        replicas: how the errors spread over replicas of the simulation, None where none were drawn.
        trainings: spread of the numbers over trainings of one recipe, None for a single training.
        n_trainings: how many there are.
        bias_moves: how far each replica moves the bias, where the replicas of all taggers are the same events.
    """

    histogram: str
    mu: float
    mu_error: float
    mu_error_statistical: float
    mu_error_shower: float
    mu_error_other: float
    edges: dict[str, list[float]]
    signal_efficiency: dict[str, list[float]]
    background_efficiency: dict[str, list[float]]
    bias: dict[str, float]
    bias_error: dict[str, float | None]
    replicas: Spread | None = None
    trainings: dict[str, float] | None = None
    n_trainings: int = 1
    bias_moves: dict[str, Series] = field(default_factory=dict)

    def error_of(self, part: str) -> float | None:
        """Statistical error of a part of the error, from the replicas."""
        return None if self.replicas is None else self.replicas.deviation[part]

    def training_error(self, key: str) -> float:
        """Error of the mean of a part or bias over trainings."""
        return 0.0 if self.trainings is None else self.trainings[key] / self.n_trainings**0.5

    def record(self) -> dict[str, Any]:
        """For JSON, without the numbers in each replica."""
        document = asdict(self)
        del document["bias_moves"]
        if document["replicas"] is not None:
            del document["replicas"]["values"]
        return document


@dataclass(frozen=True)
class TaggerFits:
    """Templates of a tagger, and its fit to each pseudo-data."""

    built: Built
    pseudo: Mapping[str, FitResult]


def average_trainings(
    results: Mapping[str, TaggerResult], trainings: Mapping[str, Sequence[str]]
) -> dict[str, TaggerResult]:
    """Put the average in place of several trainings of one recipe; other taggers stay.

    All trainings see the same simulated events. Their error is that of the mean where replicas are paired, else the
    mean of their errors, as if all fluctuated alike. The spread of the trainings shrinks with their number; the two add
    in squares. Bins and fractions are those of the first training.
    """
    group_of = {tagger: name for name, group in trainings.items() for tagger in group}
    places = dict.fromkeys(group_of.get(tagger, tagger) for tagger in results)
    return {
        name: _average([results[t] for t in trainings[name]]) if name in trainings else results[name] for name in places
    }


def _average(results: Sequence[TaggerResult]) -> TaggerResult:
    first = results[0]
    values = {part: np.array([getattr(result, part) for result in results]) for part in PARTS}
    biases = {name: np.array([result.bias[name] for result in results]) for name in first.bias}
    single = len(results) < 2
    spread = {key: 0.0 if single else float(row.std(ddof=1)) for key, row in [*values.items(), *biases.items()]}

    def error(key: str, errors: Sequence[float | None], series: Series = ()) -> float | None:
        known = [own for own in errors if own is not None]
        if len(known) < len(errors):
            return None
        events = _deviation(series)
        return float(np.hypot(np.mean(known) if events is None else events, spread[key] / len(results) ** 0.5))

    replicas = first.replicas
    moves = {name: _mean_series([result.bias_moves.get(name, ()) for result in results]) for name in first.bias_moves}
    if replicas is not None:
        # Every tagger has them, or none.
        spreads = [result.replicas for result in results if result.replicas is not None]
        series = {part: _mean_series([own.values.get(part, ()) for own in spreads]) for part in replicas.values}
        deviations = {
            part: error(part, [result.error_of(part) for result in results], series.get(part, ())) or 0.0
            for part in PARTS
        }
        means = {part: float(np.mean([own.mean[part] for own in spreads])) for part in PARTS}
        replicas = replace(replicas, mean=means, deviation=deviations, values=series)
    return replace(
        first,
        mu=float(np.mean([result.mu for result in results])),
        mu_error=float(values["mu_error"].mean()),
        mu_error_statistical=float(values["mu_error_statistical"].mean()),
        mu_error_shower=float(values["mu_error_shower"].mean()),
        mu_error_other=float(values["mu_error_other"].mean()),
        bias={name: float(row.mean()) for name, row in biases.items()},
        bias_error={
            name: error(name, [result.bias_error[name] for result in results], moves.get(name, ())) for name in biases
        },
        replicas=replicas,
        trainings=spread,
        n_trainings=len(results),
        bias_moves=moves,
    )


def _mean_series(series: Sequence[Series]) -> Series:
    return tuple(
        None if any(value is None for value in row) else float(np.mean([value for value in row if value is not None]))
        for row in zip(*series, strict=True)
    )


def _deviation(series: Series) -> float | None:
    known = [value for value in series if value is not None]
    return None if len(known) < 2 else float(np.std(known, ddof=1))


@dataclass(frozen=True)
class Contrast:
    """The difference of two taggers.

    Attributes:
        error: standard deviation of the difference over replicas of the same events, where there are some; else that
            in squares, an upper bound. None where nobody knows it.
        in_squares: the two errors added in squares.
        paired: which of them ``error`` is.
    """

    value: float
    error: float | None
    in_squares: float | None
    paired: bool

    def record(self) -> dict[str, float | None]:
        """For JSON."""
        squares = {"error_in_squares": self.in_squares} if self.paired else {}
        return {"value": self.value, "error": self.error, **squares}


@dataclass(frozen=True)
class Comparison:
    """Several taggers with the same events and the same model.

    Attributes:
        taggers: results, several trainings of one recipe averaged.
        trainings: the single results of these, by recipe.
        differences: of each pair of taggers, ``a - b``, by part of the error and size of bias.
        shower: the shower's part without the noise of the templates, of taggers with replicas.
        shower_contrasts: of each pair of these, ``a - b``.
    """

    taggers: dict[str, TaggerResult]
    trainings: dict[str, dict[str, TaggerResult]]
    differences: dict[str, dict[str, Contrast]]
    shower: dict[str, ShowerPart] = field(default_factory=dict)
    shower_contrasts: dict[str, ShowerContrast] = field(default_factory=dict)

    @classmethod
    def of(
        cls, results: Mapping[str, TaggerResult], trainings: Mapping[str, Sequence[str]], *, shower_aim: float = 0.7
    ) -> Comparison:
        """Average trainings and subtract.

        All taggers see the same events, which fluctuate alike for them. Where the run made replicas event by event, the
        error of a difference is the standard deviation of the difference in each replica.
        """
        shown = average_trainings(results, trainings)
        groups = {name: [results[one] for one in trainings.get(name, (name,))] for name in shown}
        parts = {
            name: ShowerPart.of([(one.mu_error_shower, one.replicas) for one in group])
            for name, group in groups.items()
        }
        shower = {name: part for name, part in parts.items() if part is not None}
        return cls(
            taggers=shown,
            trainings={name: {tagger: results[tagger] for tagger in group} for name, group in trainings.items()},
            differences={f"{a} - {b}": _contrasts(shown[a], shown[b]) for a, b in combinations(shown, 2)},
            shower=shower,
            shower_contrasts={
                f"{a} - {b}": contrast_of_shower(shower[a], shower[b], shower_aim) for a, b in combinations(shower, 2)
            },
        )

    @property
    def paired(self) -> bool:
        """Whether the replicas of all taggers are the same events."""
        return all(r.replicas is not None and r.replicas.paired for r in self.taggers.values())

    def record(self) -> dict[str, Any]:
        """The content of ``comparison.json`` but for plots and provenance."""
        return {
            "format": "rs3l-fit-comparison",
            "version": 1,
            "taggers": {tagger: result.record() for tagger, result in self.taggers.items()},
            "paired_differences": self.paired,
            "differences": {
                pair: {key: contrast.record() for key, contrast in entry.items()}
                for pair, entry in self.differences.items()
            },
            "shower": {tagger: part.record() for tagger, part in self.shower.items()},
            "shower_differences": {pair: asdict(contrast) for pair, contrast in self.shower_contrasts.items()},
            "trainings": {
                name: {tagger: result.record() for tagger, result in group.items()}
                for name, group in self.trainings.items()
            },
        }


def _contrasts(one: TaggerResult, other: TaggerResult) -> dict[str, Contrast]:
    found = {}
    for part in PARTS:
        values = getattr(one, part), getattr(other, part)
        errors = one.error_of(part), other.error_of(part)
        series = [() if r.replicas is None else r.replicas.values.get(part, ()) for r in (one, other)]
        found[part] = _contrast(values, errors, series, [r.training_error(part) for r in (one, other)])
    for name in one.bias:
        sizes = abs(one.bias[name]), abs(other.bias[name])
        series = [_moves_of_size(result, name) for result in (one, other)]
        trained = [result.training_error(name) for result in (one, other)]
        errors = one.bias_error[name], other.bias_error[name]
        found[f"size of bias {name}"] = _contrast(sizes, errors, series, trained)
    return found


def _moves_of_size(result: TaggerResult, name: str) -> Series:
    sign = float(np.sign(result.bias[name])) or 1.0
    return tuple(None if move is None else sign * move for move in result.bias_moves.get(name, ()))


def _contrast(
    values: tuple[float, float],
    errors: tuple[float | None, float | None],
    series: Sequence[Series],
    trained: Sequence[float],
) -> Contrast:
    first, second = errors
    squares = None if first is None or second is None else float(np.hypot(first, second))
    paired = None
    if series[0] and series[1]:
        rows = zip(*series, strict=True)
        paired = _deviation(tuple(None if a is None or b is None else a - b for a, b in rows))
    # Trainings of two recipes have nothing in common but the events.
    error = squares if paired is None else float(np.linalg.norm([paired, *trained]))
    return Contrast(values[0] - values[1], error, squares, paired is not None)
