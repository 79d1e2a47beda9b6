"""Tables of ablations: rows of trainings, and their differences to one row."""

from __future__ import annotations

from rs3l_gnn.evaluation.config import TableConfig
from rs3l_gnn.evaluation.measured import compare, compare_distances, gain
from rs3l_gnn.evaluation.meter import Meter, Task, Trainings, percent
from rs3l_gnn.evaluation.results import DistanceChanges, Row, RowChange, TableResult

__all__ = ["measure_table"]


def measure_table(meter: Meter, table: TableConfig) -> TableResult:
    """Numbers of every row, and what sets them apart from the reference row.

    Raises:
        InvalidDataError: a class without test events.
    """
    task = meter.task(table.signal, table.background)
    reference = table.rows[table.reference]
    return TableResult(
        signal=task.signal.name,
        background=task.background.name,
        reference=table.reference,
        rows={label: _row(meter, table, task, trainings) for label, trainings in table.rows.items()},
        differences={
            label: _difference(meter, table, task, reference, trainings)
            for label, trainings in table.rows.items()
            if label != table.reference
        },
    )


def _row(meter: Meter, table: TableConfig, task: Task, trainings: Trainings) -> Row:
    return Row(
        n_trainings=len(trainings),
        sources=trainings,
        auc=meter.area(trainings, task).estimate(),
        rejection={
            percent(efficiency): meter.rejection(trainings, task, efficiency) for efficiency in table.efficiencies
        },
        wasserstein=meter.mean_distances(trainings, task) if table.variations else None,
    )


def _difference(meter: Meter, table: TableConfig, task: Task, reference: Trainings, trainings: Trainings) -> RowChange:
    distances = {}
    for which in (task.background, task.signal) if table.variations else ():
        pairs = [
            [meter.mean_shift(recipe, task, which, common=scale) for recipe in (reference, trainings)]
            for scale in (False, True)
        ]
        distances[which.name] = DistanceChanges(
            *(None if a is None or b is None else compare_distances(a, b) for a, b in pairs)
        )
    return RowChange(
        auc=compare(meter.area(reference, task), meter.area(trainings, task)),
        rejection={
            percent(efficiency): gain(*(meter.rate(recipe, task, efficiency) for recipe in (reference, trainings)))
            for efficiency in table.efficiencies
        },
        wasserstein=distances if table.variations else None,
    )
