"""A comparison as tables to read."""

from __future__ import annotations

from rs3l_gnn.conventions.wording import plus_minus, sigmas
from rs3l_gnn.fits.compare.results import PARTS, Comparison
from rs3l_gnn.fits.compare.shower import ShowerPart

__all__ = ["markdown_tables"]

_PAIRED = (
    "Errors of differences are paired: the standard deviation of the difference over replicas of the same events.\n"
)
_IN_SQUARES = (
    "Errors of differences add those of two taggers in squares. The same events fluctuate for both: upper bounds.\n"
)


def markdown_tables(comparison: Comparison) -> str:
    """Errors and biases of each tagger, its bins, and the differences of each pair."""
    taggers = comparison.taggers
    first = next(iter(taggers.values()))
    head = ["Tagger", *(f"error of mu, {word}" for word in PARTS.values()), *(f"bias, {name}" for name in first.bias)]
    rows = [
        [
            tagger,
            *(plus_minus(getattr(found, part), found.error_of(part)) for part in PARTS),
            *(_signed(found.bias[name], found.bias_error[name]) for name in first.bias),
        ]
        for tagger, found in taggers.items()
    ]
    text = _table(head, rows)
    for channel in first.edges:
        rows = [
            [tagger, _percent(found.signal_efficiency[channel]), _percent(found.background_efficiency[channel])]
            for tagger, found in taggers.items()
        ]
        head = ["Tagger", f"signal above the edges of {channel}", "background above them"]
        text += "\n" + _table(head, rows)
    text += _shower(comparison)
    rows = [
        [pair, *(_signed(contrast.value, contrast.error) for contrast in entry.values())]
        for pair, entry in comparison.differences.items()
    ]
    if rows:
        keys = next(iter(comparison.differences.values()))
        head = ["Difference", *(f"error of mu, {PARTS[key]}" if key in PARTS else key for key in keys)]
        text += "\n" + _table(head, rows)
        text += "\n" + (_PAIRED if comparison.paired else _IN_SQUARES)
    return text


def _shower(comparison: Comparison) -> str:
    """The shower's part of the error without the noise of the templates; empty without replicas."""
    if not comparison.shower:
        return ""
    head = ["Tagger", "error of mu, shower", "without the noise of the templates"]
    rows = [
        [tagger, plus_minus(comparison.taggers[tagger].mu_error_shower, None), _noise_free(part)]
        for tagger, part in comparison.shower.items()
    ]
    text = "\n" + _table(head, rows)
    rows = [
        [
            pair,
            "-" if found.difference is None else f"{_signed(found.difference, found.error)}",
            sigmas(found.significance),
            plus_minus(found.ratio, found.ratio_error),
            sigmas(found.below_aim),
        ]
        for pair, found in comparison.shower_contrasts.items()
    ]
    if rows:
        head = ["Pair, without noise", "difference", "significance", "ratio", "ratio below the aim"]
        text += "\n" + _table(head, rows)
    return text


def _noise_free(part: ShowerPart) -> str:
    return "not above its noise" if part.value is None else plus_minus(part.value, part.error)


def _signed(value: float, error: float | None) -> str:
    return ("" if value < 0 else "+") + plus_minus(value, error)


def _percent(fractions: list[float]) -> str:
    return ", ".join(f"{100 * value:.3g} %" for value in fractions[1:-1]) or "-"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
