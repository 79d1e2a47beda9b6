"""Tables of the report, section by section."""

from __future__ import annotations

from collections.abc import Iterator

from rs3l_gnn.conventions.wording import (
    bracket,
    compared,
    number,
    plus_minus,
    position,
    readable_jettype,
    rejection,
    sigmas,
)
from rs3l_gnn.evaluation.config import BASELINE, EvaluateConfig
from rs3l_gnn.evaluation.report.parts import Part, Table, Text
from rs3l_gnn.evaluation.results import (
    CurveResult,
    Difference,
    DistanceChanges,
    Estimate,
    Gain,
    Metrics,
    Point,
    Rejection,
    Row,
    Sculpting,
    TableResult,
)

__all__ = ["ablation_table", "curve_tables", "events_tables", "latent_table", "performance_tables"]

_READING = (
    "Errors and 68 % intervals combine a bootstrap over the events, which all taggers share, with the spread over "
    "the trainings divided by the square root of their number; a single training has no known spread, so its errors "
    "are those of the events alone. 1/FPR of several trainings is 1 / mean FPR. Significances use Student's "
    "distribution for the spread of few trainings."
)


def events_tables(config: EvaluateConfig, metrics: Metrics) -> Iterator[Part]:
    """Which events were used."""
    rows = [
        (
            which.name,
            ", ".join(readable_jettype(name) for name in which.jettypes),
            str(metrics.events[which.name]),
            f"{metrics.weights[which.name].effective_events:.1f}",
            f"{100 * metrics.weights[which.name].negative_share:.2g} %",
        )
        for which in config.classes
    ]
    yield Table(("Class", "Jet types of the nominal view", "Events", "Effective events", "Negative weights"), rows)
    yield Text(
        f"Only events on the {config.side} side of the split are used. {metrics.views.joined} of them are in "
        f"several files and were joined; {metrics.views.same_number} share sample and number with an event of "
        "another run."
    )


def performance_tables(config: EvaluateConfig, metrics: Metrics) -> Iterator[Part]:
    """AUC and rejections of every tagger, and pairs of them."""
    efficiencies = list(next(iter(metrics.tagging.values())).rejection)
    yield Table(
        ("Tagger", "Trainings", "AUC", "Spread of AUC", *(f"1/FPR at {e} %" for e in efficiencies)),
        [
            (
                name,
                str(row.n_trainings) if name != BASELINE else "-",
                _value(row.auc),
                number(row.auc.spread),
                *(_rejection(row.rejection[e]) for e in efficiencies),
            )
            for name, row in metrics.tagging.items()
        ],
        f"{config.signal.name} against {config.background.name}, nominal simulation",
    )
    if metrics.gains:
        yield Table(
            ("Pair", "Difference of AUC", *(f"Ratio of 1/FPR at {e} %" for e in efficiencies)),
            [
                (pair, _difference(row.auc), *(_gain(gain) for gain in row.rejection.values()))
                for pair, row in metrics.gains.items()
            ],
            "Pairs of taggers, with errors of paired events",
        )
    if metrics.sculpting and config.sculpting is not None:
        yield Table(
            ("Tagger", *(f"at {e} %" for e in efficiencies)),
            [(name, *(_sculpting(found[e]) for e in efficiencies)) for name, found in metrics.sculpting.items()],
            f"Jensen-Shannon divergence of {config.sculpting.observable} between {config.background.name} jets that "
            "pass and that fail, in bits; in brackets: what statistics alone makes",
        )
    yield Text(_READING)


def _sculpting(found: Sculpting) -> str:
    if found.divergence is None or found.divergence_null is None:
        return "-"
    return f"{plus_minus(found.divergence.value, found.divergence.error)} ({number(found.divergence_null, 2)})"


def curve_tables(result: CurveResult) -> Iterator[Table]:
    """Every point of a curve, and the power laws."""
    listed = [(line, point) for line, points in result.lines.items() for point in points]
    listed += list(result.references.items())
    classes = (result.background, result.signal) if any(point.wasserstein for _, point in listed) else ()
    rows = [
        (
            name,
            position(point.x),
            _trainings(point),
            _rejection(point.rejection),
            "-" if point.gain is None else _gain(point.gain),
            _value(point.auc),
            *(_mean_distance(point, which) for which in classes),
        )
        for name, point in listed
    ]
    head = (
        "Line",
        result.x_label,
        "Trainings",
        f"1/FPR at {100 * result.efficiency:g} %",
        f"over {result.reference or 'the reference'}",
        "AUC",
        *(f"Mean distance, {which}" for which in classes),
    )
    yield Table(head, rows, f"{result.signal} against {result.background}")
    laws = [
        (
            f"{quantity}, {line}",
            plus_minus(law.exponent, law.exponent_error),
            f"{number(law.chi2)} / {law.degrees_of_freedom}" if law.degrees_of_freedom else "-",
            bracket(law.value, law.interval),
        )
        for quantity, lines in result.extrapolations.items()
        for line, law in lines.items()
    ]
    if laws:
        x = next(law.x for lines in result.extrapolations.values() for law in lines.values())
        yield Table(
            ("Quantity, line", "Exponent", "χ² / degrees of freedom", f"Extrapolation to {position(x)}"),
            laws,
            "Power laws y = a x^b through the points; beyond the points they are extrapolations",
        )


def ablation_table(result: TableResult) -> Table:
    """Every row of a table with its differences to the reference."""
    first = next(iter(result.rows.values()))
    classes = list(first.wasserstein or {})
    rows = []
    for label, row in result.rows.items():
        against = result.differences.get(label)
        cells = [_value(row.auc), "reference" if against is None else _difference(against.auc)]
        for efficiency in first.rejection:
            cells.append(_rejection(row.rejection[efficiency]))
            cells.append("reference" if against is None else _gain(against.rejection[efficiency]))
        for which in classes:
            cells.append(_mean_distance(row, which))
            cells.append("reference" if against is None else _distance_ratio((against.wasserstein or {}).get(which)))
        rows.append((label, _trainings(row), *cells))
    head = ["Row", "Trainings", "AUC", "Difference"]
    for what in (*(f"1/FPR at {e} %" for e in first.rejection), *(f"Mean distance, {which}" for which in classes)):
        head += [what, "Ratio"]
    return Table(head, rows, f"{result.signal} against {result.background}, compared with {result.reference}")


def latent_table(metrics: Metrics) -> Table:
    """Linear probes of every encoder."""
    classes = list(next(iter(metrics.probes.values())))
    rows = [
        (
            name,
            *(number(areas[which], 4) for which in classes),
            ", ".join(number(share, 2) for share in metrics.latent[name].variance_shares[:4]),
        )
        for name, areas in metrics.probes.items()
    ]
    head = ("Encoder", *(f"AUC of a linear probe, {which}" for which in classes), "Leading shares of the variance")
    return Table(head, rows)


def _value(found: Estimate) -> str:
    return plus_minus(found.value, found.error)


def _rejection(row: Rejection) -> str:
    return rejection(row.inverse.value, row.inverse.interval)


def _gain(gain: Gain) -> str:
    return compared(gain.ratio, gain.interval, gain.significance)


def _difference(found: Difference) -> str:
    return f"{plus_minus(found.difference, found.error)} ({sigmas(found.significance)})"


def _mean_distance(row: Point | Row, which: str) -> str:
    found = (row.wasserstein or {}).get(which)
    return "-" if found is None else _value(found.wasserstein)


def _distance_ratio(changes: DistanceChanges | None) -> str:
    if changes is None or changes.plain is None:
        return "-"
    return compared(changes.plain.ratio.ratio, changes.plain.ratio.interval, changes.plain.difference.significance)


def _trainings(row: Point | Row) -> str:
    return "-" if row.sources == (BASELINE,) else str(row.n_trainings)
