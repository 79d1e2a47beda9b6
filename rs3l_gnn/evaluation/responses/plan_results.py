"""A plan as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rs3l_gnn.evaluation.estimates import Record

__all__ = ["Plan", "PlanRow", "PlannedPoint"]


@dataclass(frozen=True)
class PlannedPoint(Record):
    """What some events and trainings will tell.

    Attributes:
        events: of the class.
        trainings: of each tagger.
        error: of the reference's response.
        error_difference: of the difference of two taggers, paired.
        significance: expected, of the difference that is planned for.
    """

    events: int
    trainings: int
    error: float
    error_difference: float
    significance: float


@dataclass(frozen=True)
class PlanRow(Record):
    """One response of a class at one working point, for one tagger beside the reference.

    Attributes:
        which, response, words, efficiency, tagger: class, estimator, the same in words, signal efficiency in per cent.
        pilot_events: events of the pilot.
        pilot_response, pilot_error: of the reference.
        assumed: size of the reference's response that the plan takes.
        difference: to be seen.
        correlation: of the two taggers' responses over the events of the pilot.
        spread: true spread of the trainings of both in the pilot; None where a single training does not tell.
        points: by events and trainings.
        needed: by number of trainings, events at which the difference has the wanted significance on average; None
            where no number suffices.
    """

    which: str
    response: str
    words: str
    efficiency: str
    tagger: str
    pilot_events: int
    pilot_response: float
    pilot_error: float | None
    assumed: float
    difference: float
    correlation: float
    spread: tuple[float | None, float | None]
    points: tuple[PlannedPoint, ...]
    needed: Mapping[str, int | None]


@dataclass(frozen=True)
class Plan(Record):
    """All rows, and what they are planned for.

    Attributes:
        reference: the tagger that the others are compared with.
        share: of its response that is to be told from it.
        significance: wanted.
        rows: of every class, response, working point and tagger.
        unknown: rows of the pilot without an error, which nothing can be planned from.
    """

    reference: str
    share: float
    significance: float
    rows: tuple[PlanRow, ...]
    unknown: tuple[str, ...]
