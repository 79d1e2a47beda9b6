"""The result of a comparison of taggers: as a document, and as a table to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from rs3l_gnn.fits.compare.replicas import Series, Spread

__all__ = [
    "PARTS",
    "TaggerResult",
    "average_trainings",
    "comparison_document",
    "markdown_table",
    "tagger_document",
]

PARTS = {
    "mu_error": "total",
    "mu_error_statistical": "statistical",
    "mu_error_shower": "shower",
    "mu_error_other": "other",
}
"""Parts of the error of the signal strength, and what they are called."""
_PAIRED = (
    "Errors of differences are paired: the standard deviation of the difference over replicas of the same events.\n"
)
_IN_SQUARES = (
    "Errors of differences add those of two taggers in squares. The same events fluctuate for both: upper bounds.\n"
)


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


def tagger_document(result: TaggerResult) -> dict[str, Any]:
    """A result for JSON, without its numbers in each replica."""
    document = asdict(result)
    del document["bias_moves"]
    if document["replicas"] is not None:
        del document["replicas"]["values"]
    return document


def comparison_document(results: Mapping[str, TaggerResult]) -> dict[str, Any]:
    """All numbers, and for each pair of taggers the differences.

    All taggers see the same events, which fluctuate alike for them. Where the run made replicas event by event, the
    error of a difference is the standard deviation of the difference in each replica: ``paired_differences`` is true,
    and ``error_in_squares`` is what adding the two errors in squares gives. Otherwise the errors are those in squares,
    upper bounds.
    """
    pairs = {}
    for first, second in combinations(results, 2):
        one, other = results[first], results[second]
        entry: dict[str, Any] = {}
        for part in PARTS:
            values = getattr(one, part), getattr(other, part)
            errors = one.error_of(part), other.error_of(part)
            series = [() if r.replicas is None else r.replicas.values.get(part, ()) for r in (one, other)]
            entry[part] = _difference(values, errors, series, [r.training_error(part) for r in (one, other)])
        for name in one.bias:
            sizes = abs(one.bias[name]), abs(other.bias[name])
            series = [_moves_of_size(result, name) for result in (one, other)]
            trained = [result.training_error(name) for result in (one, other)]
            errors = one.bias_error[name], other.bias_error[name]
            entry[f"size of bias {name}"] = _difference(sizes, errors, series, trained)
        pairs[f"{first} - {second}"] = entry
    return {
        "format": "rs3l-fit-comparison",
        "version": 1,
        "taggers": {tagger: tagger_document(result) for tagger, result in results.items()},
        "paired_differences": all(r.replicas is not None and r.replicas.paired for r in results.values()),
        "differences": pairs,
    }


def _moves_of_size(result: TaggerResult, name: str) -> Series:
    sign = float(np.sign(result.bias[name])) or 1.0
    return tuple(None if move is None else sign * move for move in result.bias_moves.get(name, ()))


def _difference(
    values: tuple[float, float],
    errors: tuple[float | None, float | None],
    series: Sequence[Series],
    trained: Sequence[float],
) -> dict[str, float | None]:
    value = values[0] - values[1]
    first, second = errors
    squares = None if first is None or second is None else float(np.hypot(first, second))
    paired = None
    if series[0] and series[1]:
        rows = zip(*series, strict=True)
        paired = _deviation(tuple(None if a is None or b is None else a - b for a, b in rows))
    if paired is None:
        return {"value": value, "error": squares}
    # Trainings of two recipes have nothing in common but the events.
    error = float(np.linalg.norm([paired, *trained]))
    return {"value": value, "error": error, "error_in_squares": squares}


def markdown_table(document: Mapping[str, Any]) -> str:
    """The numbers of :func:`comparison_document` as tables."""
    taggers = document["taggers"]
    names = list(next(iter(taggers.values()))["bias"])
    head = ["Tagger", *(f"error of mu, {word}" for word in PARTS.values()), *(f"bias, {name}" for name in names)]
    rows = []
    for tagger, found in taggers.items():
        spread = found["replicas"]
        parts = [_number(found[part], None if spread is None else spread["deviation"][part]) for part in PARTS]
        rows.append([tagger, *parts, *(_number(found["bias"][n], found["bias_error"][n], sign=True) for n in names)])
    text = _table(head, rows)
    for channel in next(iter(taggers.values()))["edges"]:
        rows = [
            [tagger, _percent(found["signal_efficiency"][channel]), _percent(found["background_efficiency"][channel])]
            for tagger, found in taggers.items()
        ]
        head = ["Tagger", f"signal above the edges of {channel}", "background above them"]
        text += "\n" + _table(head, rows)
    rows = [
        [pair, *(_number(entry[key]["value"], entry[key]["error"], sign=True) for key in entry)]
        for pair, entry in document["differences"].items()
    ]
    if rows:
        keys = list(next(iter(document["differences"].values())))
        head = ["Difference", *(f"error of mu, {PARTS[key]}" if key in PARTS else key for key in keys)]
        text += "\n" + _table(head, rows)
        text += "\n" + (_PAIRED if document["paired_differences"] else _IN_SQUARES)
    return text


def _number(value: float, error: float | None, *, sign: bool = False) -> str:
    """Value and error with two digits of the error, or three digits of the value."""
    plus = "+" if sign else ""
    if error is None or not error > 0:
        return f"{value:{plus}.3g}"
    digits = max(1 - int(f"{error:.1e}".split("e")[1]), 0)
    return f"{value:{plus}.{digits}f} ± {error:.{digits}f}"


def _percent(fractions: list[float]) -> str:
    return ", ".join(f"{100 * value:.3g} %" for value in fractions[1:-1]) or "-"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
