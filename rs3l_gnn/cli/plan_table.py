"""A plan as a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rs3l_gnn.cli.evaluate_table import aligned
from rs3l_gnn.conventions.wording import plus_minus, position, significant

if TYPE_CHECKING:
    from rs3l_gnn.evaluation.responses.plan_results import Plan

__all__ = ["plan_table"]


def plan_table(plan: Plan) -> str:
    """Events that each response needs, by number of trainings."""
    trainings = list(dict.fromkeys(key for row in plan.rows for key in row.needed))
    head = ["class", "response", "tagger", "pilot", "to see", *(f"events, {key} trainings" for key in trainings)]
    rows = [
        [
            row.which,
            f"{row.words} at {row.efficiency} %",
            row.tagger,
            plus_minus(row.pilot_response, row.pilot_error),
            significant(row.difference, 2),
            *("never" if row.needed[key] is None else position(row.needed[key]) for key in trainings),
        ]
        for row in plan.rows
    ]
    words = (
        f"events of a class at which {plan.share:g} times the response of {plan.reference} is expected to differ from "
        f"it by {plan.significance:g} sigma"
    )
    return "\n".join([aligned([head, *rows]), words, *(f"the pilot has no error for {name}" for name in plan.unknown)])
