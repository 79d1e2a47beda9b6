"""The result of a comparison of taggers: as a document, and as a table to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from rs3l_gnn.fits.replicas import Spread

__all__ = ["PARTS", "TaggerResult", "average_trainings", "comparison_document", "markdown_table"]

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

    def error_of(self, part: str) -> float | None:
        """Statistical error of a part of the error, from the replicas."""
        return None if self.replicas is None else self.replicas.deviation[part]


def average_trainings(
    results: Mapping[str, TaggerResult], trainings: Mapping[str, Sequence[str]]
) -> dict[str, TaggerResult]:
    """Put the average in place of several trainings of one recipe; other taggers stay.

    All trainings see the same simulated events, so that the error from these does not shrink with their number, while
    the spread of the trainings does; the two add in squares. Bins and fractions are those of the first training.
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

    def error(key: str, errors: Sequence[float | None]) -> float | None:
        known = [own for own in errors if own is not None]
        if len(known) < len(errors):
            return None
        return float(np.hypot(np.mean(known), spread[key] / len(results) ** 0.5))

    replicas = first.replicas
    if replicas is not None:
        # Every tagger has them, or none.
        deviations = {part: error(part, [result.error_of(part) for result in results]) or 0.0 for part in PARTS}
        means = {p: float(np.mean([r.replicas.mean[p] for r in results if r.replicas is not None])) for p in PARTS}
        replicas = replace(replicas, mean=means, deviation=deviations)
    return replace(
        first,
        mu=float(np.mean([result.mu for result in results])),
        mu_error=float(values["mu_error"].mean()),
        mu_error_statistical=float(values["mu_error_statistical"].mean()),
        mu_error_shower=float(values["mu_error_shower"].mean()),
        mu_error_other=float(values["mu_error_other"].mean()),
        bias={name: float(row.mean()) for name, row in biases.items()},
        bias_error={name: error(name, [result.bias_error[name] for result in results]) for name in biases},
        replicas=replicas,
        trainings=spread,
    )


def comparison_document(results: Mapping[str, TaggerResult]) -> dict[str, Any]:
    """All numbers, and for each pair of taggers the differences.

    Errors of differences add those of the two taggers in squares. Both see the same events, which fluctuate alike for
    both, but a run does not store which events two taggers share: an upper bound.
    """
    pairs = {}
    for first, second in combinations(results, 2):
        one, other = results[first], results[second]
        entry: dict[str, Any] = {}
        for part in PARTS:
            errors = (one.error_of(part), other.error_of(part))
            entry[part] = _difference(getattr(one, part), getattr(other, part), errors)
        for name in one.bias:
            sizes = abs(one.bias[name]), abs(other.bias[name])
            entry[f"size of bias {name}"] = _difference(*sizes, (one.bias_error[name], other.bias_error[name]))
        pairs[f"{first} - {second}"] = entry
    return {
        "format": "rs3l-fit-comparison",
        "version": 1,
        "taggers": {tagger: asdict(result) for tagger, result in results.items()},
        "differences": pairs,
    }


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
    return text


def _difference(one: float, other: float, errors: tuple[float | None, float | None]) -> dict[str, float | None]:
    first, second = errors
    error = None if first is None or second is None else (first**2 + second**2) ** 0.5
    return {"value": one - other, "error": error}


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
