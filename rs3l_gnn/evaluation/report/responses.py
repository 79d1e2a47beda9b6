"""Tables of the report on responses to the shower and changes under other generators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rs3l_gnn.conventions.wording import bracket, number, plus_minus, sigmas
from rs3l_gnn.evaluation.config import EvaluateConfig
from rs3l_gnn.evaluation.report.parts import Part, Table, Text
from rs3l_gnn.evaluation.responses.observables import OBSERVABLES
from rs3l_gnn.evaluation.responses.results import (
    PairStatistics,
    Response,
    ResponseComparison,
    ResponseResults,
)

__all__ = ["response_tables"]

_READING = (
    "A response is d ln(pass rate) / d ln μ² at a threshold from nominal signal: a scale moved by a factor 2 on μ "
    "changes the rate by 1.39 times it. For another generator it is the ln of the ratio of its pass rate to the "
    "nominal one. Differences are taken event by event, and errors hold events and trainings."
)


def response_tables(config: EvaluateConfig, results: ResponseResults) -> Iterator[Part]:
    """Responses and their differences, class by class."""
    yield Text(_READING)
    for which in (one.name for one in config.classes):
        found = {name: classes[which] for name, classes in results.responses.items() if classes[which]}
        if not found:
            continue
        efficiencies = list(next(iter(next(iter(found.values())).values())))
        head = [f"at {efficiency} %" for efficiency in efficiencies]
        yield Table(
            ("Tagger, response", *head, "Events", "Correlation of the sides"),
            [
                (
                    f"{tagger}, {results.response_estimators[name].words}",
                    *(_value(cell) for cell in cells.values()),
                    *_statistics([cell.pairs for cell in cells.values()]),
                )
                for tagger, estimators in found.items()
                for name, cells in estimators.items()
            ],
            f"Responses of {which}",
        )
        compared = [
            (
                f"{pair}, {results.response_estimators[name].words}",
                *(_compared(cell) for cell in cells.values()),
            )
            for pair, classes in results.response_comparisons.items()
            for name, cells in classes[which].items()
        ]
        if compared:
            aim = None if config.responses is None else config.responses.aim
            last = "" if aim is None else f"; last: how surely the size is below {aim:g} times the other's"
            yield Table(
                ("Pair, response", *head),
                compared,
                f"Differences of the responses of {which}, paired; then the ratio with its 68 % interval{last}",
            )
        yield from _profiles(results, which)


def _profiles(results: ResponseResults, which: str) -> Iterator[Table]:
    """Part of each response that the shift of an observable carries, alone and for each pair."""
    rows = [
        (
            f"{tagger}, {results.response_estimators[name].words}",
            *("-" if one.moving is None else plus_minus(one.moving.value, one.moving.error) for one in cells.values()),
        )
        for tagger, classes in results.response_profiles.items()
        for name, cells in classes[which].items()
    ]
    if not rows:
        return
    found = [cells for classes in results.response_profiles.values() for cells in classes[which].values()]
    head = [OBSERVABLES[name] for name in found[0]]
    yield Table(
        ("Tagger, response", *head),
        rows,
        f"Part of the response of {which} that comes from jets moving between bins of one observable",
    )
    compared = [
        (
            f"{pair}, {results.response_estimators[name].words}",
            *(
                f"{plus_minus(one.moving.difference, one.moving.error)} ({sigmas(one.moving.significance)})"
                for one in cells.values()
            ),
        )
        for pair, classes in results.response_profile_comparisons.items()
        for name, cells in classes[which].items()
    ]
    if compared:
        yield Table(("Pair, response", *head), compared, f"Differences of these parts for {which}, paired")


def _value(cell: Response) -> str:
    found = cell.response
    return "-" if found is None else plus_minus(found.value, found.error)


def _statistics(found: Sequence[PairStatistics | None]) -> tuple[str, str]:
    known = [one for one in found if one is not None]
    if not known:
        return "-", "-"
    return str(known[0].events), ", ".join(number(one.correlation, 2) for one in known)


def _compared(cell: ResponseComparison) -> str:
    if cell.change.difference is None:
        return "-"
    parts = [
        f"{plus_minus(cell.change.difference, cell.change.error)} ({sigmas(cell.change.significance)})",
        bracket(cell.ratio.ratio, cell.ratio.interval) if cell.ratio.interval != (None, None) else "ratio open",
        *(() if cell.below_aim is None else (sigmas(cell.below_aim),)),
    ]
    return "; ".join(parts)
