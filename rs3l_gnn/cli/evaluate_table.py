"""The numbers of an evaluation as a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rs3l_gnn.conventions.wording import plus_minus, rejection, sigmas

if TYPE_CHECKING:
    from rs3l_gnn.evaluation.results import Difference, Metrics, Rejection

__all__ = ["aligned", "evaluation_table"]


def evaluation_table(metrics: Metrics) -> str:
    """Area and 1/FPR of every tagger, and the difference of the areas of every pair.

    Differences have their significance; beyond 8 standard deviations, where floating point and no physics sets the
    number, a bound.
    """
    points = list(dict.fromkeys(point for found in metrics.tagging.values() for point in found.rejection))
    rows = [["tagger", "AUC", *(f"1/FPR at {point} %" for point in points)]]
    for name, found in metrics.tagging.items():
        rates = [_rejection(found.rejection[point]) if point in found.rejection else "-" for point in points]
        rows.append([name, plus_minus(found.auc.value, found.auc.error), *rates])
    text = aligned(rows)
    if metrics.gains:
        changes = [["pair", "difference of AUC"]]
        changes += [[pair, _difference(gain.auc)] for pair, gain in metrics.gains.items()]
        text += "\n\n" + aligned(changes)
    return text


def _rejection(found: Rejection) -> str:
    return rejection(found.inverse.value, found.inverse.interval)


def _difference(found: Difference) -> str:
    return f"{plus_minus(found.difference, found.error)} ({sigmas(found.significance)})"


def aligned(rows: list[list[str]]) -> str:
    """Rows of cells as lines, columns below one another."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
