"""Tables of the report on what variations and shower weights change."""

from __future__ import annotations

from collections.abc import Iterator

from rs3l_gnn.conventions.wording import compared, number, plus_minus, readable_variation, sigmas
from rs3l_gnn.evaluation.config import BASELINE, EvaluateConfig
from rs3l_gnn.evaluation.meter import percent
from rs3l_gnn.evaluation.report.parts import Table
from rs3l_gnn.evaluation.results import (
    DistanceChanges,
    Estimate,
    Metrics,
    PairedDifference,
    ShowerWeightResults,
    VariedDistances,
)

__all__ = ["robustness_tables", "shower_weight_tables"]

_SCALES = ((False, "in units of the score"), (True, "on the common scale"))


def robustness_tables(config: EvaluateConfig, metrics: Metrics) -> Iterator[Table]:
    """Distances on both scales, their ratios, and changes of rates, class by class."""
    for which in config.classes:
        variations = list(metrics.robustness[BASELINE][which.name])
        if not variations:
            continue
        words = [readable_variation(name) for name in variations]
        for common, scale in _SCALES:
            yield Table(
                ("Tagger", *words),
                [
                    (name, *(_distance(classes[which.name][v], common=common) for v in variations))
                    for name, classes in metrics.robustness.items()
                ],
                f"Wasserstein distance of {which.name}, {scale}; in brackets: what statistics alone makes",
            )
        for common, scale in _SCALES if metrics.comparisons else ():
            yield Table(
                ("Pair", *words),
                [
                    (
                        pair.replace(" - ", " / "),
                        *(_distance_ratio(classes[which.name][v], common=common) for v in variations),
                    )
                    for pair, classes in metrics.comparisons.items()
                ],
                f"Ratio of the distances of {which.name}, {scale}",
            )
        what = "FPR" if which.name == config.background.name else "efficiency"
        efficiencies = [percent(efficiency) for efficiency in config.efficiencies]
        yield Table(
            ("Tagger, signal efficiency", *words),
            [
                (f"{name}, {e} %", *(_change(classes[which.name][v][e].change, 100) for v in variations))
                for name, classes in metrics.rate_changes.items()
                for e in efficiencies
            ],
            f"Change of the {what} of {which.name}, in per cent",
        )
        if metrics.rate_change_comparisons:
            yield Table(
                ("Pair, signal efficiency", *words),
                [
                    (f"{pair}, {e} %", *(_difference(classes[which.name][v][e], 100) for v in variations))
                    for pair, classes in metrics.rate_change_comparisons.items()
                    for e in efficiencies
                ],
                f"Difference of these changes for {which.name}, in per cent, paired event by event; "
                "r: correlation of the two",
            )


def shower_weight_tables(config: EvaluateConfig, showers: ShowerWeightResults) -> Iterator[Table]:
    """Changes of pass rates under shower weights."""
    efficiencies = [f"at {percent(efficiency)} %" for efficiency in config.efficiencies]
    for which in (one.name for one in config.classes):
        changes = [
            (
                f"{tagger}, {name}",
                f"{found.effective_events:.0f} of {found.events}",
                number(found.largest),
                *(_change(rate.change, 100) for rate in found.rates.values()),
            )
            for tagger, classes in showers.shower_weights.items()
            for name, found in classes[which].items()
        ]
        if not changes:
            continue
        yield Table(
            ("Tagger, weight", "Effective events", "Largest weight", *efficiencies),
            changes,
            f"Change of the pass rate of {which} under shower weights, in per cent",
        )


def _distance(shift: VariedDistances, *, common: bool) -> str:
    found = shift.on(common=common)
    return f"{plus_minus(found.value, found.error)} ({number(shift.null(common=common)[0], 2)})"


def _distance_ratio(changes: DistanceChanges, *, common: bool) -> str:
    change = changes.on(common=common)
    return (
        "-" if change is None else compared(change.ratio.ratio, change.ratio.interval, change.difference.significance)
    )


def _change(found: Estimate | None, scale: float) -> str:
    if found is None:
        return "-"
    return plus_minus(scale * found.value, None if found.error is None else scale * found.error)


def _difference(cell: PairedDifference, scale: float) -> str:
    """A paired difference with its significance and the correlation that made its error small."""
    if cell.difference is None:
        return "-"
    error = None if cell.error is None else scale * cell.error
    text = f"{plus_minus(scale * cell.difference, error)} ({sigmas(cell.significance)}"
    return text + (")" if cell.correlation is None else f", r = {cell.correlation:.2f})")
