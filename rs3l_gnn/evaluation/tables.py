"""Tables of ablations: rows of trainings, and their differences to one row."""

from __future__ import annotations

from typing import Any

from rs3l_gnn.evaluation.config import TableConfig
from rs3l_gnn.evaluation.measured import compare, ratio
from rs3l_gnn.evaluation.meter import Meter, Task, percent

__all__ = ["measure_table"]

Trainings = tuple[str, ...]


def measure_table(meter: Meter, table: TableConfig) -> dict[str, Any]:
    """Numbers of every row, for JSON.

    Keys: ``rows`` by label with ``auc``, ``rejection`` by efficiency, ``wasserstein`` by class where variations were
    scored; ``differences`` by label, to the reference row: of the area, of 1/FPR as ratio, of the distances.

    Raises:
        InvalidDataError: a class without test events.
    """
    task = meter.task(table.signal, table.background)
    reference = table.rows[table.reference]
    return {
        "signal": task.signal.name,
        "background": task.background.name,
        "reference": table.reference,
        "rows": {label: _row(meter, table, task, trainings) for label, trainings in table.rows.items()},
        "differences": {
            label: _difference(meter, table, task, reference, trainings)
            for label, trainings in table.rows.items()
            if label != table.reference
        },
    }


def _row(meter: Meter, table: TableConfig, task: Task, trainings: Trainings) -> dict[str, Any]:
    rejection = {}
    for efficiency in table.efficiencies:
        rate = meter.rate(trainings, task, efficiency)
        rejection[percent(efficiency)] = {**rate.inverse_document(), **rate.document("background_efficiency")}
    row: dict[str, Any] = {
        "n_trainings": len(trainings),
        "sources": list(trainings),
        **meter.area(trainings, task).document("auc"),
        "rejection": rejection,
    }
    if table.variations:
        row["wasserstein"] = {}
        for which in (task.background, task.signal):
            plain, common = (meter.mean_shift(trainings, task, which, common=scale) for scale in (False, True))
            if plain is not None and common is not None:
                row["wasserstein"][which.name] = {
                    **plain.document("wasserstein"),
                    **common.document("wasserstein_common"),
                }
    return row


def _difference(
    meter: Meter, table: TableConfig, task: Task, reference: Trainings, trainings: Trainings
) -> dict[str, Any]:
    rejection = {}
    for efficiency in table.efficiencies:
        above, below = (meter.rate(recipe, task, efficiency) for recipe in (reference, trainings))
        rejection[percent(efficiency)] = {**ratio(above, below), "significance": compare(below, above).significance}
    out: dict[str, Any] = {
        "auc": compare(meter.area(reference, task), meter.area(trainings, task)).document(),
        "rejection": rejection,
    }
    if table.variations:
        out["wasserstein"] = {}
        for which in (task.background, task.signal):
            numbers: dict[str, Any] = {}
            for scale, suffix in ((False, ""), (True, "_common")):
                a, b = (meter.mean_shift(recipe, task, which, common=scale) for recipe in (reference, trainings))
                if a is not None and b is not None:
                    both = {**compare(a, b).document(), **ratio(b, a, centred=True)}
                    numbers.update({f"{key}{suffix}": value for key, value in both.items()})
            out["wasserstein"][which.name] = numbers
    return out
