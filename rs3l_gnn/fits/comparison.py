"""The result of a comparison of taggers: as a document, and as a table to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from rs3l_gnn.fits.replicas import Spread

__all__ = ["PARTS", "TaggerResult", "comparison_document", "markdown_table"]

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

    def error_of(self, part: str) -> float | None:
        """Statistical error of a part of the error, from the replicas."""
        return None if self.replicas is None else self.replicas.deviation[part]


def comparison_document(results: Mapping[str, TaggerResult]) -> dict[str, Any]:
    """All numbers, and for each pair of taggers the differences.

    Errors of differences add those of the two taggers in squares. Both see the same events, which fluctuate alike for
    both, so this is rather too large.
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
