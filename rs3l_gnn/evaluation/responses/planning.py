"""A plan for a study of responses: expected errors, and the events that it needs."""

from __future__ import annotations

from pathlib import Path

from rs3l_gnn.conventions import (
    ConfigError,
    atomic_directory,
    dump_config,
    file_digest,
    provenance,
    refuse_existing,
    write_json,
)
from rs3l_gnn.evaluation.config import BASELINE, EvaluateConfig
from rs3l_gnn.evaluation.responses.config import PlanConfig
from rs3l_gnn.evaluation.responses.pilot import Pilot, PilotRow
from rs3l_gnn.evaluation.responses.plan import PilotPair, error_of_pair, events_needed, significance_of_pair
from rs3l_gnn.evaluation.responses.plan_results import Plan, PlannedPoint, PlanRow

__all__ = ["make_plan", "plan"]


def plan(config: EvaluateConfig, output: Path | str, *, force: bool = False) -> Plan:
    """Write what a study will be able to tell, before it is made.

    Args:
        config: its section ``plan``; ``reference`` names the tagger whose responses the others' are compared with, by
            default the first of ``taggers`` or, without any, of the pilot.
        output: folder to write: ``plan.json``, ``config.yaml``, ``provenance.json`` and ``plots/``.
        force: replace an existing folder.

    Raises:
        ConfigError: no section ``plan``.
        InputFileError: the pilot cannot be used.
        OutputError: the folder exists or cannot be written.
    """
    from rs3l_gnn.evaluation.figures.plan import draw_plan

    output = Path(output)
    refuse_existing(output, force=force)
    if config.plan is None:
        raise ConfigError("nothing is planned", hint="add a section plan with the metrics.json of a pilot")
    pilot = Pilot(config.plan.pilot)
    taggers = [name for name in pilot.taggers if name != BASELINE]
    reference = config.reference or next(iter([*config.taggers, *taggers]), BASELINE)
    found = make_plan(config.plan, pilot, reference)
    record = provenance(config=config, seeds={})
    record["inputs"] = {str(config.plan.pilot): file_digest(config.plan.pilot)}
    with atomic_directory(output, force=force) as folder:
        plots = draw_plan(folder / "plots", config.style, found)
        document = {"format": "rs3l-plan", "version": 1, **found.document(), "plots": plots}
        write_json(folder / "plan.json", document)
        write_json(folder / "provenance.json", record)
        (folder / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    return found


def make_plan(config: PlanConfig, pilot: Pilot, reference: str) -> Plan:
    """The numbers of a plan.

    Args:
        config: numbers of events and trainings, and what shall be seen.
        pilot: an earlier evaluation.
        reference: tagger that the others are compared with.

    Raises:
        InputFileError: the pilot lacks the reference, or has nothing to plan with.
    """
    rows, unknown = [], []
    for row in pilot.rows(reference):
        if row.pair is None:
            unknown.append(f"{row.tagger}, {row.which}, {row.estimator.name}, {row.efficiency} %")
        else:
            rows.append(_row(config, row, row.pair))
    return Plan(reference, config.share, config.significance, tuple(rows), tuple(unknown))


def _row(config: PlanConfig, row: PilotRow, pair: PilotPair) -> PlanRow:
    assumed = abs(pair.reference.value) if config.response is None else config.response
    difference = (1 - config.share) * assumed
    return PlanRow(
        which=row.which,
        response=row.estimator.name,
        words=row.estimator.words,
        efficiency=row.efficiency,
        tagger=row.tagger,
        pilot_events=pair.reference.events,
        pilot_response=pair.reference.value,
        pilot_error=row.error,
        assumed=assumed,
        difference=difference,
        correlation=pair.correlation,
        spread=(_spread(pair, 0), _spread(pair, 1)),
        points=tuple(
            PlannedPoint(
                events,
                trainings,
                pair.reference.error(events, trainings),
                error_of_pair(pair, events, trainings),
                significance_of_pair(pair, difference, events, trainings),
            )
            for trainings in config.trainings
            for events in config.events
        ),
        needed={
            str(trainings): events_needed(pair, difference, config.significance, trainings)
            for trainings in config.trainings
        },
    )


def _spread(pair: PilotPair, place: int) -> float | None:
    one = (pair.reference, pair.other)[place]
    return None if one.spread is None else one.true_spread
